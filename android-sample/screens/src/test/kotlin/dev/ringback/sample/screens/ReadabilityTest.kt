package dev.ringback.sample.screens

import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.luminance
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.test.ComposeUiTest
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.runSkikoComposeUiTest
import androidx.compose.ui.text.TextLayoutResult
import androidx.compose.ui.text.font.FontFamily
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.platform.Font
import androidx.compose.ui.unit.Density
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.time.ZoneId
import java.util.Locale
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Every screen can be read and used by everybody: in every language, with large letters, by touch and by ear. */
@OptIn(ExperimentalTestApi::class)
class ReadabilityTest {
    private val font =
        FontFamily(
            Font("fonts/Roboto-Regular.ttf", FontWeight.Normal),
            Font("fonts/Roboto-Medium.ttf", FontWeight.Medium),
        )

    @TestFactory
    fun `no text is cut, nothing is hard to hit, everything has a name`(): List<DynamicTest> =
        Words.all.keys.flatMap { language ->
            listOf(1f, 1.5f, 2f).map { fontScale ->
                dynamicTest("$language, letters $fontScale times as large") {
                    val faults =
                        Scenes.all.flatMap { (name, shown) ->
                            faults(name, shown, language, fontScale)
                        }
                    assertEquals(emptyList(), faults)
                }
            }
        }

    private fun faults(
        name: String,
        shown: Shown,
        language: String,
        fontScale: Float,
    ): List<String> {
        val faults = mutableListOf<String>()
        // So high that nothing is scrolled away.
        runSkikoComposeUiTest(Size(WIDTH, HEIGHT), Density(1f, fontScale)) {
            setContent {
                SampleTheme(font = font) {
                    val clock = Clock(ZoneId.of("Europe/Berlin"), Locale.forLanguageTag(language))
                    SampleContent(shown, Words.of(language), clock) {}
                }
            }
            for ((node, text) in texts()) {
                val isHidden = node.boundsInRoot.height < node.size.height - 1
                if (isHidden || text.isCut) faults += "$name: cut: ${text.layoutInput.text}"
                faults += text.brokenWords().map { "$name: broken: $it" }
            }
            for (node in nodes(SemanticsMatcher.keyIsDefined(SemanticsActions.OnClick))) {
                if (node.name.isBlank()) faults += "$name: something to tap has no name"
                val (touch, seen) = node.touchBoundsInRoot to node.boundsInRoot
                val isWhole = seen.width >= node.size.width - 1 && seen.height >= node.size.height - 1
                if (isWhole && (touch.width < SMALLEST || touch.height < SMALLEST)) {
                    faults += "$name: ${node.name}: only ${touch.width} × ${touch.height}"
                }
            }
        }
        return faults
    }

    private fun ComposeUiTest.nodes(matcher: SemanticsMatcher) = onAllNodes(matcher).fetchSemanticsNodes()

    private fun ComposeUiTest.texts(): List<Pair<SemanticsNode, TextLayoutResult>> =
        onAllNodes(
            SemanticsMatcher.keyIsDefined(SemanticsActions.GetTextLayoutResult),
            useUnmergedTree = true,
        ).fetchSemanticsNodes()
            .flatMap { node ->
                val found = mutableListOf<TextLayoutResult>()
                node.config[SemanticsActions.GetTextLayoutResult].action?.invoke(found)
                found.map { node to it }
            }

    /** More than the rounding of a point is missing. */
    private val TextLayoutResult.isCut: Boolean
        get() =
            multiParagraph.didExceedMaxLines ||
                multiParagraph.height > size.height + 1 ||
                (0 until lineCount).any { getLineRight(it) - getLineLeft(it) > size.width + 1 }

    /** What a screen reader says of it. */
    private val SemanticsNode.name: String
        get() {
            val described = config.getOrNull(SemanticsProperties.ContentDescription).orEmpty()
            val written = config.getOrNull(SemanticsProperties.Text).orEmpty().map { it.text }
            val typed = listOfNotNull(config.getOrNull(SemanticsProperties.EditableText)?.text)
            return (described + written + typed).joinToString(" ")
        }

    /** Words that do not fit in a line. */
    private fun TextLayoutResult.brokenWords(): List<String> {
        val text = layoutInput.text.text
        return (0 until lineCount - 1)
            .map { getLineEnd(it) }
            .filter { end ->
                text[end - 1].isLetterOrDigit() && text[end].isLetterOrDigit()
            }.map { end -> text.take(end) + "|" + text.drop(end) }
    }

    @Test
    fun `colours stand out from what is behind them`() {
        for (colors in listOf(light, dark)) {
            val read =
                with(colors) {
                    listOf(
                        onPrimary to primary,
                        onPrimaryContainer to primaryContainer,
                        onTertiaryContainer to tertiaryContainer,
                        primary to tertiaryContainer,
                        onErrorContainer to errorContainer,
                        onBackground to background,
                        onSurfaceVariant to background,
                        onSurfaceVariant to surfaceContainer,
                        onSurface to surfaceContainer,
                        primary to background,
                        primary to surfaceContainer,
                        error to background,
                    )
                }
            for ((text, behind) in read) assertTrue(contrast(text, behind) >= 4.5f, "$text on $behind")
            assertTrue(contrast(colors.outline, colors.background) >= 3f, "fields and buttons have an edge")
        }
    }

    /** As WCAG 2 reckons it. */
    private fun contrast(
        one: Color,
        other: Color,
    ): Float {
        val (dark, light) = listOf(one.luminance(), other.luminance()).sorted()
        return (light + 0.05f) / (dark + 0.05f)
    }

    private companion object {
        const val WIDTH = 360f
        const val HEIGHT = 4000f
        const val SMALLEST = 48f
    }
}
