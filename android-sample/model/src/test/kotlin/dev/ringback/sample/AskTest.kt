package dev.ringback.sample

import dev.ringback.WaitStatus
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Now or later. */
class AskTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `a time is chosen, somebody is faster, and another is taken`() =
        onAPhone(folder, "+4930901820364", service = "advice") { centre, phone ->
            phone.app.start()
            val ask = phone.app.ask
            ask.refresh().join()
            ask.later().join()
            val slots = assertNotNull(ask.ask.value.slots)
            assertFalse(ask.ask.value.canAsk, "no time is chosen yet")
            val wanted = slots[slots.size / 2]
            ask.pick(wanted)
            assertTrue(ask.ask.value.canAsk)

            // Two others take its seats meanwhile.
            for (number in listOf("+4930901820365", "+4930901820366")) {
                Phone(centre, folder.resolve(number), "advice", number).use { other ->
                    other.app.ask
                        .later()
                        .join()
                    other.app.ask.pick(wanted)
                    other.app.ask
                        .ask()
                        .join()
                    other.stands<Standing.Promised>()
                }
            }
            ask.ask().join()
            val full = ask.ask.value
            assertEquals("slot_full", full.trouble?.code)
            assertNull(full.slot)
            val free = assertNotNull(full.slots).first()
            assertTrue(free != wanted && free.capacityLeft > 0u)

            // What is left is shown in place of an error.
            ask.pick(free)
            ask.ask().join()
            val promised = phone.stands<Standing.Promised>()
            assertEquals(free.start, promised.callback.scheduled?.at)

            // As soon as possible after all.
            phone.app.callback
                .reschedule(null)
                .join()
            val waits = phone.stands<Standing.InLine> { it.wait != null }
            assertEquals(1u to WaitStatus.NO_AGENTS, waits.position to waits.wait?.status)
        }

    @Test
    fun `the one that stands in the way is shown`() =
        onAPhone(folder, "+4930901820367") { _, phone ->
            phone.app.ask
                .ask()
                .join()
            val first = phone.stands<Standing.InLine>().callback
            phone.restart()
            phone.app.ask
                .ask()
                .join()
            assertEquals(
                "callback_already_open",
                phone.app.ask.ask.value.trouble
                    ?.code,
            )
            assertEquals(first.id, phone.stands<Standing.InLine>().callback.id)
        }

    @Test
    fun `without a network nothing is offered, and the number can be mended`() =
        onAPhone(folder, "0309018") { _, phone ->
            assertFalse(phone.app.ask.ask.value.canAsk, "there is no country code")
            phone.app.ask.type("+49 (30) 9018-20368")
            assertTrue(phone.app.ask.ask.value.canAsk)
            phone.network.airplaneMode = true
            phone.app.ask
                .refresh()
                .join()
            assertTrue(
                phone.app.ask.ask.value
                    .run { offer == null && trouble?.offline == true && !busy },
            )
            phone.network.airplaneMode = false
            phone.app.ask
                .refresh()
                .join()
            assertTrue(
                phone.app.ask.ask.value
                    .run { offer != null && trouble == null },
            )
            phone.app.ask
                .ask()
                .join()
            assertEquals(
                "+4930901820368",
                phone.settings
                    .load()
                    .number.value,
            )
        }
}
