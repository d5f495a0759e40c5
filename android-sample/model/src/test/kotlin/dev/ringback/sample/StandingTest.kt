package dev.ringback.sample

import dev.ringback.Callback
import dev.ringback.CallbackState
import dev.ringback.CompletedReason
import dev.ringback.Direction
import dev.ringback.LineUpdate
import dev.ringback.PendingKind
import dev.ringback.PendingRequest
import dev.ringback.RequestState
import dev.ringback.RoutingPhase
import org.junit.jupiter.api.Test
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertNull

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
        val known = Known(callback(CallbackState.QUEUED))
        val update = LineUpdate("cb_1", t0, 2u, null)
        assertEquals(2u, assertIs<Standing.InLine>(known.copy(place = update).standing()).position)
        val other = update.copy(callbackId = "cb_0")
        assertEquals(4u, assertIs<Standing.InLine>(known.copy(place = other).standing()).position)
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
