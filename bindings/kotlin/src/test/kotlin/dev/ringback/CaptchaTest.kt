package dev.ringback

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.minutes

/** A service that asks for a CAPTCHA; the same stands in Swift. */
class CaptchaTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `proof of work is done without a line in the app`() =
        journey(folder) { centre, app ->
            guarded(centre, """{"required": "always"}""")
            assertEquals(listOf("altcha"), app.offer("guarded").captcha)

            val callback = app.requestCallback(request)
            assertEquals(CallbackState.QUEUED, callback.state)
            assertEquals(listOf(callback.id), app.callbacks().map { it.id })
            assertTrue(app.pending().isEmpty())
        }

    @Test
    fun `an app that shows CAPTCHAs hears how far proof of work has come`() {
        val heard = ConcurrentLinkedQueue<UByte>()
        val presenter = Presenter(heard) { error("nobody is to be shown anything") }
        asking("""{"required": "always"}""", presenter) { _, app ->
            app.requestCallback(request)
            assertTrue(
                heard.isNotEmpty() && heard.toList() == heard.sorted() && heard.last() <= 100u,
                "$heard",
            )
        }
    }

    @Test
    fun `the app shows what the service wants, and the token counts`() {
        val asked = ConcurrentLinkedQueue<CaptchaAsk>()
        val centre = CompletableDeferred<Centre>()
        val presenter =
            Presenter {
                asked += it
                centre.await().passTurnstile(it.action)
            }
        asking(TURNSTILE, presenter) { started, app ->
            centre.complete(started)
            assertEquals(CallbackState.QUEUED, app.requestCallback(request).state)
            assertEquals(listOf(CaptchaAsk("turnstile", "request_callback")), asked.toList())
            assertTrue(app.pending().isEmpty())
        }
    }

    @Test
    fun `a token that the provider does not know is no pass`() =
        asking(TURNSTILE, Presenter { CaptchaToken("tk-made-up") }) { _, app ->
            val refused = assertFailsWith<RingbackException.Refused> { app.requestCallback(request) }
            assertEquals("captcha_rejected", refused.code)
            assertTrue(app.callbacks().isEmpty())
        }

    @Test
    fun `a person who would not is not asked again`() =
        asking(TURNSTILE, Presenter { throw CaptchaException.Declined() }) { _, app ->
            val refused = assertFailsWith<RingbackException.Refused> { app.requestCallback(request) }
            assertEquals("challenge_required", refused.code)
            assertNull(refused.pendingKey)
            assertTrue(app.pending().isEmpty())
        }

    @Test
    fun `what cannot be shown now stays kept, and so does what failed in any way`() {
        val faults =
            ArrayDeque(
                listOf(
                    CaptchaException.Unavailable(),
                    IllegalStateException("private"),
                    StackOverflowError(),
                ),
            )
        val centre = CompletableDeferred<Centre>()
        val presenter =
            Presenter { ask ->
                faults.removeFirstOrNull()?.let { throw it }
                    ?: centre.await().passTurnstile(ask.action)
            }
        asking(TURNSTILE, presenter) { started, app ->
            centre.complete(started)
            repeat(3) {
                val refused = assertFailsWith<RingbackException.Refused> { app.requestCallback(request) }
                assertEquals("challenge_required", refused.code)
                assertNotNull(refused.pendingKey)
                assertEquals(1, app.pending().size)
            }
            app.resume()
            assertEquals(1, app.callbacks().size)
            assertTrue(app.pending().isEmpty())
        }
    }

    @Test
    fun `cancelling the request takes the CAPTCHA off the screen`() {
        val shown = CompletableDeferred<Unit>()
        val gone = CompletableDeferred<Unit>()
        val presenter =
            Presenter {
                shown.complete(Unit)
                try {
                    awaitCancellation()
                } finally {
                    gone.complete(Unit)
                }
            }
        asking(TURNSTILE, presenter) { _, app ->
            val asking = launch { app.requestCallback(request) }
            shown.await()
            asking.cancelAndJoin()
            gone.await()
            assertEquals(1, app.pending().size, "it is still wanted")
        }
    }

    private class Presenter(
        private val heard: ConcurrentLinkedQueue<UByte> = ConcurrentLinkedQueue(),
        private val show: suspend (CaptchaAsk) -> CaptchaToken,
    ) : CaptchaPresenter {
        override fun providers() = listOf("turnstile")

        override suspend fun present(ask: CaptchaAsk) = show(ask)

        override fun progress(percent: UByte) {
            heard += percent
        }
    }

    private val request = aRequest.copy(service = "guarded")

    /** Runs [test] with an app that shows CAPTCHAs, and a service with this policy. */
    private fun asking(
        policy: String,
        presenter: CaptchaPresenter,
        test: suspend CoroutineScope.(Centre, Ringback) -> Unit,
    ) = runBlocking {
        Centre().use { centre ->
            guarded(centre, policy)
            centre.app(folder, captcha = presenter).use { app ->
                withTimeout(1.minutes) { test(centre, app) }
            }
        }
    }

    private suspend fun guarded(
        centre: Centre,
        policy: String,
    ) = centre.staff("POST", "services", """{"name": "guarded", "queue": "support", "captcha": $policy}""")

    private companion object {
        const val TURNSTILE = """{"required": "always", "providers": ["turnstile"]}"""
    }
}
