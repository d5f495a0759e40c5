package dev.ringback.sample.screens

import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.sp
import dev.ringback.CallTicket
import dev.ringback.FallbackNumber
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
    clock: Clock,
    act: (Act) -> Unit,
) {
    val (ticket, fallback) = callIn.ticket to callIn.fallback
    val isValid = ticket != null && ticket.leftAt(now) > Duration.ZERO
    Sheet(
        told = {
            Title(words.callYourself, words.codeBody.takeIf { isValid || fallback == null })
            TroubleBanner(callIn.trouble, words) { act(Act.NewCode) }
            when {
                fallback != null && !isValid -> Fallback(fallback, now, words, clock)
                ticket != null -> Ticket(ticket, now, words)
                callIn.busy -> Muted(words.loading)
            }
        },
        done = {
            when {
                ticket != null && isValid -> {
                    MainButton(words.dial, icon = Icons.Phone, tag = "dial") { act(Act.Dial(ticket)) }
                    QuietButton(words.newCode, !callIn.busy) { act(Act.NewCode) }
                }

                fallback != null -> {
                    MainButton(words.dial, icon = Icons.Phone, tag = "dial-fallback") {
                        act(Act.DialFallback(fallback))
                    }
                }

                else -> {
                    MainButton(words.newCode, !callIn.busy, tag = "new-code") { act(Act.NewCode) }
                }
            }
        },
    )
}

/** The number from before, for want of a server: nobody there knows who calls. */
@Composable
private fun Fallback(
    fallback: FallbackNumber,
    now: Instant,
    words: Words,
    clock: Clock,
) = Card {
    Strong(words.fallbackTitle)
    Text(
        grouped(fallback.number.value),
        Modifier.fillMaxWidth().testTag("fallback-number"),
        color = MaterialTheme.colorScheme.primary,
        style = MaterialTheme.typography.headlineMedium,
        textAlign = TextAlign.Center,
    )
    Muted(words.fallbackBody)
    Muted(words.fallbackAsOf(clock.moment(fallback.asOf, now)))
}

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
        // Digit by digit for whoever listens.
        Modifier.fillMaxWidth().testTag("code").semantics {
            contentDescription =
                ticket.accessCode.value
                    .toList()
                    .joinToString(" ")
        },
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
