package dev.ringback.sample.screens

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.horizontalScroll
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.selection.selectable
import androidx.compose.foundation.selection.selectableGroup
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.RadioButton
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import dev.ringback.Offer
import dev.ringback.OfferedKind
import dev.ringback.Slot
import dev.ringback.WaitStatus
import dev.ringback.sample.AskState
import dev.ringback.sample.Page

/** "Call me": now or later. */
@Composable
internal fun AskScreen(
    ask: AskState,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        // Times want the room.
        Title(words.askTitle, words.askBody.takeUnless { ask.later })
        TroubleBanner(ask.trouble, words) { act(Act.LookAgain) }
        val offer = ask.offer
        Column(Modifier.selectableGroup(), Arrangement.spacedBy(10.dp)) {
            Choice(
                words.now,
                offer?.nowText(words, clock) ?: words.loading,
                !ask.later,
                offer?.immediate,
                "now",
            ) {
                act(Act.Now)
            }
            Choice(
                words.later,
                offer?.scheduled?.unless(words),
                ask.later,
                offer?.scheduled,
                "later",
            ) { act(Act.Later) }
        }
        val wrong = ask.trouble?.code?.startsWith("number_") == true
        NumberField(ask.number, words, wrong) { act(Act.TypeNumber(it)) }
        if (ask.later) Slots(ask, words, clock) { act(Act.Pick(it)) }
    },
    done = {
        MainButton(
            if (ask.later) words.callMeAt else words.callMe,
            ask.canAsk,
            Icons.Phone,
            "ask",
        ) { act(Act.Ask) }
        if (!ask.later) QuietButton(words.callYourself) { act(Act.Show(Page.CALL_IN)) }
    },
)

@Composable
private fun Choice(
    title: String,
    detail: String?,
    chosen: Boolean,
    offered: OfferedKind?,
    tag: String,
    choose: () -> Unit,
) {
    val colors = MaterialTheme.colorScheme
    val possible = offered?.offered != false
    Surface(
        Modifier
            .fillMaxWidth()
            .testTag(tag)
            .selectable(chosen, enabled = possible, role = Role.RadioButton, onClick = choose),
        shape = MaterialTheme.shapes.medium,
        color = if (chosen) colors.primaryContainer else colors.surfaceContainer,
        contentColor = if (chosen) colors.onPrimaryContainer else colors.onSurface,
        border =
            BorderStroke(
                if (chosen) 2.dp else 1.dp,
                if (chosen) colors.primary else colors.outlineVariant,
            ),
    ) {
        Row(
            Modifier.heightIn(min = 68.dp).padding(end = 16.dp, top = 10.dp, bottom = 10.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            RadioButton(chosen, null, Modifier.padding(horizontal = 16.dp), enabled = possible)
            Column(verticalArrangement = Arrangement.spacedBy(2.dp)) {
                Text(title, style = MaterialTheme.typography.titleMedium)
                if (detail != null) {
                    val muted = if (chosen) colors.onPrimaryContainer else colors.onSurfaceVariant
                    Text(detail, color = muted, style = MaterialTheme.typography.bodyMedium)
                }
            }
        }
    }
}

private fun Offer.nowText(
    words: Words,
    clock: Clock,
): String {
    val opens = opensAt
    return when {
        !immediate.offered && opens != null -> {
            words.closedUntil(clock.day(opens), clock.time(opens))
        }

        !immediate.offered -> {
            words.notOffered
        }

        wait.status == WaitStatus.ESTIMATED -> {
            wait.minutes?.let(words::aboutMinutes)
                ?: words.noNumber(wait.status)
        }

        else -> {
            words.noNumber(wait.status)
        }
    }
}

private fun OfferedKind.unless(words: Words): String? = if (offered) null else words.notOffered

/** Free times: a day first, then what is free on it. */
@Composable
internal fun Slots(
    ask: AskState,
    words: Words,
    clock: Clock,
    pick: (Slot) -> Unit,
) {
    val slots = ask.slots ?: return Text(words.loading, color = MaterialTheme.colorScheme.onSurfaceVariant)
    if (slots.isEmpty()) return Text(words.noSlots)
    val days = remember(slots) { slots.groupBy { it.day } }
    var chosen by remember(slots) { mutableStateOf(ask.slot?.day ?: days.keys.first()) }
    Column(verticalArrangement = Arrangement.spacedBy(10.dp)) {
        Text(words.whenTitle, style = MaterialTheme.typography.titleMedium)
        Row(
            Modifier.horizontalScroll(rememberScrollState()).selectableGroup(),
            Arrangement.spacedBy(8.dp),
        ) {
            for (day in days.keys) {
                val named = Modifier.semantics { contentDescription = clock.day(day) }
                Pill(day == chosen, named.widthIn(min = 60.dp).testTag("day"), { chosen = day }) {
                    Text(clock.weekday(day), style = MaterialTheme.typography.labelMedium)
                    Text(clock.dayOfMonth(day), style = MaterialTheme.typography.titleLarge)
                }
            }
        }
        // Fewer beside each other where letters are large.
        val columns = if (LocalDensity.current.fontScale > LARGE) 2 else 4
        Column(Modifier.selectableGroup(), Arrangement.spacedBy(10.dp)) {
            for (row in days.getValue(chosen).chunked(columns)) {
                Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
                    for (slot in row) {
                        Pill(slot == ask.slot, Modifier.weight(1f).testTag("slot"), { pick(slot) }) {
                            Text(
                                clock.time(slot),
                                style = MaterialTheme.typography.bodyMedium,
                                textAlign = TextAlign.Center,
                            )
                        }
                    }
                    repeat(columns - row.size) { Spacer(Modifier.weight(1f)) }
                }
            }
        }
    }
}

@Composable
private fun Pill(
    chosen: Boolean,
    modifier: Modifier,
    choose: () -> Unit,
    content: @Composable () -> Unit,
) {
    val colors = MaterialTheme.colorScheme
    Surface(
        modifier.selectable(chosen, role = Role.RadioButton, onClick = choose),
        shape = MaterialTheme.shapes.small,
        color = if (chosen) colors.primary else colors.surfaceContainer,
        contentColor = if (chosen) colors.onPrimary else colors.onSurface,
        border = BorderStroke(1.dp, if (chosen) colors.primary else colors.outlineVariant),
    ) {
        Column(
            Modifier.heightIn(min = 48.dp).padding(horizontal = 8.dp, vertical = 6.dp),
            Arrangement.Center,
            Alignment.CenterHorizontally,
        ) { content() }
    }
}
