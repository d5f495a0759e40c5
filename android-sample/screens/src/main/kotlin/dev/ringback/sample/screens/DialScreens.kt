package dev.ringback.sample.screens

import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.sp
import dev.ringback.CallTicket
import dev.ringback.sample.CallInState
import dev.ringback.sample.leftAt
import java.time.Duration
import java.time.Instant

/** Click-to-call. */
@Composable
internal fun CallInScreen(
    callIn: CallInState,
    now: Instant,
    words: Words,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Title(words.callYourself, words.codeBody)
        TroubleBanner(callIn.trouble, words) { act(Act.NewCode) }
        val ticket = callIn.ticket
        when {
            ticket != null -> Ticket(ticket, now, words)
            callIn.busy -> Muted(words.loading)
        }
    },
    done = { DialOrNew(callIn.ticket, now, callIn.busy, words, act) },
)

/** The agent is ready, and the person makes the call. */
@Composable
internal fun DialScreen(
    ticket: CallTicket,
    now: Instant,
    words: Words,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        Emblem(Icons.Phone)
        Title(words.dialTitle, words.dialBody, centered = true)
        Ticket(ticket, now, words)
    },
    done = { MainButton(words.dial, icon = Icons.Phone, tag = "dial") { act(Act.Dial(ticket)) } },
)

@Composable
private fun DialOrNew(
    ticket: CallTicket?,
    now: Instant,
    busy: Boolean,
    words: Words,
    act: (Act) -> Unit,
) {
    if (ticket != null && ticket.leftAt(now) > Duration.ZERO) {
        MainButton(words.dial, icon = Icons.Phone, tag = "dial") { act(Act.Dial(ticket)) }
        QuietButton(words.newCode, !busy) { act(Act.NewCode) }
    } else {
        MainButton(words.newCode, !busy, tag = "new-code") { act(Act.NewCode) }
    }
}

@Composable
private fun Ticket(
    ticket: CallTicket,
    now: Instant,
    words: Words,
) = Card {
    val left = ticket.leftAt(now)
    Text(
        grouped(ticket.number.value),
        Modifier.fillMaxWidth().testTag("number-to-dial"),
        style = MaterialTheme.typography.titleLarge,
        textAlign = TextAlign.Center,
    )
    Muted(words.code)
    Text(
        ticket.accessCode.value
            .chunked(3)
            .joinToString(" "),
        Modifier.fillMaxWidth().testTag("code"),
        color = MaterialTheme.colorScheme.primary,
        style =
            MaterialTheme.typography.displayMedium.copy(
                fontFeatureSettings = "tnum",
                letterSpacing = 2.sp,
            ),
        textAlign = TextAlign.Center,
    )
    Muted(if (left == Duration.ZERO) words.codeExpired else words.codeExpiresIn(left.asClock()))
}
