package dev.ringback.sample

import dev.ringback.CallTicket
import dev.ringback.Callback
import dev.ringback.CallbackState
import dev.ringback.PendingKind
import dev.ringback.PendingRequest
import dev.ringback.ResumeOutcome
import dev.ringback.Resumed
import dev.ringback.Ringback
import dev.ringback.RingbackException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import java.time.Clock

/**
 * Follows the person's newest callback. The one place that listens to the SDK: every screen reads [known].
 *
 * @param refused hears what became impossible while the app did not ask, for example a kept request that was refused.
 */
class CallbackWatch(
    private val ringback: Ringback,
    private val scope: CoroutineScope,
    private val clock: Clock,
    private val refused: (Trouble) -> Unit,
) {
    private val state = MutableStateFlow(Known())

    /** What is known now. */
    val known: StateFlow<Known> = state.asStateFlow()

    private val catchingUp = Mutex()
    private var following: Job? = null

    /** The app is in the foreground. */
    fun start() {
        if (following?.isActive == true) return
        state.update { it.copy(listeningSince = clock.instant()) }
        following =
            scope.launch {
                launch { catchUp() }
                launch { followCallbacks() }
                launch { followLine() }
            }
    }

    /** The app is in the background: nothing is listened to, pushes say the rest. */
    fun stop() {
        following?.cancel()
        following = null
        state.update { it.copy(live = false, listeningSince = null) }
    }

    /** Sends what is kept, and has the live view connect at once: after a start, and when the network is back. */
    suspend fun catchUp(): Unit =
        catchingUp.withLock {
            lookAtKept()
            asking {
                for (resumed in ringback.resume()) {
                    when (val outcome = resumed.outcome) {
                        is ResumeOutcome.Accepted -> outcome.callback?.let { learn(it, outcome.ticket) }
                        is ResumeOutcome.Refused -> refused(outcome.asTrouble())
                        is ResumeOutcome.Expired, is ResumeOutcome.StillPending -> Unit
                    }
                    if (resumed.isTold) ringback.discard(resumed.request.key)
                }
            }
            lookAtKept()
        }

    /** Takes in what the server said about a callback. */
    fun learn(
        callback: Callback,
        ticket: CallTicket? = null,
    ) {
        heard()
        state.update { it.with(callback).run { copy(ticket = ticket ?: this.ticket, asOf = heardAt) } }
    }

    /** The person has seen how it ended. */
    fun dismiss() =
        state.update {
            it.copy(callback = null, place = null, ticket = null, dismissed = it.callback?.id)
        }

    /** Looks again at what lies on the device. */
    suspend fun lookAtKept() = kept().let { kept -> state.update { it.copy(kept = kept) } }

    /** Runs one call and remembers whether the server was reached. */
    suspend fun asking(call: suspend () -> Unit): Trouble? =
        try {
            call()
            null
        } catch (error: RingbackException) {
            val trouble = error.asTrouble()
            if (trouble.offline) state.update { it.copy(missedAt = clock.instant()) } else heard()
            trouble
        }

    /** The server has said something. */
    fun heard() = state.update { it.copy(heardAt = clock.instant()) }

    private suspend fun followCallbacks() {
        asking { ringback.liveCallbacks().collect { seen -> state.update { it.with(seen) } } }?.let(refused)
    }

    private suspend fun followLine() =
        state
            .map { known -> known.callback?.takeIf { it.state == CallbackState.QUEUED }?.id }
            .distinctUntilChanged()
            .collectLatest { id ->
                if (id == null) return@collectLatest
                asking {
                    ringback.line(id).collect { place ->
                        heard()
                        state.update { it.with(place) }
                    }
                }
            }

    private suspend fun kept(): List<PendingRequest> =
        try {
            ringback.pending().filter { it.kind in askedByThePerson }
        } catch (_: RingbackException.OutboxFailed) {
            state.value.kept
        }

    private companion object {
        val askedByThePerson =
            setOf(
                PendingKind.REQUEST_CALLBACK,
                PendingKind.CANCEL,
                PendingKind.CONFIRM,
                PendingKind.RESCHEDULE,
                PendingKind.SNOOZE,
                PendingKind.CHANGE_NUMBER,
            )
    }
}

/** A change that came to nothing is told once; a request for a call stands on a screen of its own until it was seen. */
private val Resumed.isTold: Boolean
    get() =
        request.kind != PendingKind.REQUEST_CALLBACK &&
            (outcome is ResumeOutcome.Refused || outcome is ResumeOutcome.Expired)

private fun ResumeOutcome.Refused.asTrouble() =
    Trouble(code, detail, retryable = false, offline = false, pendingKey = null, slots = emptyList())
