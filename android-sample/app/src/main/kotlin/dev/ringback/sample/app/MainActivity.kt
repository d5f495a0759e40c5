package dev.ringback.sample.app

import android.Manifest
import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.os.Build
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.ui.Modifier
import dev.ringback.android.NotificationTap
import dev.ringback.android.dialIntent
import dev.ringback.sample.screens.Act
import dev.ringback.sample.screens.SampleScreen
import dev.ringback.sample.screens.SampleTheme
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch

class MainActivity : ComponentActivity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        enableEdgeToEdge()
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
            requestPermissions(arrayOf(Manifest.permission.POST_NOTIFICATIONS), 0)
        }
        setContent {
            SampleTheme {
                Box(
                    Modifier.safeDrawingPadding(),
                ) { SampleScreen(sample.model, elsewhere = ::dial) }
            }
        }
        opened(intent)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        opened(intent)
    }

    override fun onStart() {
        super.onStart()
        sample.model.start()
    }

    override fun onStop() {
        sample.model.stop()
        super.onStop()
    }

    /** The person came by a notification: the server is told. */
    private fun opened(intent: Intent) {
        val tap = NotificationTap.of(intent) ?: return
        CoroutineScope(Dispatchers.Default).launch { sample.model.callback.tapped(tap.data, tap.action) }
    }

    private fun dial(act: Act) {
        val dialer =
            when (act) {
                is Act.Dial -> act.ticket.dialIntent()
                is Act.DialFallback -> Intent(Intent.ACTION_DIAL, Uri.parse(act.number.telUri.value))
                else -> return
            }
        try {
            startActivity(dialer)
        } catch (_: ActivityNotFoundException) {
            // A tablet without a phone: the number is on the screen.
        }
    }
}
