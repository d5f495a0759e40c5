package dev.ringback.sample

import dev.ringback.Callback
import dev.ringback.CallbackState
import dev.ringback.CompletedReason
import dev.ringback.Direction
import dev.ringback.LineUpdate
import dev.ringback.LiveCallbacks
import dev.ringback.PendingKind
import dev.ringback.PendingRequest
import dev.ringback.RequestState
import dev.ringback.RoutingPhase
import dev.ringback.SpokenCode
import org.junit.jupiter.api.Test
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Which screen stands for what is known. */
class StandingTest {
    private val t0 = Instant.parse("2026-12-01T09:00:00Z")
    private val request =
        PendingRequest("key-1", PendingKind.REQUEST_CALLBACK, null, t0, RequestState.NotSent, false)

    private fun callback(
        state: CallbackState,
        id: String = "cb_1",
        version: ULong = 1uL,
        confirmBy: Instant? = null,
    ) = Callback(
        id = id,
        service = "billing",
        state = state,
        phase = RoutingPhase.RESERVED.takeIf { state == CallbackState.ROUTING },
        reason = CompletedReason.HANDLED.takeIf { state == CallbackState.COMPLETED },
        direction = Direction.CUSTOMER_TERMINATED,
        position = 4u.takeIf { state == CallbackState.QUEUED },
        wait = null,
        scheduled = null,
        attempts = 0u,
        createdAt = t0,
        confirmBy = confirmBy,
        notBefore = null,
        spokenCode = null,
        version = version,
    )

    @Test
    fun `every state has its screen`() {
        assertIs<Standing.Idle>(Known().standing())
        assertIs<Standing.NotSent>(Known(kept = listOf(request)).standing())
        assertIs<Standing.Promised>(Known(callback(CallbackState.SCHEDULED)).standing())
        assertIs<Standing.InLine>(Known(callback(CallbackState.QUEUED)).standing())
        assertIs<Standing.InLine>(Known(callback(CallbackState.UNKNOWN)).standing())
        assertIs<Standing.Connecting>(Known(callback(CallbackState.ROUTING)).standing())
        assertIs<Standing.Asked>(Known(callback(CallbackState.ROUTING, confirmBy = t0)).standing())
        assertIs<Standing.Talking>(Known(callback(CallbackState.PROCESSING)).standing())
        assertIs<Standing.Over>(Known(callback(CallbackState.COMPLETED)).standing())
    }

    @Test
    fun `a new request hides how the last one ended, and never one that is open`() {
        val over = Known(callback(CallbackState.COMPLETED), kept = listOf(request))
        assertIs<Standing.NotSent>(over.standing())
        val open = Known(callback(CallbackState.QUEUED), kept = listOf(request))
        assertIs<Standing.InLine>(open.standing())
        assertNull(open.unsentChange)
        val lapsed = listOf(request.copy(state = RequestState.Expired))
        assertIs<Standing.Lapsed>(Known(kept = lapsed).standing(), "the person is told")
        val change = PendingRequest("key-2", PendingKind.CANCEL, "cb_1", t0, RequestState.NotSent, false)
        assertEquals(PendingKind.CANCEL, open.copy(kept = listOf(change)).unsentChange)
        assertNull(open.copy(kept = listOf(change.copy(state = RequestState.Expired))).unsentChange)
    }

    @Test
    fun `the line's own word counts, for its own callback`() {
        val known = Known().with(callback(CallbackState.QUEUED))
        assertEquals(4u, known.place?.position)
        val update = LineUpdate("cb_1", t0, 2u, null)
        assertEquals(2u, assertIs<Standing.InLine>(known.with(update).standing()).position)
        assertEquals(known, known.with(update.copy(callbackId = "cb_0")))
        val due = known.with(callback(CallbackState.ROUTING, version = 2uL))
        assertNull(due.place, "nobody who is called waits in line")
        assertEquals(due, due.with(update))
    }

    @Test
    fun `a copy without a place takes none away`() {
        val known = Known().with(callback(CallbackState.QUEUED))
        for (version in listOf(1uL, 2uL, 7uL)) {
            val copy = callback(CallbackState.QUEUED, version = version).copy(position = null)
            assertEquals(known.place, known.with(copy).place)
            assertEquals(known.place, known.with(LiveCallbacks(listOf(copy), t0, true)).place)
        }
        val code = SpokenCode("4711")
        val due = Known().with(callback(CallbackState.ROUTING).copy(spokenCode = code))
        assertEquals(code, due.with(callback(CallbackState.ROUTING)).callback?.spokenCode)
        assertNull(due.with(callback(CallbackState.PROCESSING, version = 2uL)).callback?.spokenCode)
    }

    @Test
    fun `how old it is, and when the server counts as out of reach`() {
        val listening = Known(listeningSince = t0)
        val waiting = callback(CallbackState.QUEUED)
        val kept = listening.with(LiveCallbacks(listOf(waiting), t0.minusSeconds(600), false))
        assertEquals(t0.minusSeconds(600), kept.age)
        assertFalse(kept.isOffline(t0.plusSeconds(10)), "it is being connected")
        assertTrue(kept.isOffline(t0.plusSeconds(60)), "nothing came of it")

        val live = kept.with(LiveCallbacks(listOf(waiting), t0.plusSeconds(1), true))
        assertNull(live.age)
        assertFalse(live.isOffline(t0.plusSeconds(3600)))
        assertFalse(
            live.copy(missedAt = t0.plusSeconds(5)).isOffline(t0.plusSeconds(6)),
            "the stream is there",
        )

        // The connection is lost; then a call does not get through either.
        val lost = live.with(LiveCallbacks(listOf(waiting), t0.plusSeconds(20), false))
        assertEquals(t0.plusSeconds(20), lost.age)
        assertFalse(lost.isOffline(t0.plusSeconds(21)))
        val missed = lost.copy(missedAt = t0.plusSeconds(22))
        assertTrue(missed.isOffline(t0.plusSeconds(22)))
        // A poll gets through: what it brings is old at once, and the server is there.
        val polled = missed.with(LiveCallbacks(listOf(waiting), t0.plusSeconds(30), false))
        assertFalse(polled.isOffline(t0.plusSeconds(31)))
        assertEquals(t0.plusSeconds(30), polled.age)

        val asleep = polled.copy(listeningSince = null)
        assertFalse(asleep.isOffline(t0.plusSeconds(9000)), "nobody listens")
        assertFalse(asleep.with(LiveCallbacks(listOf(waiting), t0.plusSeconds(40), true)).live)
    }

    @Test
    fun `what is older changes nothing`() {
        val known = Known(callback(CallbackState.PROCESSING, version = 5uL))
        assertEquals(known, known.with(callback(CallbackState.QUEUED, version = 4uL)))
        val later = callback(CallbackState.COMPLETED, version = 6uL)
        assertEquals(later, known.with(later).callback)
        assertEquals(known, known.with(callback(CallbackState.COMPLETED, id = "cb_0")))
        val next = callback(CallbackState.QUEUED, id = "cb_2")
        assertEquals(next, known.with(next).callback)
        assertEquals(Known(), Known().with(later), "what was over before the app looked is no news")
        val seen = Known(dismissed = "cb_1")
        assertEquals(seen, seen.with(callback(CallbackState.QUEUED)), "what was seen to its end is over")
        assertEquals("cb_2", seen.with(LiveCallbacks(listOf(next, later), t0, true)).callback?.id)
    }

    @Test
    fun `a number is read as people write it`() {
        for (typed in listOf("+4930901820371", "+49 30 9018-20371", "+49 (30) 901.820/371")) {
            assertEquals("+4930901820371", typed.asPhoneNumber)
        }
        for (typed in listOf("", "+49", "030901820371", "+49 30 call me", "++4930901820371")) {
            assertEquals(false, typed.isPhoneNumber, typed)
        }
    }
}
