package dev.ringback

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.net.InetAddress
import java.net.ServerSocket
import java.nio.file.Path
import java.util.concurrent.CompletableFuture.supplyAsync
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds

class CancellationTest {
    @Test
    fun `a cancelled coroutine ends its call in Rust within 100 ms`() =
        runBlocking {
            testHooks().use { hooks ->
                val call = launch(Dispatchers.Default) { cancellable { hooks.hang(null) } }
                withTimeout(10.seconds) { hooks.hanging() }
                hooks.aboutToCancel()
                call.cancel()
                val endedAfterUs = withTimeout(10.seconds) { hooks.endedAfterUs() }
                assertTrue(endedAfterUs < 100_000u, "the Rust future lived on for $endedAfterUs µs")
                withTimeout(10.seconds) { call.join() }
                assertTrue(call.isCancelled)
            }
        }

    @Test
    fun `a call ends in Rust while the coroutine's own thread is busy`() =
        runBlocking {
            testHooks().use { hooks ->
                // It begins on this thread, and only this thread could take it further.
                val call = launch(start = CoroutineStart.UNDISPATCHED) { cancellable { hooks.hang(null) } }
                val watcher = async(Dispatchers.Default) { hooks.hanging() }
                withTimeout(10.seconds) { watcher.await() }
                hooks.aboutToCancel()
                call.cancel()
                // A thread that waits without running coroutines meanwhile, as nested `runBlocking` would.
                val ended = supplyAsync { runBlocking { withTimeout(10.seconds) { hooks.endedAfterUs() } } }
                val endedAfterUs = ended.get()
                assertTrue(endedAfterUs < 100_000u, "the Rust future lived on for $endedAfterUs µs")
            }
        }

    @Test
    fun `cancelling a request closes its connection and keeps it for later`(
        @TempDir folder: Path,
    ) = runBlocking {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { silent ->
            silent.soTimeout = 10_000
            ringback("http://127.0.0.1:${silent.localPort}", folder).use { ringback ->
                val request = launch(Dispatchers.Default) { ringback.requestCallback(aRequest) }
                withContext(Dispatchers.IO) {
                    silent.accept().use { connection ->
                        connection.soTimeout = 10_000
                        val received = connection.getInputStream()
                        assertTrue(received.read() >= 0, "the request began to arrive")
                        request.cancelAndJoin()
                        while (received.read() >= 0) Unit
                    }
                }
                assertEquals(listOf(PendingKind.REQUEST_CALLBACK), ringback.pending().map { it.kind })
            }
        }
    }
}
