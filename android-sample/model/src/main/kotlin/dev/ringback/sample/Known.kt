package dev.ringback.sample

import dev.ringback.CallTicket
import dev.ringback.Callback
import dev.ringback.CallbackState
import dev.ringback.LineUpdate
import dev.ringback.PendingKind
import dev.ringback.PendingRequest
import dev.ringback.RequestState
import dev.ringback.WaitEstimate
import dev.ringback.isOpen
import java.time.Instant

/** What the app knows of the person's callback, and how fresh that is. */
data class Known(
    /** The newest one; `null` when there is none to show. */
    val callback: Callback? = null,
    /** Its place in line, live. */
    val place: LineUpdate? = null,
    /** What to dial, once the person has said "ready" and makes the call. */
    val ticket: CallTicket? = null,
    /** What the server has not answered yet, without what the person did not ask for. */
    val kept: List<PendingRequest> = emptyList(),
    /** When the server last said something. */
    val asOf: Instant? = null,
    /** Whether the server was reached the last time; `null` before the first. */
    val online: Boolean? = null,
)

/** Where the person stands: one screen each. */
sealed interface Standing {
    /** Nothing was asked for. */
    data object Idle : Standing

    /** A request lies on the device; the server has not seen it, or its answer was lost. */
    data class NotSent(
        val key: String,
        val since: Instant,
    ) : Standing

    /** A request was not sent in time, or was refused while nobody looked: [detail] says why, if the server did. */
    data class Lapsed(
        val key: String,
        val detail: String?,
    ) : Standing

    /** Promised for a chosen time. */
    data class Promised(
        val callback: Callback,
    ) : Standing

    /** Waiting for an agent. */
    data class InLine(
        val callback: Callback,
        /** 1 is next. */
        val position: UInt?,
        val wait: WaitEstimate?,
        /** Until then nobody calls: the person said "not now", or an attempt failed. */
        val restsUntil: Instant?,
    ) : Standing

    /** "Your agent is ready, are you?" */
    data class Asked(
        val callback: Callback,
        val until: Instant,
    ) : Standing

    /** The call is being made; by the person, when there is a ticket. */
    data class Connecting(
        val callback: Callback,
        val ticket: CallTicket?,
    ) : Standing

    /** Agent and person talk. */
    data class Talking(
        val callback: Callback,
    ) : Standing

    /** Over; [Callback.reason] says why. */
    data class Over(
        val callback: Callback,
    ) : Standing
}

/** The changes of an open callback that wait for the network. */
val Known.unsentChange: PendingKind?
    get() = kept.lastOrNull { it.isOpen && it.callbackId != null && it.callbackId == callback?.id }?.kind

/** Where the person stands. */
fun Known.standing(): Standing {
    val unsent = kept.firstOrNull { it.kind == PendingKind.REQUEST_CALLBACK }
    return when {
        callback != null && callback.isOpen -> standing(callback)
        unsent != null -> unsent.standing()
        callback != null -> Standing.Over(callback)
        else -> Standing.Idle
    }
}

private fun PendingRequest.standing(): Standing =
    when (val state = state) {
        is RequestState.NotSent, is RequestState.Sending -> Standing.NotSent(key, requestedAt)
        is RequestState.Refused -> Standing.Lapsed(key, state.detail)
        is RequestState.Expired -> Standing.Lapsed(key, null)
    }

private fun Known.standing(callback: Callback): Standing {
    val until = callback.confirmBy
    val live = place?.takeIf { it.callbackId == callback.id }
    return when (callback.state) {
        CallbackState.SCHEDULED -> {
            Standing.Promised(callback)
        }

        CallbackState.PROCESSING -> {
            Standing.Talking(callback)
        }

        CallbackState.ROUTING if until != null -> {
            Standing.Asked(callback, until)
        }

        CallbackState.ROUTING -> {
            Standing.Connecting(callback, ticket)
        }

        else -> {
            Standing.InLine(
                callback,
                live?.position ?: callback.position,
                live?.wait ?: callback.wait,
                callback.notBefore,
            )
        }
    }
}

/** It is not over. */
val Callback.isOpen: Boolean get() = state != CallbackState.COMPLETED
