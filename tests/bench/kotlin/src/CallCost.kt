// What a call costs: nanoseconds, the median batch. Prints lines of `kotlin call nanoseconds`.

import dev.ringback.FileStore
import dev.ringback.PushOutcome
import dev.ringback.Ringback
import dev.ringback.RingbackConfig
import dev.ringback.internal.TestHooks
import kotlinx.coroutines.runBlocking
import java.nio.file.Path

private const val BATCHES = 41

fun main(arguments: Array<String>) =
    runBlocking {
        val calls = arguments[0].toInt()
        // Nothing is ever written to it or sent.
        val folder = Path.of("ringback-call-cost")
        val config = RingbackConfig("https://calls.example.com", "rb_pub_bench", folder.toString())
        val push = mapOf("from" to "somebody else", "title" to "Hello")
        // The client first, as in an app: what it prepares comes before the first call of any kind.
        Ringback(config, FileStore(folder)).use { ringback ->
            TestHooks().use { hooks ->
                check(ringback.handlePush(push) is PushOutcome.NotOurs)
                val times = Times()
                // The first half only warms up: the JVM compiles what it sees often.
                repeat(2 * BATCHES) {
                    times.batch("empty", 10 * calls) { hooks.empty() }
                    times.batch("empty_async", calls) { hooks.emptyAsync(null) }
                    times.batch("handle_push", calls) { ringback.handlePush(push) }
                    times.batch("empty_push", calls) { hooks.emptyPush(push, null) }
                    times.batch("start", 1) {
                        Ringback(config, FileStore(folder)).use { it.handlePush(push) }
                    }
                }
                times.print()
            }
        }
        soak(config, arguments[1].toInt(), arguments[2].toInt())
    }

/** Nanoseconds a call, by batch. Batches take turns, so that a busy machine slows all calls alike. */
private class Times {
    val batches = LinkedHashMap<String, ArrayList<Double>>()

    inline fun batch(
        name: String,
        calls: Int,
        call: () -> Unit,
    ) {
        val start = System.nanoTime()
        repeat(calls) { call() }
        batches.getOrPut(name) { ArrayList() } += (System.nanoTime() - start).toDouble() / calls
    }

    fun print() {
        for ((name, times) in batches) {
            val median = times.takeLast(BATCHES).sorted()[BATCHES / 2]
            println("kotlin $name $median")
        }
    }
}
