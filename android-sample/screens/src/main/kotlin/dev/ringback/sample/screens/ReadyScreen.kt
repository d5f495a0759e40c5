package dev.ringback.sample.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.unit.dp
import dev.ringback.sample.Standing
import java.time.Duration
import java.time.Instant

/** "Your agent is ready, are you?" */
@Composable
internal fun ReadyScreen(
    asked: Standing.Asked,
    shown: Shown,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) {
    val busy = shown.actions.busy
    var typing by remember(asked.callback.id) { mutableStateOf(false) }
    Sheet(
        calm = true,
        told = {
            Notices(shown, words, clock, act)
            Countdown(asked, shown.now, words)
            Title(words.readyTitle, words.readyBody, centered = true)
        },
        done = {
            if (typing) {
                NumberPanel(busy, words, { typing = false }) { act(Act.OnOtherNumber(it)) }
            } else {
                MainButton(words.ready, !busy, Icons.Phone, "ready") { act(Act.Ready) }
                Pair2({ OtherButton(words.inTenMinutes, it, !busy) { act(Act.InTenMinutes) } }) {
                    OtherButton(words.otherNumber, it, !busy) { typing = true }
                }
                QuietButton(words.noLongerNeeded, !busy) { act(Act.Cancel) }
            }
        },
    )
}

@Composable
private fun Countdown(
    asked: Standing.Asked,
    now: Instant,
    words: Words,
) {
    val left = Duration.between(now, asked.until).coerceAtLeast(Duration.ZERO)
    // A full turn is a minute, or all the time there was.
    val whole = remember(asked.callback.id, asked.until) { left.coerceAtLeast(Duration.ofMinutes(1)) }
    val seconds = left.seconds
    Box(
        Modifier.fillMaxWidth().padding(vertical = 16.dp).clearAndSetSemantics {
            contentDescription = words.secondsLeft(seconds)
        },
        Alignment.Center,
    ) {
        val colors = MaterialTheme.colorScheme
        CircularProgressIndicator(
            progress = { left.toMillis().toFloat() / whole.toMillis() },
            // Its words have to fit into it.
            modifier = Modifier.size(168.dp * LocalDensity.current.fontScale.coerceIn(1f, MOST_GROWN)),
            color = colors.primary,
            strokeWidth = 10.dp,
            trackColor = colors.surfaceVariant,
            strokeCap = StrokeCap.Round,
            gapSize = 0.dp,
        )
        Column(horizontalAlignment = Alignment.CenterHorizontally, verticalArrangement = Arrangement.Center) {
            Text(
                if (seconds < 60) seconds.toString() else left.asClock(),
                Modifier.testTag("countdown"),
                style = MaterialTheme.typography.displayMedium,
            )
            if (seconds < 60) {
                Text(
                    words.secondsUnit(seconds),
                    color = colors.onSurfaceVariant,
                    style = MaterialTheme.typography.labelMedium,
                )
            }
        }
    }
}
