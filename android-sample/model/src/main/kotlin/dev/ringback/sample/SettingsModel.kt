package dev.ringback.sample

import dev.ringback.Device
import dev.ringback.PersonName
import dev.ringback.PhoneNumber
import dev.ringback.PushTarget
import dev.ringback.Ringback
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/** Who is called, and on which devices the person is asked. */
data class SettingsState(
    val number: String = "",
    val name: String = "",
    /** `null` until they were asked for. */
    val devices: List<Device>? = null,
    val busy: Boolean = false,
    val trouble: Trouble? = null,
) {
    val canSave: Boolean get() = number.isBlank() || number.isPhoneNumber
}

/** Settings. */
class SettingsModel(
    private val ringback: Ringback,
    private val store: SettingsStore,
    private val watch: CallbackWatch,
    private val scope: CoroutineScope,
) {
    private val state = MutableStateFlow(SettingsState())

    val settings: StateFlow<SettingsState> = state.asStateFlow()

    /** Shows what is kept, and asks for the devices. */
    fun open(): Job {
        val kept = store.load()
        state.update { it.copy(number = kept.number.value, name = kept.name.value) }
        return work { loadDevices() }
    }

    fun typeNumber(number: String) = state.update { it.copy(number = number) }

    fun typeName(name: String) = state.update { it.copy(name = name) }

    fun save() {
        val typed = state.value
        if (typed.canSave) {
            store.save(Settings(PhoneNumber(typed.number.asPhoneNumber), PersonName(typed.name.trim())))
        }
    }

    /** The platform has given the app a token: to be handed over each time. */
    fun register(
        target: PushTarget,
        locale: String,
        appVersion: String,
    ): Job =
        work {
            ringback.registerPush(target, name = "phone", locale, appVersion, hasTexts = true)
            loadDevices()
        }

    /** No more pushes to this device. */
    fun unregister(device: Device): Job =
        work {
            ringback.unregisterPush(device.id)
            loadDevices()
        }

    private suspend fun loadDevices() =
        ringback.devices().let { found ->
            state.update {
                it.copy(devices = found)
            }
        }

    private fun work(call: suspend () -> Unit): Job {
        state.update { it.copy(busy = true, trouble = null) }
        return scope.launch {
            val trouble = watch.asking(call)
            state.update { it.copy(busy = false, trouble = trouble) }
        }
    }
}
