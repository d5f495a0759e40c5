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
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import dev.ringback.Callback
import dev.ringback.WaitStatus
import dev.ringback.sample.CallbackActions
import dev.ringback.sample.Known
import dev.ringback.sample.Standing
import dev.ringback.sample.Trouble
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
    known: Known,
    actions: CallbackActions,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Notices(known, actions, words, act)
        Card {
            val rests = line.restsUntil
            if (rests != null) {
                Muted(words.rests)
                Hero(clock.time(rests))
            } else {
                val position = line.position
                Muted(if (position == 1u) words.next else words.inLine)
                Hero(position?.toString() ?: "–", "position")
                if (position != null) Queue(position.toInt())
                Text(
                    line.wait?.let { wait ->
                        wait.minutes?.let(words::aboutMinutes) ?: words.noNumber(wait.status)
                    } ?: words.noNumber(WaitStatus.NO_DATA),
                    Modifier.fillMaxWidth().testTag("wait"),
                    style = MaterialTheme.typography.titleLarge,
                    textAlign = TextAlign.Center,
                )
            }
            known.asOf?.let { Muted(words.asOf(clock.time(it))) }
        }
        Muted(words.keepPhoneNear)
    },
    done = { Changes(actions.busy, words, act, whileWaiting = true) },
)

/** A chosen time. */
@Composable
internal fun PromisedScreen(
    promised: Standing.Promised,
    known: Known,
    actions: CallbackActions,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Notices(known, actions, words, act)
        Card {
            Emblem(Icons.Calendar)
            Muted(words.promisedTitle)
            promised.callback.scheduled?.let { chosen ->
                Hero(clock.time(chosen), "promised")
                Text(
                    clock.day(chosen),
                    Modifier.fillMaxWidth(),
                    style = MaterialTheme.typography.titleLarge,
                    textAlign = TextAlign.Center,
                )
            }
        }
        Muted(words.promisedBody)
    },
    done = {
        OtherButton(words.asSoonAsPossible, enabled = !actions.busy) { act(Act.AsSoonAsPossible) }
        Changes(actions.busy, words, act, whileWaiting = false)
    },
)

/** The call is being made to the person. */
@Composable
internal fun ConnectingScreen(
    callback: Callback,
    words: Words,
) = Sheet(
    told = {
        Emblem(Icons.Phone)
        Title(words.connectingTitle, words.connectingBody, centered = true)
        callback.spokenCode?.let { code ->
            Card {
                Muted(words.spokenCode)
                Hero(code.value, "spoken-code")
            }
        }
    },
    calm = true,
)

@Composable
internal fun TalkingScreen(words: Words) =
    Sheet(
        told = {
            Emblem(Icons.Phone)
            Title(words.talkingTitle, words.talkingBody, centered = true)
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
    known: Known,
    actions: CallbackActions,
    words: Words,
    act: (Act) -> Unit,
) {
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

        known.online == false -> {
            Banner(
                "${words.offline}. ${words.offlineBody}",
                Icons.Offline,
                action =
                    words.tryAgain to { act(Act.SendAgain) },
            )
        }

        else -> {
            TroubleBanner(actions.trouble, words) { act(Act.SendAgain) }
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

/** What is read first, from a distance. */
@Composable
internal fun Hero(
    text: String,
    tag: String = "hero",
) = Text(
    text,
    Modifier.fillMaxWidth().testTag(tag),
    color = MaterialTheme.colorScheme.primary,
    style =
        if (text.length >
            3
        ) {
            MaterialTheme.typography.displayMedium
        } else {
            MaterialTheme.typography.displayLarge
        },
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
    if (position > MOST_DOTS) return
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
