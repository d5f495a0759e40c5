package dev.ringback.sample.screens

import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.produceState
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.ringback.sample.Page
import dev.ringback.sample.SampleModel
import dev.ringback.sample.Standing
import dev.ringback.sample.standing
import kotlinx.coroutines.delay
import java.time.Instant
import java.time.ZoneId
import java.util.Locale

/**
 * The app over its model.
 *
 * @param now the time, for what counts down.
 * @param elsewhere does what needs the platform: [Act.Dial], [Act.DialFallback].
 */
@Composable
fun SampleScreen(
    model: SampleModel,
    words: Words = Words.of(Locale.getDefault().language),
    clock: Clock = Clock(ZoneId.systemDefault(), Locale.getDefault()),
    now: Instant = ticking().value,
    elsewhere: (Act) -> Unit,
) {
    val page by model.page.collectAsState()
    val known by model.watch.known.collectAsState()
    val ask by model.ask.ask.collectAsState()
    val actions by model.callback.actions.collectAsState()
    val callIn by model.callIn.callIn.collectAsState()
    val settings by model.settings.settings.collectAsState()
    SampleContent(Shown(now, page, known, ask, actions, callIn, settings), words, clock) {
        model.perform(it, elsewhere)
    }
}

/** The app as it looks, without anything behind it. */
@Composable
fun SampleContent(
    shown: Shown,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Surface(Modifier.fillMaxSize(), color = MaterialTheme.colorScheme.background) {
    Column {
        TopBar(shown.page, words, act)
        when (shown.page) {
            Page.CALL_IN -> CallInScreen(shown.callIn, shown.now, words, clock, act)
            Page.SETTINGS -> SettingsScreen(shown.settings, words, clock, act)
            Page.HOME -> Home(shown, words, clock, act)
        }
    }
}

/** Only for what counts down on the screen; when a code or a question ends is the server's to say. */
@Composable
private fun ticking() =
    produceState(Instant.now()) {
        while (true) {
            delay(TICK_MS)
            value = Instant.now()
        }
    }

@Composable
private fun Home(
    shown: Shown,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) {
    val (now, known, actions) = Triple(shown.now, shown.known, shown.actions)
    when (val standing = known.standing()) {
        Standing.Idle -> {
            AskScreen(shown.ask, words, clock, act)
        }

        is Standing.NotSent -> {
            NotSentScreen(standing, actions.busy || shown.ask.busy, words, clock, act)
        }

        is Standing.Lapsed -> {
            LapsedScreen(standing, actions.busy, words, act)
        }

        is Standing.Promised -> {
            PromisedScreen(standing, shown, words, clock, act)
        }

        is Standing.InLine -> {
            LineScreen(standing, shown, words, clock, act)
        }

        is Standing.Asked -> {
            ReadyScreen(standing, shown, words, clock, act)
        }

        is Standing.Connecting -> {
            standing.ticket?.let { DialScreen(it, now, words, act) }
                ?: ConnectingScreen(standing.callback, shown, words, clock, act)
        }

        is Standing.Talking -> {
            TalkingScreen(shown, words, clock, act)
        }

        is Standing.Over -> {
            OverScreen(standing, words, act)
        }
    }
}

@Composable
private fun TopBar(
    page: Page,
    words: Words,
    act: (Act) -> Unit,
) = Row(
    Modifier.fillMaxWidth().heightIn(min = 56.dp).padding(horizontal = 6.dp),
    verticalAlignment = Alignment.CenterVertically,
) {
    if (page == Page.HOME) {
        Text(
            words.appName,
            Modifier.padding(start = 14.dp).weight(1f),
            style = MaterialTheme.typography.titleMedium,
        )
        IconButton({
            act(Act.Show(Page.SETTINGS))
        }, Modifier.testTag("settings")) { Icon(Icons.Settings, words.settings) }
    } else {
        IconButton({ act(Act.Show(Page.HOME)) }, Modifier.testTag("back")) { Icon(Icons.Back, words.back) }
        Text(
            if (page == Page.SETTINGS) words.settings else words.appName,
            Modifier.padding(start = 4.dp).weight(1f),
            style = MaterialTheme.typography.titleMedium,
        )
    }
}

private const val TICK_MS = 500L
