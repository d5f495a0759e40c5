package dev.ringback

import dev.ringback.internal.ErrorFacts
import dev.ringback.internal.errorFacts

/** What can go wrong. Its message is a sentence a person can act on; nothing in it is private. */
public sealed class RingbackException(
    private val facts: ErrorFacts,
    cause: ClientException,
) : Exception(facts.detail, cause) {
    /** Stable, for programs, for example `callback_already_open`. The server's own code when the server refused. */
    public val code: String get() = facts.code

    /** What kind of problem it is; the same for every occurrence. */
    public val title: String get() = facts.title

    /** The same request may succeed later, as it is. */
    public val retryable: Boolean get() = facts.retryable

    /** When another try makes sense, in seconds, if the server said so. */
    public val retryAfterSeconds: Long? get() = facts.retryAfterS?.toLong()

    /** Names the request in the server's logs. */
    public val requestId: String? get() = facts.requestId

    /** Which field or header is meant, when it is one. */
    public val field: String? get() = facts.field

    /** Which callback stands in the way, when it is one of this installation's. */
    public val callbackId: String? get() = facts.callbackId

    /** Free slots nearest to the one that was asked for, before and after it, when that was full or closed. */
    public val slots: List<Slot> get() = facts.slots

    /** What to choose from instead, when the clock skips the wall time that was asked for or shows it twice. */
    public val wallTimes: List<WallTime> get() = facts.wallTimes

    /** The number to call instead, as it was last known, when the server cannot be reached. */
    public val fallback: FallbackNumber? get() = facts.fallback

    /**
     * Set when the request still lies in the outbox: it may or may not have reached the server. [Ringback.resume], or
     * asking for the same thing again, sends the same request, not a second one.
     */
    public val pendingKey: String? get() = facts.pendingKey

    /** The server said no. */
    public class Refused internal constructor(
        facts: ErrorFacts,
        cause: ClientException.Refused,
    ) : RingbackException(facts, cause) {
        /** The HTTP status. */
        public val status: Int = cause.status.toInt()
    }

    /** No connection, or it was lost before the answer was complete. */
    public class Unreachable internal constructor(
        facts: ErrorFacts,
        cause: ClientException,
    ) : RingbackException(facts, cause)

    /** No answer in time. */
    public class TimedOut internal constructor(
        facts: ErrorFacts,
        cause: ClientException,
    ) : RingbackException(facts, cause)

    /** The answer is not one of this server's, for example a network's sign-in page. */
    public class AnswerUnreadable internal constructor(
        facts: ErrorFacts,
        cause: ClientException,
    ) : RingbackException(facts, cause)

    /** Refused before anything was sent or kept. */
    public class InvalidRequest internal constructor(
        facts: ErrorFacts,
        cause: ClientException,
    ) : RingbackException(facts, cause)

    /** The [SecureStore] failed. Nothing was sent. */
    public class HostStorage internal constructor(
        facts: ErrorFacts,
        cause: ClientException,
    ) : RingbackException(facts, cause)

    /** The outbox could not be read or written, for example because the device is full. Nothing was sent. */
    public class OutboxFailed internal constructor(
        facts: ErrorFacts,
        cause: ClientException,
    ) : RingbackException(facts, cause)

    /** The request outlived its use before it could be answered, and is no longer sent: see [RequestState.Expired]. */
    public class Expired internal constructor(
        facts: ErrorFacts,
        cause: ClientException.Expired,
    ) : RingbackException(facts, cause) {
        /** It was sent and the answer did not arrive: the server may have accepted it. */
        public val mayHaveArrived: Boolean = cause.mayHaveArrived
    }

    /** The call was called off from inside the client. A cancelled coroutine ends as coroutines do, not with this. */
    public class Cancelled internal constructor(
        facts: ErrorFacts,
        cause: ClientException,
    ) : RingbackException(facts, cause)

    /** A mistake of the client's own. */
    public class Internal internal constructor(
        facts: ErrorFacts,
        cause: ClientException,
    ) : RingbackException(facts, cause)
}

/** Runs a call into Rust, so that what it throws is a [RingbackException]. */
internal inline fun <T> throwing(call: () -> T): T =
    try {
        call()
    } catch (error: ClientException) {
        throw error.forApps()
    }

internal fun ClientException.forApps(): RingbackException {
    val facts = errorFacts(this)
    return when (this) {
        is ClientException.Refused -> RingbackException.Refused(facts, this)
        is ClientException.Unreachable -> RingbackException.Unreachable(facts, this)
        is ClientException.TimedOut -> RingbackException.TimedOut(facts, this)
        is ClientException.AnswerUnreadable -> RingbackException.AnswerUnreadable(facts, this)
        is ClientException.InvalidRequest -> RingbackException.InvalidRequest(facts, this)
        is ClientException.HostStorage -> RingbackException.HostStorage(facts, this)
        is ClientException.OutboxFailed -> RingbackException.OutboxFailed(facts, this)
        is ClientException.Expired -> RingbackException.Expired(facts, this)
        is ClientException.Cancelled -> RingbackException.Cancelled(facts, this)
        is ClientException.Internal -> RingbackException.Internal(facts, this)
    }
}
