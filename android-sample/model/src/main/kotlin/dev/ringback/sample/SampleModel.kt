package dev.ringback.sample

import dev.ringback.Ringback
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import java.time.Clock
import java.time.ZoneId

/** What is on the screen besides what the callback decides. */
enum class Page {
    /** Asking, waiting, answering: as the callback stands. */
    HOME,

    /** Click-to-call. */
    CALL_IN,
    SETTINGS,
}

/** The whole app behind its screens. One for the life of the process. */
class SampleModel(
    ringback: Ringback,
    service: String,
    settings: SettingsStore,
    scope: CoroutineScope,
    clock: Clock = Clock.systemUTC(),
    zone: ZoneId = ZoneId.systemDefault(),
) {
    /** What is known of the callback. */
    val watch: CallbackWatch = CallbackWatch(ringback, scope, clock) { callback.trouble(it) }

    val ask: AskModel = AskModel(ringback, service, settings, watch, scope, zone)
    val callback: CallbackModel = CallbackModel(ringback, watch, scope)
    val callIn: CallInModel = CallInModel(ringback, service, settings, watch, scope)
    val settings: SettingsModel = SettingsModel(ringback, settings, watch, scope)

    private val shown = MutableStateFlow(Page.HOME)

    val page: StateFlow<Page> = shown.asStateFlow()

    fun show(page: Page) {
        when (page) {
            Page.HOME -> ask.numberChanged()
            Page.CALL_IN -> callIn.request()
            Page.SETTINGS -> settings.open()
        }
        shown.value = page
    }

    /** The app is in the foreground. */
    fun start() {
        watch.start()
        ask.refresh()
    }

    /** The app is in the background. */
    fun stop() = watch.stop()
}
