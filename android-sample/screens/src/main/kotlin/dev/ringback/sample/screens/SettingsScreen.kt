package dev.ringback.sample.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.ringback.Device
import dev.ringback.sample.Page
import dev.ringback.sample.SettingsState

/** Who is called, and where the person is asked. */
@Composable
internal fun SettingsScreen(
    settings: SettingsState,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) = Sheet(
    told = {
        TroubleBanner(settings.trouble, words) { act(Act.Show(Page.SETTINGS)) }
        Heading(words.you)
        NumberField(settings.number, words, wrong = !settings.canSave, tag = "own-number") {
            act(Act.TypeOwnNumber(it))
        }
        OutlinedTextField(
            settings.name,
            { act(Act.TypeName(it)) },
            Modifier.fillMaxWidth().testTag("name"),
            label = { Text(words.name) },
            supportingText = { Text(words.nameHint) },
            singleLine = true,
            shape = MaterialTheme.shapes.small,
        )
        Heading(words.devices)
        val devices = settings.devices
        when {
            devices == null -> {
                Text(words.loading, color = MaterialTheme.colorScheme.onSurfaceVariant)
            }

            devices.isEmpty() -> {
                Text(words.noDevices, color = MaterialTheme.colorScheme.onSurfaceVariant)
            }

            else -> {
                Card {
                    Text(
                        words.devicesBody,
                        color = MaterialTheme.colorScheme.onSurfaceVariant,
                        style = MaterialTheme.typography.bodyMedium,
                    )
                    for (device in devices) DeviceRow(device, settings.busy, words, clock, act)
                }
            }
        }
    },
    done = { MainButton(words.save, settings.canSave, tag = "save") { act(Act.Save) } },
)

/** Where letters are large, the button stands below. */
@Composable
private fun DeviceRow(
    device: Device,
    busy: Boolean,
    words: Words,
    clock: Clock,
    act: (Act) -> Unit,
) {
    val since = words.registered(clock.date(device.registeredAt))
    val remove = @Composable {
        TextButton(
            { act(Act.Remove(device)) },
            Modifier.heightIn(min = 48.dp).semantics { contentDescription = "${words.remove}: $since" },
            enabled = !busy,
        ) { Text(words.remove) }
    }
    if (LocalDensity.current.fontScale > LARGE) {
        Text(since)
        remove()
    } else {
        Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween, Alignment.CenterVertically) {
            Text(since, Modifier.weight(1f))
            remove()
        }
    }
}

@Composable
private fun Heading(text: String) =
    Text(text, Modifier.semantics { heading() }, style = MaterialTheme.typography.titleMedium)
