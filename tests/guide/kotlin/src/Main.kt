package guide

import dev.ringback.Centre
import dev.ringback.PhoneNumber
import dev.ringback.WallTime
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.selects.select
import kotlinx.coroutines.withTimeout
import java.nio.file.Path
import kotlin.io.path.createTempDirectory
import kotlin.io.path.deleteRecursively
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.minutes

/** A snippet in its surroundings. */
internal typealias Play = suspend (Centre, Path) -> Unit

/** Runs every snippet with a contact centre and a folder of its own. */
@OptIn(kotlin.io.path.ExperimentalPathApi::class)
fun main() {
    var failed = 0
    for ((place, play) in snippets) {
        val folder = createTempDirectory("ringback-guide")
        try {
            Centre().use { centre -> runBlocking { withTimeout(1.minutes) { play(centre, folder) } } }
            System.err.println("ok      $place")
        } catch (error: Exception) {
            System.err.println("FAILED  $place: ${error.stackTraceToString()}")
            failed += 1
        } finally {
            folder.deleteRecursively()
        }
    }
    // HTTP's threads wait for more.
    exitProcess(if (failed == 0) 0 else 1)
}

private val shown = MutableStateFlow(0)

/** What the app shows the person. */
internal fun show(vararg what: Any?) {
    check(what.isNotEmpty())
    shown.update { it + 1 }
}

internal fun println(what: Any?) = show(what)

/** The person chooses. */
internal fun choose(times: List<WallTime>): WallTime = times.last()

/** The app opens the dialer. */
internal fun dial(uri: PhoneNumber) = show(uri)

/** Many snippets listen for ever: this ends as soon as something has been shown, which has to be. */
internal suspend fun untilShown(snippet: suspend () -> Unit) =
    coroutineScope {
        val before = shown.value
        val playing = async { snippet() }
        val seen = async { shown.first { it > before } }
        select {
            playing.onAwait { check(shown.value > before) { "it has shown nothing" } }
            seen.onAwait {}
        }
        playing.cancel()
        seen.cancel()
    }

/** The server has said 201 to a request for a call. */
internal suspend fun Centre.hasAccepted(): Boolean =
    metrics().lines().any { "ringback_request_seconds_count" in it && "/v1/callbacks\"" in it && "\"201\"" in it }
