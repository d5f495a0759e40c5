package dev.ringback.android

import android.app.RemoteInput
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import dev.ringback.NotificationAction
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch

/**
 * A tap on a notification of ours.
 *
 * @property action one of [NotificationAction], or [OPENED].
 * @property data the push, for `answerPush` and `pushOpened`.
 * @property typed the number typed into [NotificationAction.OTHER_NUMBER].
 */
public class NotificationTap(
    public val action: String,
    public val data: Map<String, String>,
    public val typed: String?,
) {
    override fun toString(): String = "NotificationTap($action)"

    public companion object {
        /** The notification itself was tapped. */
        public const val OPENED: String = "ringback.opened"

        internal const val TYPED = "dev.ringback.typed"
        private const val PUSH = "dev.ringback.push."

        /** The tap that an intent tells of; `null` for any other intent. */
        public fun of(intent: Intent): NotificationTap? {
            val extras = intent.extras ?: return null
            val data =
                extras
                    .keySet()
                    .filter { it.startsWith(PUSH) }
                    .mapNotNull { key -> extras.getString(key)?.let { key.removePrefix(PUSH) to it } }
                    .toMap()
            val action = intent.action
            if (action == null || data.isEmpty()) return null
            val typed = RemoteInput.getResultsFromIntent(intent)?.getCharSequence(TYPED)?.toString()
            return NotificationTap(action, data, typed)
        }

        internal fun intent(
            intent: Intent,
            action: String,
            data: Map<String, String>,
            callbackId: String,
        ): Intent {
            // Only what is ours: the app's own keys are not for a notification.
            data.filterKeys { it == PUSH_DATA_KEY }.forEach { (key, value) ->
                intent.putExtra(PUSH + key, value)
            }
            return intent.setAction(action).setData(tapUri(callbackId))
        }

        private const val PUSH_DATA_KEY = "ringback"
    }
}

/**
 * Hears of taps on a notification's actions; the app need not be open. Name the subclass in the manifest, not exported.
 *
 * [tapped] has ten seconds; what it asks of the client is on disk at once, and goes out later where the network is away.
 */
public abstract class NotificationActionReceiver : BroadcastReceiver() {
    /** The person has tapped an action. */
    protected abstract suspend fun tapped(
        context: Context,
        tap: NotificationTap,
    )

    final override fun onReceive(
        context: Context,
        intent: Intent,
    ) {
        val tap = NotificationTap.of(intent) ?: return
        val alive = goAsync()
        taps.launch {
            try {
                tapped(context, tap)
            } finally {
                // There is none where no system has sent the intent.
                alive?.finish()
            }
        }
    }

    private companion object {
        val taps = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    }
}
