package dev.ringback

import dev.ringback.internal.TestHooks
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.nio.file.Path
import kotlin.time.Duration.Companion.minutes

// Personal data in tests comes from tests/privacy-canaries.txt: no log may hold any of it.
internal val aRequest = CallbackRequest(service = "billing", number = PhoneNumber("+4930901820000"))

/** A client with all it keeps in [folder], that gives up after one try. */
internal fun ringback(
    baseUrl: String,
    folder: Path,
): Ringback =
    Ringback(
        RingbackConfig(baseUrl, "rb_pub_test", folder.resolve("data").toString(), maxTries = 1u),
        FileStore(folder.resolve("secrets")),
    )

/** The hooks of the library's test build, prepared as a client prepares it. */
internal fun testHooks(): TestHooks {
    AttachedThreads.keep()
    return TestHooks()
}

/** Runs [test] with a centre of its own and an app that keeps everything in [folder]. */
internal fun journey(
    folder: Path,
    test: suspend CoroutineScope.(Centre, Ringback) -> Unit,
) = runBlocking {
    Centre().use { centre ->
        centre.app(folder).use { app -> withTimeout(1.minutes) { test(centre, app) } }
    }
}
