package dev.ringback.sample.screens

import dev.ringback.CallTicket
import dev.ringback.Device
import dev.ringback.FallbackNumber
import dev.ringback.Slot
import dev.ringback.sample.AskState
import dev.ringback.sample.CallInState
import dev.ringback.sample.CallbackActions
import dev.ringback.sample.Known
import dev.ringback.sample.Page
import dev.ringback.sample.SampleModel
import dev.ringback.sample.SettingsState
import java.time.Instant

/** What a person does on a screen. */
sealed interface Act {
    data class Show(
        val page: Page,
    ) : Act

    data object LookAgain : Act

    data object Now : Act

    data object Later : Act

    data class Pick(
        val slot: Slot,
    ) : Act

    data class TypeNumber(
        val number: String,
    ) : Act

    data object Ask : Act

    data object SendAgain : Act

    data class Forget(
        val key: String,
    ) : Act

    data object Ready : Act

    data object InTenMinutes : Act

    data class OnOtherNumber(
        val number: String,
    ) : Act

    data object AsSoonAsPossible : Act

    data object Cancel : Act

    data object Dismiss : Act

    data object NewCode : Act

    data class Dial(
        val ticket: CallTicket,
    ) : Act

    data class DialFallback(
        val number: FallbackNumber,
    ) : Act

    data class TypeOwnNumber(
        val number: String,
    ) : Act

    data class TypeName(
        val name: String,
    ) : Act

    data object Save : Act

    data class Remove(
        val device: Device,
    ) : Act
}

/** All that the screens show. */
data class Shown(
    val now: Instant,
    val page: Page = Page.HOME,
    val known: Known = Known(),
    val ask: AskState = AskState(),
    val actions: CallbackActions = CallbackActions(),
    val callIn: CallInState = CallInState(),
    val settings: SettingsState = SettingsState(),
)

/** Does it. What needs the platform, such as dialing, is [elsewhere]'s. */
fun SampleModel.perform(
    act: Act,
    elsewhere: (Act) -> Unit,
) {
    when (act) {
        is Act.Show -> {
            show(act.page)
        }

        Act.LookAgain -> {
            callback.sendAgain()
            ask.refresh()
        }

        Act.Now -> {
            ask.now()
        }

        Act.Later -> {
            ask.later()
        }

        is Act.Pick -> {
            ask.pick(act.slot)
        }

        is Act.TypeNumber -> {
            ask.type(act.number)
        }

        Act.Ask -> {
            ask.ask()
        }

        Act.SendAgain -> {
            callback.sendAgain()
        }

        is Act.Forget -> {
            callback.forget(act.key)
        }

        Act.Ready -> {
            callback.ready()
        }

        Act.InTenMinutes -> {
            callback.inTenMinutes()
        }

        is Act.OnOtherNumber -> {
            callback.onOtherNumber(act.number)
        }

        Act.AsSoonAsPossible -> {
            callback.reschedule(null)
        }

        Act.Cancel -> {
            callback.cancel()
        }

        Act.Dismiss -> {
            watch.dismiss()
            ask.refresh()
        }

        Act.NewCode -> {
            callIn.request()
        }

        is Act.TypeOwnNumber -> {
            settings.typeNumber(act.number)
        }

        is Act.TypeName -> {
            settings.typeName(act.name)
        }

        Act.Save -> {
            settings.save()
            show(Page.HOME)
        }

        is Act.Remove -> {
            settings.unregister(act.device)
        }

        is Act.Dial -> {
            elsewhere(act)
        }

        is Act.DialFallback -> {
            callIn.callsFallback()
            elsewhere(act)
        }
    }
}
