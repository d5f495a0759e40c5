package dev.ringback

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.util.concurrent.TimeUnit.MINUTES
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/**
 * The app is killed at every wait, every file operation, every use of the secure store and around every request between
 * a tap and its answer, with OkHttp under it; after each kill it starts again. The same stands in Rust and in Swift.
 */
class KillTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `one tap is one callback wherever the app is killed`() =
        runBlocking {
            Centre().use { centre ->
                for ((place, atLeast) in listOf("send" to 4, "await" to 4, "store" to 10, "disk" to 40)) {
                    val moments = killedAtEvery(centre, place)
                    println("$place: killed at $moments moments")
                    assertTrue(moments >= atLeast, "$place has only $moments moments")
                }
            }
        }

    private suspend fun killedAtEvery(
        centre: Centre,
        place: String,
    ): Int {
        var tooEarly = 0
        var nth = 1
        while (true) {
            // It would make a second callback of the same number, so that no rule of the server hides one.
            val service = "kill-$place-$nth"
            val limits = """{"open_per_number": 5}"""
            centre.staff(
                "POST",
                "services",
                """{"name": "$service", "queue": "support", "limits": $limits}""",
            )
            val data = folder.resolve(service)
            val exit = tap(centre, data, service, "$place:$nth")
            centre.app(data).use { app ->
                assertTrue(app.resume().all { it.outcome is ResumeOutcome.Accepted })
                if (app.callbacks().isEmpty()) {
                    // The tap had not come to the disk. The person taps again.
                    assertEquals(nth, tooEarly + 1, "$service: a kept request is lost")
                    tooEarly = nth
                    app.requestCallback(aRequest.copy(service = service))
                }
                assertEquals(listOf(service), app.callbacks().map { it.service }, "one tap is one callback")
                assertTrue(app.pending().isEmpty())
            }
            if (exit == 0) return nth - 1
            assertEquals(128 + SIGABRT, exit)
            nth += 1
        }
    }

    /** Runs an app that taps once, and gives its exit code. */
    private fun tap(
        centre: Centre,
        data: Path,
        service: String,
        kill: String,
    ): Int {
        val java =
            ProcessHandle
                .current()
                .info()
                .command()
                .get()
        val process =
            ProcessBuilder(
                java,
                "-XX:TieredStopAtLevel=1",
                "-Djna.library.path=${System.getProperty("jna.library.path")}",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.ringback.KilledApp",
                centre.url,
                centre.appKey,
                data.toString(),
                service,
            )
        process.environment()["RINGBACK_TEST_KILL"] = kill
        val app = process.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start()
        check(app.waitFor(3, MINUTES)) { "$kill: the app neither dies nor ends" }
        return app.exitValue()
    }

    private companion object {
        const val SIGABRT = 6
    }
}

/** What is killed. */
internal object KilledApp {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val (url, appKey, folder, service) = arguments
        val data = Path.of(folder)
        val config = RingbackConfig(url, appKey, data.resolve("data").toString())
        Ringback(config, FileStore(data.resolve("secrets"))).use { app ->
            runBlocking { app.requestCallback(aRequest.copy(service = service)) }
        }
        // OkHttp's threads would keep the process alive for a minute.
        System.exit(0)
    }
}
