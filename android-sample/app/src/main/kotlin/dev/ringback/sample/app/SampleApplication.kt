package dev.ringback.sample.app

import android.app.Application
import android.content.Context
import android.content.Intent
import dev.ringback.Ringback
import dev.ringback.RingbackConfig
import dev.ringback.android.KeystoreStore
import dev.ringback.android.NotificationActionReceiver
import dev.ringback.android.NotificationTap
import dev.ringback.android.ResumeWork
import dev.ringback.android.RingbackNotifications
import dev.ringback.android.RingbackOwner
import dev.ringback.android.networkReturns
import dev.ringback.sample.SampleModel
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.flow.distinctUntilChangedBy
import kotlinx.coroutines.launch
import java.io.File

/** One client and one model for the life of the process; made with the first look at them. */
class SampleApplication :
    Application(),
    RingbackOwner {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    override val ringback: Ringback by lazy {
        Ringback(
            RingbackConfig(
                baseUrl = BuildConfig.RINGBACK_URL,
                appKey = BuildConfig.RINGBACK_APP_KEY,
                dataDir = File(noBackupFilesDir, "ringback-data").path,
                // The demo's centre on the machine under the emulator.
                allowClearText = BuildConfig.DEBUG,
            ),
            KeystoreStore(this),
        )
    }

    val model: SampleModel by lazy {
        SampleModel(ringback, BuildConfig.RINGBACK_SERVICE, PreferencesStore(this), scope)
    }

    val notifications: RingbackNotifications by lazy {
        RingbackNotifications(
            this,
            SampleActions::class.java,
            Intent(this, MainActivity::class.java),
            R.drawable.ic_phone,
        )
    }

    override fun onCreate() {
        super.onCreate()
        scope.launch { networkReturns(this@SampleApplication).collect { model.watch.catchUp() } }
        // What lies on the device goes out even when the app is closed by then.
        scope.launch {
            model.watch.known
                .distinctUntilChangedBy { it.kept }
                .collect { if (it.kept.isNotEmpty()) ResumeWork.whenConnected(this@SampleApplication) }
        }
    }
}

internal val Context.sample: SampleApplication get() = applicationContext as SampleApplication

/** Hears of taps on the notification's actions; the app need not be open. */
class SampleActions : NotificationActionReceiver() {
    override suspend fun tapped(
        context: Context,
        tap: NotificationTap,
    ) {
        val trouble =
            context.sample.model.callback
                .tapped(tap.data, tap.action, tap.typed)
        // A number that was refused can be typed again: the question stays.
        if (trouble == null || !trouble.code.startsWith("number_")) {
            context.sample.model.watch.known.value.callback?.let {
                context.sample.notifications.withdraw(
                    it.id,
                )
            }
        }
    }
}
