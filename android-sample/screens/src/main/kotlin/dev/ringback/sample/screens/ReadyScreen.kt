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
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.unit.dp
import dev.ringback.sample.CallbackActions
import dev.ringback.sample.Known
import dev.ringback.sample.Standing
import java.time.Duration
import java.time.Instant

/** "Your agent is ready, are you?" */
@Composable
internal fun ReadyScreen(
    asked: Standing.Asked,
    known: Known,
    actions: CallbackActions,
    now: Instant,
    words: Words,
    act: (Act) -> Unit,
) {
    var typing by remember(asked.callback.id) { mutableStateOf(false) }
    Sheet(
        calm = true,
        told = {
            Notices(known, actions, words, act)
            Countdown(asked, now, words)
            Title(words.readyTitle, words.readyBody, centered = true)
        },
        done = {
            if (typing) {
                NumberPanel(actions.busy, words, { typing = false }) { act(Act.OnOtherNumber(it)) }
            } else {
                MainButton(words.ready, !actions.busy, Icons.Phone, "ready") { act(Act.Ready) }
                Pair2({ OtherButton(words.inTenMinutes, it, !actions.busy) { act(Act.InTenMinutes) } }) {
                    OtherButton(words.otherNumber, it, !actions.busy) { typing = true }
                }
                QuietButton(words.noLongerNeeded, !actions.busy) { act(Act.Cancel) }
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
            modifier = Modifier.size(168.dp),
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
        }
    }
}
