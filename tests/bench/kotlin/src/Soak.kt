// Does anything stay behind? Prints lines of `kotlin memory_… bytes`.

import dev.ringback.FileStore
import dev.ringback.HttpRequest
import dev.ringback.HttpResponse
import dev.ringback.Ringback
import dev.ringback.RingbackConfig
import dev.ringback.StreamSink
import dev.ringback.Transport
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import java.nio.file.Path
import kotlin.io.path.readLines

private const val TENTHS = 10
private const val CALLERS = 16

/** A network on which nothing ever comes back. */
private object Silence : Transport {
    override suspend fun send(request: HttpRequest): HttpResponse = awaitCancellation()

    override suspend fun stream(
        request: HttpRequest,
        sink: StreamSink,
    ): Unit = awaitCancellation()
}

/** Makes [calls] calls and [subscriptions] subscriptions in all, and looks at the process after a tenth of them and after all. */
suspend fun soak(
    config: RingbackConfig,
    calls: Int,
    subscriptions: Int,
) {
    val push = mapOf("from" to "somebody else", "title" to "Hello")
    Ringback(config, FileStore(Path.of("ringback-soak")), Silence).use { ringback ->
        for (tenth in 1..TENTHS) {
            coroutineScope {
                repeat(CALLERS) {
                    launch(Dispatchers.Default) {
                        repeat(calls / TENTHS / CALLERS) { ringback.handlePush(push) }
                    }
                }
            }
            repeat(subscriptions / TENTHS) {
                coroutineScope {
                    // It runs until it waits for the server.
                    val start = CoroutineStart.UNDISPATCHED
                    launch(start = start) { ringback.events().collect {} }.cancelAndJoin()
                }
            }
            if (tenth == 1) println("kotlin memory_after_a_tenth ${residentBytes()}")
        }
    }
    println("kotlin memory_after_all ${residentBytes()}")
}

private fun residentBytes(): Long {
    System.gc()
    val line = Path.of("/proc/self/status").readLines().first { it.startsWith("VmRSS:") }
    return line.filter { it.isDigit() }.toLong() * 1024
}
