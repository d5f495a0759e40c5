package dev.ringback.sample

import dev.ringback.AvailabilityRequest
import dev.ringback.CallbackRequest
import dev.ringback.ContextValue
import dev.ringback.Offer
import dev.ringback.PhoneNumber
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
import java.time.ZoneId

/** "Call me": now or later. */
data class AskState(
    /** What the service offers; `null` until it was asked. */
    val offer: Offer? = null,
    /** The person wants a time of their own. */
    val later: Boolean = false,
    /** Free times, once they are wanted. */
    val slots: List<Slot>? = null,
    val slot: Slot? = null,
    /** As it was typed. */
    val number: String = "",
    val busy: Boolean = false,
    val trouble: Trouble? = null,
) {
    /** Whether "call me" can be tapped. What the server says of it is another matter. */
    val canAsk: Boolean get() = !busy && number.isPhoneNumber && (!later || slot != null)
}

/** Asks for a call. */
class AskModel(
    private val ringback: Ringback,
    private val service: String,
    private val settings: SettingsStore,
    private val watch: CallbackWatch,
    private val scope: CoroutineScope,
    private val zone: ZoneId,
) {
    private val state = MutableStateFlow(AskState(number = settings.load().number.value))

    val ask: StateFlow<AskState> = state.asStateFlow()

    /** Looks at what is offered. */
    fun refresh(): Job =
        work {
            val offer = ringback.offer(service)
            watch.heard()
            // What cannot be had now is not preselected.
            val onlyLater = !offer.immediate.offered && offer.scheduled.offered
            state.update { it.copy(offer = offer, later = it.later || onlyLater) }
            if (state.value.later) loadSlots()
        }

    fun now() = state.update { it.copy(later = false, trouble = null) }

    fun later(): Job =
        work {
            state.update { it.copy(later = true) }
            loadSlots()
        }

    fun pick(slot: Slot) = state.update { it.copy(slot = slot, trouble = null) }

    fun type(number: String) = state.update { it.copy(number = number, trouble = null) }

    /** The number in the settings has changed. */
    fun numberChanged() = type(settings.load().number.value)

    /** The person taps "call me". */
    fun ask(): Job =
        work {
            val wish = state.value
            val kept = settings.load()
            val number = PhoneNumber(wish.number.asPhoneNumber)
            settings.save(kept.copy(number = number))
            send(
                CallbackRequest(
                    service,
                    number,
                    name = kept.name.takeIf { it.value.isNotBlank() },
                    context = mapOf("asked_in" to ContextValue("sample app")),
                    scheduledFor = wish.slot?.wallTime.takeIf { wish.later },
                ),
            )
            state.update { it.copy(later = false, slot = null, slots = null) }
        }

    private suspend fun send(request: CallbackRequest) =
        try {
            watch.learn(ringback.requestCallback(request))
        } catch (error: RingbackException) {
            // The one that stands in the way is what the person wants to see.
            if (error.code == "callback_already_open") {
                error.callbackId?.let { watch.learn(ringback.callback(it)) }
            }
            throw error
        }

    private suspend fun loadSlots() {
        val slots = ringback.availability(AvailabilityRequest(service, zone.id)).slots
        state.update { it.copy(slots = slots, slot = it.slot?.takeIf { chosen -> chosen in slots }) }
    }

    private fun work(call: suspend () -> Unit): Job {
        state.update { it.copy(busy = true, trouble = null) }
        return scope.launch {
            val trouble = watch.asking(call)
            state.update { it.copy(busy = false, trouble = trouble).without(trouble) }
            watch.lookAtKept()
        }
    }

    /** Somebody was faster: the times that are left stand in place of the one that is gone. */
    private fun AskState.without(trouble: Trouble?): AskState =
        if (trouble?.slots.isNullOrEmpty()) this else copy(slot = null, slots = trouble.slots)
}

internal val String.asPhoneNumber: String get() = filterNot { it.isWhitespace() || it in "-/().\u2011" }

/** Looks like a number with its country code; whether it is called is the server's to say. */
internal val String.isPhoneNumber: Boolean
    get() =
        asPhoneNumber.let {
            it.startsWith('+') && it.length in 8..16 &&
                it.drop(1).all { c -> c in '0'..'9' }
        }
