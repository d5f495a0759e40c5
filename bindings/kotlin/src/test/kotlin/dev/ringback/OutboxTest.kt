package dev.ringback

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** A tap without a network; the same stands in Swift. */
class OutboxTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `a tap without a network is sent when there is one, once`() =
        runBlocking {
            Centre().use { centre ->
                val phone = Phone()
                val key =
                    centre.app(folder, phone).use { app ->
                        val error =
                            assertFailsWith<RingbackException.Unreachable> { app.requestCallback(aRequest) }
                        val kept = app.pending().single()
                        assertEquals(error.pendingKey, kept.key)
                        assertIs<RequestState.NotSent>(kept.state)
                        assertTrue(kept.isOpen)
                        assertFalse(kept.mayHaveArrived, "it never left the phone")
                        val status = app.outboxStatus()
                        assertEquals(1u, status.waiting)
                        assertNotNull(status.nextTryAt)
                        app.pause()
                        kept.key
                    }

                // The app was closed meanwhile; background work starts it.
                phone.isOffline = false
                centre.app(folder, phone).use { app ->
                    val resumed = app.resume().single()
                    assertEquals(key, resumed.request.key)
                    val accepted = assertIs<ResumeOutcome.Accepted>(resumed.outcome)
                    assertEquals(listOf(accepted.callback?.id), app.callbacks().map { it.id })
                    assertTrue(app.pending().isEmpty())
                    assertEquals(
                        OutboxStatus(waiting = 0u, nextTryAt = null, damaged = 0u),
                        app.outboxStatus(),
                    )
                }
            }
        }

    @Test
    fun `what was refused while nobody waited is told until it was seen`() =
        runBlocking {
            Centre().use { centre ->
                val phone = Phone()
                val unknown = aRequest.copy(service = "no-such-service")
                centre.app(folder, phone).use { app ->
                    assertFailsWith<RingbackException.Unreachable> { app.requestCallback(unknown) }
                    phone.isOffline = false
                    assertIs<ResumeOutcome.Refused>(app.resume().single().outcome)
                }
                centre.app(folder, phone).use { app ->
                    val refused = app.pending().single()
                    assertEquals("service_unknown", assertIs<RequestState.Refused>(refused.state).code)
                    assertFalse(refused.isOpen)
                    assertNull(app.outboxStatus().nextTryAt, "there is nothing to send")
                    app.discard(refused.key)
                    assertTrue(app.pending().isEmpty())
                }
            }
        }

    /** HTTP over OkHttp, unless there is no network. */
    private class Phone(
        private val inner: OkHttpTransport = OkHttpTransport(),
    ) : Transport by inner {
        @Volatile
        var isOffline = true

        override suspend fun send(request: HttpRequest): HttpResponse =
            if (isOffline) throw TransportException.Unreachable() else inner.send(request)
    }
}
