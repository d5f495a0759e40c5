package dev.ringback.sample

import dev.ringback.RingbackException
import dev.ringback.Slot

/** Something that did not work, for a screen to show. */
data class Trouble(
    /** Stable; `docs/errors.md` has them all. */
    val code: String,
    /** A sentence to act on, in English. */
    val detail: String,
    /** The same may work later. */
    val retryable: Boolean,
    /** The server was not reached. */
    val offline: Boolean,
    /** What did not get through lies on the device under this key and is sent again. */
    val pendingKey: String?,
    /** Free times near the one that was taken. */
    val slots: List<Slot>,
)

internal fun RingbackException.asTrouble(): Trouble =
    Trouble(
        code,
        message.orEmpty(),
        retryable,
        offline =
            this is RingbackException.Unreachable ||
                this is RingbackException.TimedOut ||
                this is RingbackException.AnswerUnreadable,
        pendingKey = pendingKey,
        slots = slots,
    )
