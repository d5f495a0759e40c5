package dev.ringback.sample.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
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
                    for (device in devices) {
                        Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween, Alignment.CenterVertically) {
                            Text(words.registered(clock.day(device.registeredAt)), Modifier.weight(1f))
                            TextButton(
                                { act(Act.Remove(device)) },
                                enabled = !settings.busy,
                            ) { Text(words.remove) }
                        }
                    }
                }
            }
        }
    },
    done = { MainButton(words.save, settings.canSave, tag = "save") { act(Act.Save) } },
)

@Composable
private fun Heading(text: String) =
    Text(text, Modifier.semantics { heading() }, style = MaterialTheme.typography.titleMedium)
