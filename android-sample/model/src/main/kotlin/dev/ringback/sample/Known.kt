package dev.ringback.sample

import dev.ringback.CallTicket
import dev.ringback.Callback
import dev.ringback.CallbackState
import dev.ringback.LineUpdate
import dev.ringback.LiveCallbacks
import dev.ringback.PendingKind
import dev.ringback.PendingRequest
import dev.ringback.RequestState
import dev.ringback.WaitEstimate
import dev.ringback.isOpen
import java.time.Duration
import java.time.Instant

/** What the app knows of the person's callback, and how fresh that is. */
data class Known(
    /** The newest one; `null` when there is none to show. */
    val callback: Callback? = null,
    /** Where it is in line; what was last said stays until something newer is. */
    val place: Place? = null,
    /** What to dial, once the person has said "ready" and makes the call. */
    val ticket: CallTicket? = null,
    /** What the server has not answered yet, without what the person did not ask for. */
    val kept: List<PendingRequest> = emptyList(),
    /** When the server last said so. */
    val asOf: Instant? = null,
    /** It is so now: the server is being listened to. */
    val live: Boolean = false,
    /** Since when the app listens; `null` in the background. */
    val listeningSince: Instant? = null,
    /** When the server last said anything. */
    val heardAt: Instant? = null,
    /** When the server was last asked and not reached. */
    val missedAt: Instant? = null,
    /** The callback whose end the person has seen. */
    val dismissed: String? = null,
)

/** A place in line; 1 is next. */
data class Place(
    val position: UInt?,
    val wait: WaitEstimate?,
)

/** How old it is, for a screen to say; `null` while it is so now. */
val Known.age: Instant? get() = asOf.takeUnless { live }

/** The server is out of reach: a call did not get through, or nothing was heard for so long that even polls must have failed. */
fun Known.isOffline(now: Instant): Boolean {
    val heard = heardAt ?: Instant.MIN
    val silentSince = listeningSince?.coerceAtLeast(heard)
    return when {
        live -> false
        missedAt != null && missedAt > heard -> true
        else -> silentSince != null && Duration.between(silentSince, now) > longestSilence
    }
}

/** Three polls. */
private val longestSilence = Duration.ofSeconds(45)

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
        /** 1 is next; `null` until the line has said it. */
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
            Standing.InLine(callback, place?.position, place?.wait, callback.notBefore)
        }
    }
}

/** It is not over. */
val Callback.isOpen: Boolean get() = state != CallbackState.COMPLETED

/** With what the live view shows. Of copies from other ways the newer one stays. */
internal fun Known.with(seen: LiveCallbacks): Known {
    // One that was over before the app looked is no news.
    val newest = seen.callbacks.firstOrNull { it.isOpen || it.id == callback?.id }
    return (newest?.let { with(it) } ?: this).copy(
        asOf = later(asOf, seen.asOf),
        heardAt = later(heardAt, seen.asOf),
        // What still comes when nobody listens any more is not followed.
        live = seen.live && listeningSince != null,
    )
}

/** With this callback, unless a newer one is known. */
internal fun Known.with(callback: Callback): Known {
    val known = this.callback
    return when {
        callback.id == dismissed -> {
            this
        }

        known?.id == callback.id -> {
            if (callback.version >= known.version) after(known, callback) else this
        }

        callback.isOpen && (known == null || callback.createdAt >= known.createdAt) -> {
            copy(callback = callback, place = callback.place, ticket = null)
        }

        else -> {
            this
        }
    }
}

/** With what the line says, if it is this callback's. */
internal fun Known.with(update: LineUpdate): Known =
    if (update.callbackId == callback?.id && callback.waits) {
        copy(place = Place(update.position, update.wait))
    } else {
        this
    }

/** The live view has no places and a request's answer may have no code: what is known of these stays. */
private fun Known.after(
    known: Callback,
    next: Callback,
): Known {
    val code = known.spokenCode.takeIf { next.version == known.version }
    return copy(
        callback = next.copy(spokenCode = next.spokenCode ?: code),
        place = if (next.waits) place ?: next.place else null,
    )
}

private fun later(
    known: Instant?,
    heard: Instant,
): Instant = known?.coerceAtLeast(heard) ?: heard

private val Callback.waits: Boolean get() = state == CallbackState.QUEUED

private val Callback.place: Place? get() = Place(position, wait).takeIf { waits && position != null }
