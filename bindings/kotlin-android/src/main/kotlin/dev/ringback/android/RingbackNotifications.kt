package dev.ringback.android

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.app.RemoteInput
import android.content.Context
import android.content.Intent
import android.graphics.drawable.Icon
import android.net.Uri
import android.os.Build
import dev.ringback.NotificationAction
import dev.ringback.PushOutcome
import java.time.Duration
import java.time.Instant

/**
 * Builds, shows and takes back the notification of "your agent is ready, are you?". An app that has notifications of its
 * own may leave all of it aside.
 *
 * @param receiver the app's [NotificationActionReceiver], which hears of taps.
 * @param opens the screen to open when the notification itself is tapped; the push comes along, see [NotificationTap].
 * @param smallIcon a drawable of the app: white on nothing.
 * @param channelId of the channel; made when it is first needed.
 */
public class RingbackNotifications(
    context: Context,
    private val receiver: Class<out NotificationActionReceiver>,
    private val opens: Intent,
    private val smallIcon: Int,
    private val channelId: String = "ringback_calls",
    private val words: NotificationWords = NotificationWords.of(),
) {
    private val application: Context = context.applicationContext
    private val manager: NotificationManager? =
        application.getSystemService(Context.NOTIFICATION_SERVICE) as? NotificationManager

    /**
     * Shows the question, in place of an earlier copy of it, the one that FCM shows by itself among them. Does nothing
     * without the permission to notify.
     *
     * @param data the `data` of the FCM message that asked.
     */
    public fun show(
        data: Map<String, String>,
        asked: PushOutcome.Event,
    ) {
        manager?.notify(asked.callback.id, ID, question(data, asked))
    }

    /** Takes the question back: it was answered, here or on another device. */
    public fun withdraw(callbackId: String) {
        manager?.cancel(callbackId, ID)
    }

    /**
     * The question, for an app that shows it itself.
     *
     * @param actions which actions, in this order; phones show the first three.
     */
    public fun question(
        data: Map<String, String>,
        asked: PushOutcome.Event,
        actions: List<String> =
            listOf(
                NotificationAction.READY,
                NotificationAction.SNOOZE,
                NotificationAction.OTHER_NUMBER,
                NotificationAction.CANCEL,
            ),
    ): Notification {
        val builder =
            builder()
                .setSmallIcon(smallIcon)
                .setContentTitle(words.title)
                .setContentText(words.body)
                .setCategory(Notification.CATEGORY_REMINDER)
                .setVisibility(Notification.VISIBILITY_PUBLIC)
                .setAutoCancel(true)
                .setOnlyAlertOnce(true)
                // It counts down to when the time to answer is over.
                .setWhen(asked.expiresAt.toEpochMilli())
                .setShowWhen(true)
                .setUsesChronometer(true)
                .setChronometerCountDown(true)
                .setContentIntent(opening(data, asked.callback.id))
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O) {
            builder.setTimeoutAfter(
                Duration.between(Instant.now(), asked.expiresAt).toMillis().coerceAtLeast(1),
            )
        }
        actions.mapNotNull { action(it, data, asked.callback.id) }.forEach { builder.addAction(it) }
        return builder.build()
    }

    private fun action(
        action: String,
        data: Map<String, String>,
        callbackId: String,
    ): Notification.Action? {
        val title =
            when (action) {
                NotificationAction.READY -> words.ready
                NotificationAction.SNOOZE -> words.snooze
                NotificationAction.OTHER_NUMBER -> words.otherNumber
                NotificationAction.CANCEL -> words.cancel
                else -> return null
            }
        val intent = NotificationTap.intent(Intent(application, receiver), action, data, callbackId)
        val typing = action == NotificationAction.OTHER_NUMBER
        // What is typed is written into the intent, so that one has to be mutable; it names its receiver.
        val changes = if (typing) mutable else PendingIntent.FLAG_IMMUTABLE
        val tap =
            PendingIntent.getBroadcast(
                application,
                0,
                intent,
                PendingIntent.FLAG_UPDATE_CURRENT or changes,
            )
        val icon = Icon.createWithResource(application, smallIcon)
        val built = Notification.Action.Builder(icon, title, tap)
        if (typing) {
            built.addRemoteInput(
                RemoteInput.Builder(NotificationTap.TYPED).setLabel(words.otherNumberHint).build(),
            )
        }
        return built.build()
    }

    private fun opening(
        data: Map<String, String>,
        callbackId: String,
    ): PendingIntent {
        val intent = NotificationTap.intent(Intent(opens), NotificationTap.OPENED, data, callbackId)
        val flags = PendingIntent.FLAG_UPDATE_CURRENT or PendingIntent.FLAG_IMMUTABLE
        return PendingIntent.getActivity(application, 0, intent, flags)
    }

    private fun builder(): Notification.Builder {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.O) {
            @Suppress("DEPRECATION")
            return Notification.Builder(application).setPriority(Notification.PRIORITY_HIGH)
        }
        manager?.createNotificationChannel(
            NotificationChannel(channelId, words.channel, NotificationManager.IMPORTANCE_HIGH),
        )
        return Notification.Builder(application, channelId)
    }

    private companion object {
        /** FCM's own notifications with a tag have this number. */
        const val ID = 0

        val mutable = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) PendingIntent.FLAG_MUTABLE else 0
    }
}

/** What makes one tap's intent different from another's: the action and the callback. */
internal fun tapUri(callbackId: String): Uri = Uri.fromParts("ringback", callbackId, null)
