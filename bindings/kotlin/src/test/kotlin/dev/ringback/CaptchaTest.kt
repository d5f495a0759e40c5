package dev.ringback

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** A service that asks for a CAPTCHA, from an app that does nothing about it; the same stands in Swift. */
class CaptchaTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `proof of work is done without a line in the app`() =
        journey(folder) { centre, app ->
            val service = """{"name": "guarded", "queue": "support", "captcha": {"required": "always"}}"""
            centre.staff("POST", "services", service)
            assertEquals(listOf("altcha"), app.offer("guarded").captcha)

            val callback = app.requestCallback(aRequest.copy(service = "guarded"))
            assertEquals(CallbackState.QUEUED, callback.state)
            assertEquals(listOf(callback.id), app.callbacks().map { it.id })
            assertTrue(app.pending().isEmpty())
        }
}
