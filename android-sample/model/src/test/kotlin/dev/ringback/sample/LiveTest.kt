package dev.ringback.sample

import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What is known is shown at once, with its age; the same stands in Swift. */
class LiveTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `the last known state, its age, and what happened meanwhile`() =
        onAPhone(folder, "+4930901820360") { centre, phone ->
            phone.app.start()
            phone.app.ask
                .ask()
                .join()
            phone.stands<Standing.InLine> { it.position == 1u && it.wait != null }
            phone.app.watch.known
                .until { known -> known.takeIf { it.live } }

            // The network is gone: place and wait stand, and it is said how old they are.
            phone.network.airplaneMode = true
            val cut =
                phone.app.watch.known
                    .until { known -> known.takeIf { !it.live } }
            val asOf = assertNotNull(cut.age)
            assertTrue(asOf <= Instant.now())
            assertEquals(1u, phone.stands<Standing.InLine> { it.wait != null }.position)
            assertTrue(cut.isOffline(Instant.now().plusSeconds(60)), "nothing was heard for a minute")

            // Opened again without a network, the app shows it at once; a place that is not known is not made up.
            phone.restart()
            assertEquals(
                Standing.Idle,
                phone.app.watch.known.value
                    .standing(),
            )
            phone.app.start()
            val again = phone.stands<Standing.InLine>()
            assertEquals(cut.callback?.id, again.callback.id)
            assertNull(again.position)
            val known = phone.app.watch.known.value
            assertFalse(known.live)
            assertTrue(
                Duration.between(asOf, assertNotNull(known.age)) < Duration.ofSeconds(20),
                "not its own start",
            )
            phone.app.watch.known
                .until { it.takeIf { known -> known.isOffline(Instant.now()) } }

            // An agent became ready meanwhile.
            centre.staff("PUT", "agents/ada/state", """{"state": "ready"}""")
            phone.network.airplaneMode = false
            phone.app.callback
                .sendAgain()
                .join()
            phone.stands<Standing.Asked>()
            assertNull(
                phone.app.watch.known
                    .until { it.takeIf { known -> known.live } }
                    .age,
            )

            // In the background nothing is listened to.
            phone.app.stop()
            assertFalse(phone.app.watch.known.value.live)
        }

    @Test
    fun `a place that is known never goes away while the person waits`() =
        onAPhone(folder, "+4930901820361") { centre, phone ->
            phone.app.start()
            val places = mutableListOf<UInt?>()
            coroutineScope {
                val looking =
                    launch {
                        phone.app.watch.known
                            .collect { known ->
                                (known.standing() as? Standing.InLine)?.let {
                                    places +=
                                        it.position
                                }
                            }
                    }
                phone.app.ask
                    .ask()
                    .join()
                phone.stands<Standing.InLine> { it.position == 1u && it.wait != null }
                phone.app.callback
                    .onOtherNumber("+49 30 9018 20362")
                    .join()
                phone.network.airplaneMode = true
                phone.app.watch.known
                    .until { known -> known.takeIf { !it.live } }
                phone.network.airplaneMode = false
                phone.app.callback
                    .sendAgain()
                    .join()
                phone.app.watch.known
                    .until { known -> known.takeIf { it.live } }
                centre.staff("PUT", "agents/ada/state", """{"state": "ready"}""")
                phone.stands<Standing.Asked>()
                looking.cancelAndJoin()
            }
            val known = places.dropWhile { it == null }
            assertTrue(known.isNotEmpty() && null !in known, "$places")
        }

    @Test
    fun `what was seen to its end does not come back`() =
        onAPhone(folder, "+4930901820363") { _, phone ->
            phone.app.start()
            phone.app.ask
                .ask()
                .join()
            val waiting = phone.stands<Standing.InLine>().callback
            phone.app.callback
                .cancel()
                .join()
            phone.stands<Standing.Over>()
            phone.app.watch.dismiss()
            // A copy from before, late.
            phone.app.watch.learn(waiting)
            assertEquals(
                Standing.Idle,
                phone.app.watch.known.value
                    .standing(),
            )
            phone.app.ask
                .ask()
                .join()
            assertTrue(phone.stands<Standing.InLine>().callback.id != waiting.id)
        }
}
