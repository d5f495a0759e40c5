package dev.ringback.sample.screens

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import dev.ringback.Callback
import dev.ringback.WaitEstimate
import dev.ringback.WaitStatus
import dev.ringback.sample.Page
import dev.ringback.sample.Standing
import dev.ringback.sample.Trouble
import dev.ringback.sample.age
import dev.ringback.sample.isOffline
import dev.ringback.sample.unsentChange

/** The request lies on the phone. */
@Composable
internal fun NotSentScreen(
    unsent: Standing.NotSent,
    busy: Boolean,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Emblem(Icons.Offline, warm = true)
        Title(words.notSentTitle, words.notSentBody, centered = true)
        Muted(words.asked(clock.time(unsent.since)))
    },
    calm = true,
    done = {
        MainButton(words.sendNow, !busy, tag = "send") { act(Act.SendAgain) }
        OtherButton(words.callYourself) { act(Act.Show(Page.CALL_IN)) }
        QuietButton(words.forget, !busy) { act(Act.Forget(unsent.key)) }
    },
)

/** It was not sent in time, or was refused while nobody looked. */
@Composable
internal fun LapsedScreen(
    lapsed: Standing.Lapsed,
    busy: Boolean,
    words: Words,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Emblem(Icons.Notice, warm = true)
        Title(words.lapsedTitle, lapsed.detail ?: words.lapsedBody, centered = true)
    },
    calm = true,
    done = { MainButton(words.done, !busy, tag = "done") { act(Act.Forget(lapsed.key)) } },
)

/** Place and wait, live. */
@Composable
internal fun LineScreen(
    line: Standing.InLine,
    shown: Shown,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Notices(shown, words, clock, act)
        Card(
            Modifier
                .testTag(
                    "line",
                ).semantics(mergeDescendants = true) { liveRegion = LiveRegionMode.Polite },
        ) {
            val (rests, position) = line.restsUntil to line.position
            when {
                rests != null -> {
                    Muted(words.rests)
                    Hero(clock.time(rests))
                    if (!clock.isToday(rests, shown.now)) Strong(clock.day(rests))
                }

                position != null -> {
                    Muted(if (position == 1u) words.next else words.inLine)
                    Hero(position.toString())
                    Queue(position.toInt())
                    Strong(wait(line.wait, words), "wait")
                }

                // Known from before, and the line has not spoken yet.
                else -> {
                    Emblem(Icons.Clock)
                    Strong(words.waiting)
                    Muted(words.placeUnknown)
                }
            }
            AsOf(shown, words, clock)
        }
        Note(words.keepPhoneNear)
    },
    done = { Changes(shown.actions.busy, words, act, whileWaiting = true) },
)

private fun wait(
    wait: WaitEstimate?,
    words: Words,
): String = wait?.minutes?.let(words::aboutMinutes) ?: words.noNumber(wait?.status ?: WaitStatus.NO_DATA)

/** How old it is, where nothing else says so. */
@Composable
private fun AsOf(
    shown: Shown,
    words: Words,
    clock: Clock,
) {
    val age = shown.known.age?.takeUnless { shown.known.isOffline(shown.now) } ?: return
    Muted(words.asOf(clock.moment(age, shown.now)))
}

/** A chosen time. */
@Composable
internal fun PromisedScreen(
    promised: Standing.Promised,
    shown: Shown,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Notices(shown, words, clock, act)
        Card(Modifier.semantics(mergeDescendants = true) { }) {
            Emblem(Icons.Calendar)
            Muted(words.promisedTitle)
            promised.callback.scheduled?.let { chosen ->
                Hero(clock.time(chosen), "promised")
                Strong(clock.day(chosen))
            }
            AsOf(shown, words, clock)
        }
        Note(words.promisedBody)
    },
    done = {
        val busy = shown.actions.busy
        OtherButton(words.asSoonAsPossible, enabled = !busy) { act(Act.AsSoonAsPossible) }
        Changes(busy, words, act, whileWaiting = false)
    },
)

/** The call is being made to the person. */
@Composable
internal fun ConnectingScreen(
    callback: Callback,
    shown: Shown,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Notices(shown, words, clock, act)
        Emblem(Icons.Phone)
        Title(words.connectingTitle, words.connectingBody, centered = true)
        callback.spokenCode?.let { code ->
            Card {
                Muted(words.spokenCode)
                // Digit by digit for whoever listens.
                val digits = code.value.toList().joinToString(" ")
                Hero(code.value, "spoken-code", Modifier.semantics { contentDescription = digits })
            }
        }
        AsOf(shown, words, clock)
    },
    calm = true,
)

@Composable
internal fun TalkingScreen(
    shown: Shown,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Notices(shown, words, clock, act)
        Emblem(Icons.Phone)
        Title(words.talkingTitle, words.talkingBody, centered = true)
        AsOf(shown, words, clock)
    },
    calm = true,
)

/** How it ended. */
@Composable
internal fun OverScreen(
    over: Standing.Over,
    words: Words,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Emblem(Icons.Done)
        val (title, body) = words.over(over.callback.reason)
        Title(title, body, centered = true)
    },
    calm = true,
    done = { MainButton(words.done, tag = "done") { act(Act.Dismiss) } },
)

/** What can be changed while nobody asks: a pause, the number, or all of it. */
@Composable
private fun Changes(
    busy: Boolean,
    words: Words,
    act: (Act) -> Unit,
    whileWaiting: Boolean,
) {
    var open by remember { mutableStateOf<Change?>(null) }
    when (open) {
        Change.NUMBER -> {
            NumberPanel(busy, words, { open = null }) {
                open = null
                act(Act.OnOtherNumber(it))
            }
        }

        Change.CANCEL -> {
            Card {
                Text(words.reallyCancel, style = MaterialTheme.typography.titleMedium)
                Text(words.reallyCancelBody, color = MaterialTheme.colorScheme.onSurfaceVariant)
                Pair2({ OtherButton(words.keepIt, it) { open = null } }) { modifier ->
                    OtherButton(words.cancelIt, modifier, !busy) {
                        open = null
                        act(Act.Cancel)
                    }
                }
            }
        }

        null -> {
            if (whileWaiting) {
                Pair2({ OtherButton(words.inTenMinutes, it, !busy) { act(Act.InTenMinutes) } }) {
                    OtherButton(words.otherNumber, it, !busy) { open = Change.NUMBER }
                }
            } else {
                OtherButton(words.otherNumber, enabled = !busy) { open = Change.NUMBER }
            }
            QuietButton(words.cancelCall, !busy) { open = Change.CANCEL }
        }
    }
}

private enum class Change { NUMBER, CANCEL }

/** Two buttons beside each other; below each other where letters are large. */
@Composable
internal fun Pair2(
    first: @Composable (Modifier) -> Unit,
    second: @Composable (Modifier) -> Unit,
) {
    if (LocalDensity.current.fontScale > LARGE) {
        first(Modifier.fillMaxWidth())
        second(Modifier.fillMaxWidth())
    } else {
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            first(Modifier.weight(1f))
            second(Modifier.weight(1f))
        }
    }
}

/** Another number is typed. */
@Composable
internal fun NumberPanel(
    busy: Boolean,
    words: Words,
    close: () -> Unit,
    send: (String) -> Unit,
) = Card {
    var typed by remember { mutableStateOf("") }
    Text(words.otherNumberTitle, style = MaterialTheme.typography.titleMedium)
    NumberField(typed, words, tag = "other-number") { typed = it }
    MainButton(words.save, !busy && typed.isNotBlank(), tag = "save-number") { send(typed) }
    QuietButton(words.close) { close() }
}

/** What is wrong or not yet sent. */
@Composable
internal fun Notices(
    shown: Shown,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) {
    val known = shown.known
    val unsent = known.unsentChange
    when {
        unsent != null -> {
            Banner(
                words.unsent(unsent),
                Icons.Offline,
                action =
                    words.sendNow to { act(Act.SendAgain) },
            )
        }

        known.isOffline(shown.now) -> {
            Banner(
                known.age?.let { words.offlineAsOf(clock.moment(it, shown.now)) } ?: words.offline,
                Icons.Offline,
                action =
                    words.tryAgain to { act(Act.SendAgain) },
            )
        }

        else -> {
            TroubleBanner(shown.actions.trouble, words) { act(Act.SendAgain) }
        }
    }
}

/** What did not work, in this language where there are words for it. */
@Composable
internal fun TroubleBanner(
    trouble: Trouble?,
    words: Words,
    again: () -> Unit,
) {
    if (trouble == null) return
    if (trouble.offline) {
        Banner(words.offline, Icons.Offline, action = words.tryAgain to again)
    } else {
        Banner(words.spoken(trouble.code) ?: trouble.detail, Icons.Notice, bad = true)
    }
}

@Composable
internal fun Muted(text: String) =
    Text(
        text,
        Modifier.fillMaxWidth(),
        color = MaterialTheme.colorScheme.onSurfaceVariant,
        style = MaterialTheme.typography.bodyMedium,
        textAlign = TextAlign.Center,
    )

/** A sentence below a card, narrower than it, so that no word is left alone in a line. */
@Composable
private fun Note(text: String) = Box(Modifier.padding(horizontal = 20.dp)) { Muted(text) }

@Composable
internal fun Strong(
    text: String,
    tag: String = "strong",
) = Text(
    text,
    Modifier.fillMaxWidth().testTag(tag),
    style = MaterialTheme.typography.titleLarge,
    textAlign = TextAlign.Center,
)

/** What is read first, from a distance. */
@Composable
internal fun Hero(
    text: String,
    tag: String = "hero",
    modifier: Modifier = Modifier,
) = Text(
    text,
    modifier.fillMaxWidth().testTag(tag),
    color = MaterialTheme.colorScheme.primary,
    style =
        with(MaterialTheme.typography) { if (text.length > SHORT) displayMedium else displayLarge },
    textAlign = TextAlign.Center,
)

@Composable
internal fun Emblem(
    icon: ImageVector,
    warm: Boolean = false,
) = Box(Modifier.fillMaxWidth().padding(top = 12.dp), Alignment.Center) {
    val colors = MaterialTheme.colorScheme
    Surface(
        Modifier.size(88.dp),
        shape = CircleShape,
        color = if (warm) colors.tertiaryContainer else colors.primaryContainer,
        contentColor = if (warm) colors.onTertiaryContainer else colors.onPrimaryContainer,
    ) {
        Box(contentAlignment = Alignment.Center) { Icon(icon, null, Modifier.size(40.dp)) }
    }
}

/** Those before the person, and the person. */
@Composable
private fun Queue(position: Int) {
    if (position !in 2..MOST_DOTS) return
    Row(
        Modifier.fillMaxWidth().height(14.dp),
        Arrangement.spacedBy(8.dp, Alignment.CenterHorizontally),
        Alignment.CenterVertically,
    ) {
        val colors = MaterialTheme.colorScheme
        repeat(position - 1) { Box(Modifier.size(10.dp).background(colors.outlineVariant, CircleShape)) }
        Box(Modifier.size(14.dp).background(colors.primary, CircleShape))
    }
}

private const val MOST_DOTS = 10
private const val SHORT = 3
