package dev.ringback

import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.produceIn
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The line from an app: offer, slots, another time, "not now", position and wait; the same stands in Rust and in Swift. */
class LineTest {
    @TempDir
    lateinit var folder: Path

    private val someone = PhoneNumber("+4930901820381")
    private val another = PhoneNumber("+4930901820382")
    private val third = PhoneNumber("+4930901820383")
    private val everySlot = AvailabilityRequest("advice", "Europe/Berlin", includeFull = true)

    @Test
    fun `a time is chosen, and another, and then none`() =
        journey(folder) { centre, app ->
            // Nobody is logged in: no number of seconds would be honest.
            val offer = app.offer("advice")
            assertTrue(offer.immediate.offered && offer.scheduled.offered)
            assertEquals(WaitStatus.NO_AGENTS, offer.wait.status)
            assertNull(offer.wait.p90S)

            // Two people take both seats of a slot; the third is told where there is room.
            val slots = app.availability(everySlot).slots
            val wanted = slots[slots.size / 2]
            assertEquals(2u to 2u, wanted.capacityLeft to wanted.capacityTotal)
            val callback = app.requestCallback(advice(someone, wanted))
            assertEquals(CallbackState.SCHEDULED, callback.state)
            assertEquals(wanted.start, callback.scheduled?.at)
            app.requestCallback(advice(another, wanted))
            val full = assertFailsWith<RingbackException.Refused> { app.requestCallback(advice(third, wanted)) }
            assertEquals("slot_full", full.code)
            assertTrue(full.slots.any { it.start < wanted.start }, "room before it")
            assertTrue(full.slots.any { it.start > wanted.start }, "and after it")
            assertTrue(full.slots.all { it.capacityLeft > 0u })

            // The first moves to one of these, and leaves a seat behind.
            val free = full.slots.first()
            assertEquals(free.start, app.reschedule(callback.id, free.wallTime).scheduled?.at)
            assertEquals(1u, app.availability(everySlot).slots.single { it.start == wanted.start }.capacityLeft)

            // Then "now", "not now", on another number, and not at all.
            val queued = app.reschedule(callback.id, null)
            assertEquals(CallbackState.QUEUED to 1u, queued.state to queued.position)
            assertNotNull(app.snooze(callback.id, 600u).notBefore)
            app.changeNumber(callback.id, third)
            assertEquals(third.value, centre.staff("GET", "callbacks/${callback.id}").text("number"))
            assertEquals(CompletedReason.CANCELLED_BY_CUSTOMER, app.cancel(callback.id).reason)
        }

    @Test
    fun `a request is tried out`() =
        journey(folder) { _, app ->
            val accepted = app.validate(advice(someone))
            assertTrue(accepted.accepted && accepted.checks.all { it.passed })
            val refused = app.validate(advice(PhoneNumber("no number")))
            assertFalse(refused.accepted)
            assertEquals("number_not_e164", refused.checks.first { !it.passed }.code)
            assertTrue(app.callbacks().isEmpty(), "nothing was asked for")
        }

    @Test
    fun `position and wait are live`() =
        journey(folder) { _, app ->
            val first = app.requestCallback(advice(someone))
            val second = app.requestCallback(advice(another))
            val line = app.line(second.id).produceIn(this)
            val update = line.receive()
            assertEquals(second.id to 2u, update.callbackId to update.position)
            assertEquals(WaitStatus.NO_AGENTS, update.wait?.status)

            // Whoever stood before is gone.
            app.cancel(first.id)
            while (line.receive().position != 1u) Unit

            // The flow ends with the callback, for whoever begins to collect it later too.
            app.cancel(second.id)
            for (more in line) assertEquals(second.id, more.callbackId)
            assertFailsWith<NoSuchElementException> { app.line(second.id).first() }
        }

    private fun advice(
        number: PhoneNumber,
        slot: Slot? = null,
    ) = CallbackRequest("advice", number, scheduledFor = slot?.wallTime)
}
