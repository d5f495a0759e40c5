package dev.ringback.sample.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.ButtonDefaults
import androidx.compose.material3.Icon
import androidx.compose.material3.LocalContentColor
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.input.KeyboardType
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp

/**
 * What is told above, what can be done below and always in reach. Where the letters are large, all of it scrolls.
 *
 * @param calm little is told: it stands in the middle.
 */
@Composable
internal fun Sheet(
    told: @Composable ColumnScope.() -> Unit,
    done: @Composable ColumnScope.() -> Unit = {},
    calm: Boolean = false,
) = BoxWithConstraints(Modifier.fillMaxSize(), contentAlignment = Alignment.TopCenter) {
    // On a tablet lines would otherwise be too long to read.
    val edges = Modifier.widthIn(max = 560.dp).fillMaxWidth().padding(horizontal = 20.dp)
    val gap =
        if (calm) {
            Arrangement.spacedBy(
                16.dp,
                Alignment.CenterVertically,
            )
        } else {
            Arrangement.spacedBy(16.dp)
        }
    if (maxHeight < 520.dp || LocalDensity.current.fontScale > LARGE) {
        val viewport = maxHeight
        Column(
            Modifier
                .verticalScroll(
                    rememberScrollState(),
                ).heightIn(min = viewport)
                .then(edges)
                .padding(bottom = 20.dp),
            Arrangement.SpaceBetween,
        ) {
            Column(Modifier.fillMaxWidth().padding(top = 8.dp), Arrangement.spacedBy(16.dp), content = told)
            Column(Modifier.fillMaxWidth().padding(top = 24.dp), Arrangement.spacedBy(8.dp), content = done)
        }
    } else {
        Column(edges.fillMaxHeight()) {
            Column(
                Modifier
                    .weight(
                        1f,
                    ).fillMaxWidth()
                    .verticalScroll(rememberScrollState())
                    .padding(vertical = 8.dp),
                gap,
                content = told,
            )
            Column(
                Modifier.fillMaxWidth().padding(top = 8.dp, bottom = 20.dp),
                Arrangement.spacedBy(8.dp),
                content = done,
            )
        }
    }
}

/** From here on, letters are so large that little fits beside or below each other. */
internal const val LARGE = 1.3f

@Composable
internal fun Title(
    title: String,
    body: String? = null,
    centered: Boolean = false,
) {
    val align = if (centered) TextAlign.Center else TextAlign.Start
    Column(Modifier.fillMaxWidth(), Arrangement.spacedBy(8.dp)) {
        Text(
            title,
            Modifier.fillMaxWidth().semantics { heading() },
            style = MaterialTheme.typography.headlineMedium,
            textAlign = align,
        )
        if (body != null) {
            Text(
                body,
                Modifier.fillMaxWidth(),
                color = MaterialTheme.colorScheme.onSurfaceVariant,
                style = MaterialTheme.typography.bodyLarge,
                textAlign = align,
            )
        }
    }
}

@Composable
internal fun Card(
    modifier: Modifier = Modifier,
    content: @Composable ColumnScope.() -> Unit,
) = Surface(
    modifier.fillMaxWidth(),
    shape = MaterialTheme.shapes.large,
    color = MaterialTheme.colorScheme.surfaceContainer,
) {
    Column(Modifier.padding(20.dp), Arrangement.spacedBy(12.dp), content = content)
}

/** The one thing this screen is for. */
@Composable
internal fun MainButton(
    text: String,
    enabled: Boolean = true,
    icon: ImageVector? = null,
    tag: String = text,
    onClick: () -> Unit,
) = Button(
    onClick,
    Modifier.fillMaxWidth().heightIn(min = 56.dp).testTag(tag),
    enabled,
    shape = MaterialTheme.shapes.medium,
) {
    if (icon != null) Icon(icon, null, Modifier.padding(end = 10.dp).size(22.dp))
    Text(text, style = MaterialTheme.typography.labelLarge, textAlign = TextAlign.Center)
}

@Composable
internal fun OtherButton(
    text: String,
    modifier: Modifier = Modifier.fillMaxWidth(),
    enabled: Boolean = true,
    onClick: () -> Unit,
) = OutlinedButton(
    onClick,
    modifier.heightIn(min = 52.dp),
    enabled,
    shape = MaterialTheme.shapes.medium,
    contentPadding = PaddingValues(12.dp, 8.dp),
) {
    Text(text, style = MaterialTheme.typography.labelLarge, textAlign = TextAlign.Center)
}

@Composable
internal fun QuietButton(
    text: String,
    enabled: Boolean = true,
    onClick: () -> Unit,
) = TextButton(
    onClick,
    Modifier.fillMaxWidth().heightIn(min = 48.dp),
    enabled,
    shape = MaterialTheme.shapes.medium,
) {
    Text(text, style = MaterialTheme.typography.labelLarge, textAlign = TextAlign.Center)
}

@Composable
internal fun NumberField(
    number: String,
    words: Words,
    wrong: Boolean = false,
    tag: String = "number",
    onType: (String) -> Unit,
) = OutlinedTextField(
    number,
    onType,
    Modifier.fillMaxWidth().testTag(tag),
    label = { Text(words.number) },
    supportingText = { Text(words.numberHint) },
    isError = wrong,
    singleLine = true,
    shape = MaterialTheme.shapes.small,
    keyboardOptions = KeyboardOptions(keyboardType = KeyboardType.Phone),
)

/** Something to know before anything else. */
@Composable
internal fun Banner(
    text: String,
    icon: ImageVector,
    bad: Boolean = false,
    action: Pair<String, () -> Unit>? = null,
) {
    val colors = MaterialTheme.colorScheme
    Surface(
        Modifier.fillMaxWidth().semantics { liveRegion = LiveRegionMode.Polite },
        shape = MaterialTheme.shapes.medium,
        color = if (bad) colors.errorContainer else colors.tertiaryContainer,
        contentColor = if (bad) colors.onErrorContainer else colors.onTertiaryContainer,
    ) {
        Column(Modifier.padding(top = 12.dp, bottom = if (action == null) 12.dp else 4.dp)) {
            Row(
                Modifier.padding(horizontal = 16.dp),
                Arrangement.spacedBy(12.dp),
                Alignment.CenterVertically,
            ) {
                Icon(icon, null, Modifier.size(22.dp))
                Text(text, style = MaterialTheme.typography.bodyMedium)
            }
            if (action != null) {
                TextButton(
                    action.second,
                    // Its words end where those above may.
                    Modifier.align(Alignment.End).padding(end = 4.dp),
                    colors = ButtonDefaults.textButtonColors(contentColor = LocalContentColor.current),
                ) {
                    Text(action.first, style = MaterialTheme.typography.labelLarge)
                }
            }
        }
    }
}
