package dev.ringback.sample

import dev.ringback.CallInRequest
import dev.ringback.CallTicket
import dev.ringback.ContextValue
import dev.ringback.FallbackNumber
import dev.ringback.Ringback
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import java.time.Duration
import java.time.Instant

/** "I call you": a number, and a code by which the person is known. */
data class CallInState(
    val ticket: CallTicket? = null,
    /** The service's own number, as last known, while the server is out of reach. Nobody there will know who calls. */
    val fallback: FallbackNumber? = null,
    val busy: Boolean = false,
    val trouble: Trouble? = null,
)

/** How long a code is still worth something; zero when it is not. */
fun CallTicket.leftAt(now: Instant): Duration = Duration.between(now, expiresAt).coerceAtLeast(Duration.ZERO)

/** Click-to-call. */
class CallInModel(
    private val ringback: Ringback,
    private val service: String,
    private val settings: SettingsStore,
    private val watch: CallbackWatch,
    private val scope: CoroutineScope,
) {
    private val state = MutableStateFlow(CallInState())

    val callIn: StateFlow<CallInState> = state.asStateFlow()

    /** Asks for a number and a code. */
    fun request(): Job {
        state.update { it.copy(busy = true, trouble = null) }
        return scope.launch {
            val person = settings.load()
            val trouble =
                watch.asking {
                    val ticket =
                        ringback.requestCallIn(
                            CallInRequest(
                                service,
                                callerNumber = person.number.takeIf { it.value.isPhoneNumber },
                                name = person.name.takeIf { it.value.isNotBlank() },
                                context = mapOf("asked_in" to ContextValue("sample app")),
                            ),
                        )
                    state.update { it.copy(ticket = ticket) }
                }
            val fallback = if (trouble?.offline == true) lastKnownNumber() else null
            state.update { it.copy(busy = false, trouble = trouble, fallback = fallback) }
        }
    }

    /** The person calls the service's own number: a code is no longer asked for. */
    fun callsFallback(): Job =
        scope.launch {
            val unsent = state.value.trouble?.pendingKey ?: return@launch
            watch.asking { ringback.discard(unsent) }
        }

    /** The person is done with it. */
    fun close() = state.update { CallInState() }

    private suspend fun lastKnownNumber(): FallbackNumber? {
        var found: FallbackNumber? = null
        watch.asking { found = ringback.fallback(service) }
        return found
    }
}
