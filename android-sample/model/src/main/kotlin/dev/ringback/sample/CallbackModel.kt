package dev.ringback.sample

import dev.ringback.ActionToken
import dev.ringback.Callback
import dev.ringback.ConfirmAnswer
import dev.ringback.Confirmation
import dev.ringback.NotificationAction
import dev.ringback.PhoneNumber
import dev.ringback.PushOutcome
import dev.ringback.Ringback
import dev.ringback.RingbackException
import dev.ringback.Slot
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/** What the person does with an open callback. */
data class CallbackActions(
    val busy: Boolean = false,
    val trouble: Trouble? = null,
)

/** The open callback: answer, wait, change, take back. */
class CallbackModel(
    private val ringback: Ringback,
    private val watch: CallbackWatch,
    private val scope: CoroutineScope,
) {
    private val state = MutableStateFlow(CallbackActions())

    val actions: StateFlow<CallbackActions> = state.asStateFlow()

    /** Of the push that asked, by callback. */
    private val tokens = mutableMapOf<String, ActionToken>()

    fun ready(): Job = answer(ConfirmAnswer.Ready)

    /** "In ten minutes", when asked and while waiting. */
    fun inTenMinutes(): Job =
        change { callback ->
            if (callback.confirmBy == null) {
                watch.learn(ringback.snooze(callback.id, TEN_MINUTES_S))
            } else {
                confirm(callback, ConfirmAnswer.Snooze(TEN_MINUTES_S))
            }
        }

    fun onOtherNumber(number: String): Job =
        change { callback ->
            val typed = PhoneNumber(number.asPhoneNumber)
            if (callback.confirmBy == null) {
                watch.learn(ringback.changeNumber(callback.id, typed))
            } else {
                confirm(callback, ConfirmAnswer.OtherNumber(typed))
            }
        }

    fun cancel(): Job =
        change { callback ->
            if (callback.confirmBy == null) {
                watch.learn(ringback.cancel(callback.id))
            } else {
                confirm(callback, ConfirmAnswer.Cancel)
            }
        }

    /** Another time; `null` is "as soon as an agent is free". */
    fun reschedule(slot: Slot?): Job =
        change { callback -> watch.learn(ringback.reschedule(callback.id, slot?.wallTime)) }

    /** Sends what lies on the device: a tap, or the network is back. */
    fun sendAgain(): Job = run { watch.catchUp() }

    /** Forgets a request that was not sent. */
    fun forget(key: String): Job = run { ringback.discard(key) }

    /** Hides what did not work. */
    fun trouble(trouble: Trouble?) = state.update { it.copy(trouble = trouble) }

    /** A push has come. What is to be shown of it is for the platform's code. */
    suspend fun received(data: Map<String, String>): PushOutcome {
        val outcome = ringback.handlePush(data)
        if (outcome is PushOutcome.Event) {
            outcome.actionToken?.let { tokens[outcome.callback.id] = it }
            watch.learn(outcome.callback)
        }
        return outcome
    }

    /**
     * The person tapped an action of a notification, or the notification itself; the app need not be open.
     *
     * @param typed the number typed into the notification.
     */
    suspend fun tapped(
        data: Map<String, String>,
        action: String,
        typed: String? = null,
    ): Trouble? {
        val trouble =
            watch.asking {
                when (val answer = NotificationAction.answer(action, typed)) {
                    null -> ringback.pushOpened(data)
                    else -> learn(ringback.answerPush(data, answer))
                }
            }
        trouble(trouble)
        watch.lookAtKept()
        return trouble
    }

    private fun answer(answer: ConfirmAnswer): Job = change { confirm(it, answer) }

    private suspend fun confirm(
        callback: Callback,
        answer: ConfirmAnswer,
    ) = try {
        learn(ringback.confirm(callback.id, answer, tokens[callback.id]))
    } catch (error: RingbackException) {
        // Another device was faster, or the time is over: the screen shows what is so now.
        if (!error.asTrouble().offline) watch.learn(ringback.callback(callback.id))
        throw error
    }

    private fun learn(confirmation: Confirmation) = watch.learn(confirmation.callback, confirmation.ticket)

    private fun change(call: suspend (Callback) -> Unit): Job =
        run {
            watch.known.value.callback
                ?.takeIf { it.isOpen }
                ?.let { call(it) }
        }

    private fun run(call: suspend () -> Unit): Job {
        state.update { CallbackActions(busy = true) }
        return scope.launch {
            val trouble = watch.asking(call)
            watch.lookAtKept()
            state.update { CallbackActions(busy = false, trouble = trouble ?: it.trouble) }
        }
    }

    private companion object {
        const val TEN_MINUTES_S = 600u
    }
}
