package dev.ringback.sample.app

import android.content.Context
import dev.ringback.FcmTokenKind
import dev.ringback.PushEvent
import dev.ringback.PushOutcome
import dev.ringback.PushTarget
import dev.ringback.PushToken
import dev.ringback.RingbackException
import java.util.Locale

/**
 * What an app does with FCM, whichever way it gets at it. The sample has no Firebase project; an app that has one adds:
 *
 * ```
 * class Messages : FirebaseMessagingService() {
 *     override fun onNewToken(token: String) = SamplePushes.newToken(this, token)
 *     override fun onMessageReceived(message: RemoteMessage) = runBlocking { SamplePushes.received(this@Messages, message.data) }
 * }
 * ```
 */
object SamplePushes {
    /** FCM gave the app a token: to be handed over each time. */
    fun newToken(
        context: Context,
        token: String,
    ) {
        val target = PushTarget.Fcm(PushToken(token), FcmTokenKind.TOKEN)
        context.sample.model.settings.register(
            target,
            Locale.getDefault().toLanguageTag(),
            BuildConfig.VERSION_NAME,
        )
    }

    /** Every message goes through here; says whether it was one of ours. */
    suspend fun received(
        context: Context,
        data: Map<String, String>,
    ): Boolean {
        val outcome =
            try {
                context.sample.model.callback
                    .received(data)
            } catch (_: RingbackException) {
                // Out of reach just now. The question stands in the app as soon as it is opened.
                return true
            }
        when (outcome) {
            is PushOutcome.Event -> {
                if (outcome.event == PushEvent.AGENT_READY) context.sample.notifications.show(data, outcome)
            }

            is PushOutcome.Withdrawn -> {
                context.sample.notifications.withdraw(outcome.callbackId)
            }

            is PushOutcome.Expired, is PushOutcome.Duplicate, PushOutcome.NotOurs -> {
                Unit
            }
        }
        return outcome != PushOutcome.NotOurs
    }
}
