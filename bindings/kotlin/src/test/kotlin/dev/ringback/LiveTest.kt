package dev.ringback

import kotlinx.coroutines.channels.ReceiveChannel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.produceIn
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Instant
import java.util.concurrent.atomic.AtomicInteger
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The live view, the code that the agent says, the number for when the server is away; the same stands in Swift. */
class LiveTest {
    @TempDir
    lateinit var folder: Path

    private val someone = PhoneNumber("+4930901820384")

    @Test
    fun `all who collect share one connection and see what happens`() =
        journey(folder) { centre, _ ->
            val transport = Counting(OkHttpTransport())
            centre.app(folder, transport).use { app ->
                val callback = app.requestCallback(CallbackRequest("advice", someone))
                val one = app.liveCallbacks().produceIn(this)
                val two = app.liveCallbacks().produceIn(this)
                val queued = one.until { it.live }.callbacks.single()
                assertEquals(CallbackState.QUEUED to null, queued.state to queued.spokenCode)
                two.until { it.live }

                // An agent is kept free: both see it, and the code that the agent will say.
                centre.staff("PUT", "agents/grace/state", """{"state":"ready"}""")
                val due =
                    one
                        .until { it.callbacks.single().state == CallbackState.ROUTING }
                        .callbacks
                        .single()
                assertEquals(
                    due.spokenCode,
                    two
                        .until { it.callbacks.single().spokenCode != null }
                        .callbacks
                        .single()
                        .spokenCode,
                )
                val desk = centre.staff("GET", "agents/grace").at("callback")
                assertEquals(desk.text("spoken_code"), assertNotNull(due.spokenCode).value)
                assertEquals(1, transport.opened.get(), "one connection for all")

                // In the background there is none; what is known stays, with its age.
                app.pause()
                val stale = one.until { !it.live }
                assertTrue(stale.asOf <= Instant.now())
                while (transport.held.get() != 0) yield()
                centre.staff("POST", "callbacks/${callback.id}/result", """{"result":"connected"}""")
                app.resume()
                one.until { it.live && it.callbacks.single().state == CallbackState.PROCESSING }
                one.cancel()
                two.cancel()
            }
            // The next start knows it at once.
            centre.app(folder).use { app ->
                val known = app.liveCallbacks().first()
                assertFalse(known.live)
                assertNull(known.callbacks.single().spokenCode, "the code is not kept")
            }
        }

    @Test
    fun `one callback is followed to its end`() =
        journey(folder) { _, app ->
            val callback = app.requestCallback(CallbackRequest("advice", someone))
            val states =
                app
                    .liveCallback(callback.id)
                    .onEach { if (it.live && it.callback.reason == null) app.cancel(callback.id) }
                    .toList()
            assertEquals(CallbackState.COMPLETED, states.last().callback.state)
            val unknown = assertFailsWith<RingbackException.Refused> { app.liveCallback("cb_none").first() }
            assertEquals("callback_not_found", unknown.code)
        }

    @Test
    fun `without a server there is the number it last named`() =
        journey(folder) { _, app ->
            val named = assertNotNull(app.offer("billing").fallbackNumber)
            ringback("http://127.0.0.1:1", folder).use { away ->
                val request = CallInRequest("billing")
                val calls =
                    listOf<suspend () -> Any>(
                        { away.offer("billing") },
                        { away.requestCallIn(request) },
                        { away.requestCallback(aRequest) },
                    )
                for (call in calls) {
                    val error = assertFailsWith<RingbackException> { call() }
                    val number = assertNotNull(error.fallback)
                    assertEquals("tel:${named.value}", number.telUri.value)
                    assertTrue(number.fromCache && number.asOf <= Instant.now())
                }
                assertEquals(named, away.fallback("billing")?.number)
                assertNull(away.fallback("advice"))
            }
        }
}

private suspend fun <T> ReceiveChannel<T>.until(wished: (T) -> Boolean): T {
    while (true) receive().let { if (wished(it)) return it }
}

/** Counts streams: those that were opened, and those that are held now. */
private class Counting(
    private val inner: Transport,
) : Transport by inner {
    val opened = AtomicInteger()
    val held = AtomicInteger()

    override suspend fun stream(
        request: HttpRequest,
        sink: StreamSink,
    ) {
        opened.incrementAndGet()
        held.incrementAndGet()
        try {
            inner.stream(request, sink)
        } finally {
            held.decrementAndGet()
        }
    }
}
