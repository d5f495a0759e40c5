package dev.ringback.sample.screens

import androidx.compose.ui.geometry.Size
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.test.ComposeUiTest
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.assertIsEnabled
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onFirst
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.runSkikoComposeUiTest
import dev.ringback.CompletedReason
import dev.ringback.sample.onAPhone
import dev.ringback.text
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Instant
import java.time.ZoneId
import java.util.Locale
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertTrue

/** A person's fingers on the screens, with the real server behind them. */
@OptIn(ExperimentalTestApi::class)
class ClicksTest {
    @TempDir
    lateinit var folder: Path

    private val words = Words.of("en")

    @Test
    fun `from an empty field, through a tunnel, to a call`() =
        onAPhone(folder, "", test = { centre, phone ->
            onScreen {
                phone.app.start()
                setContent { SampleTheme { SampleScreen(phone.app, words, utc, Instant.now()) {} } }
                onNodeWithTag("ask").assertIsNotEnabled()
                onNodeWithTag("number").performTextReplacement("+49 30 9018 20373")
                waits("the offer") {
                    phone.app.ask.ask.value
                        .run { offer != null && !busy }
                }

                phone.network.airplaneMode = true
                tap("ask")
                appears(words.notSentTitle)
                phone.network.airplaneMode = false
                tap("send")
                // The place comes with the line's first word, if not with the answer.
                waits("first place") { exists(hasTestTag("line") and hasText("1")) }

                runBlocking { centre.staff("PUT", "agents/ada/state", """{"state": "ready"}""") }
                appears(words.readyTitle)
                tap("ready")
                appears(words.connectingTitle)
                val id = checkNotNull(phone.app.watch.known.value.callback).id
                runBlocking { centre.staff("POST", "callbacks/$id/result", """{"result": "connected"}""") }
                appears(words.talkingTitle)
                runBlocking { centre.staff("POST", "callbacks/$id/complete", "{}") }
                tap("done")
                appears(words.askTitle)
            }
        })

    @Test
    fun `another number, a pause, and no call after all`() =
        onAPhone(folder, "+4930901820374", test = { centre, phone ->
            onScreen {
                phone.app.start()
                setContent { SampleTheme { SampleScreen(phone.app, words, utc, Instant.now()) {} } }
                tap("ask")
                appears(words.inLine, words.next)
                click(words.otherNumber)
                onNodeWithTag("other-number").performTextReplacement("+49 30 9018 20375")
                tap("save-number")
                val id = checkNotNull(phone.app.watch.known.value.callback).id
                waits("the changed number") {
                    runBlocking { centre.staff("GET", "callbacks/$id").text("number") == "+4930901820375" }
                }
                click(words.inTenMinutes)
                appears(words.rests)
                click(words.cancelCall)
                click(words.keepIt)
                click(words.cancelCall)
                click(words.cancelIt)
                appears(words.over(CompletedReason.CANCELLED_BY_CUSTOMER).first)
            }
        })

    @Test
    fun `settings, and a time of one's own`() =
        onAPhone(folder, "+4930901820376", service = "advice", test = { _, phone ->
            onScreen {
                phone.app.start()
                setContent { SampleTheme { SampleScreen(phone.app, words, utc, Instant.now()) {} } }
                tap("settings")
                onNodeWithTag("name").performTextReplacement("Wilhelmina Quartzbottom")
                tap("save")
                assertEquals(
                    "Wilhelmina Quartzbottom",
                    phone.settings
                        .load()
                        .name.value,
                )

                tap("later")
                waits("slot") { exists(hasTestTag("slot")) }
                onNodeWithTag("ask").assertIsNotEnabled()
                // Not one that is so near that the line is joined at once.
                onAllNodesWithTag("day")[2].performClick()
                onAllNodesWithTag("slot").onFirst().performScrollTo().performClick()
                waitForIdle()
                onNodeWithTag("ask").assertIsEnabled()
                tap("ask")
                appears(words.promisedTitle)
            }
        })

    @Test
    fun `one's own call`() =
        onAPhone(folder, "+4930901820377", service = "sales", test = { _, phone ->
            val dialed = mutableListOf<Act>()
            onScreen {
                setContent {
                    SampleTheme {
                        SampleScreen(
                            phone.app,
                            words,
                            utc,
                            Instant.now(),
                        ) { dialed += it }
                    }
                }
                click(words.callYourself)
                waits("code") { exists(hasTestTag("code")) }
                tap("dial")
                tap("back")
                appears(words.askTitle)
            }
            assertTrue(
                assertIs<Act.Dial>(dialed.single())
                    .ticket.telUri.value
                    .startsWith("tel:"),
            )
        })

    @Test
    fun `without a server, the number that was last known`() =
        onAPhone(folder, "+4930901820377", test = { _, phone ->
            val dialed = mutableListOf<Act>()
            onScreen {
                phone.app.start()
                setContent {
                    SampleTheme {
                        SampleScreen(phone.app, words, utc, Instant.now()) { dialed += it }
                    }
                }
                waits("the offer") {
                    phone.app.ask.ask.value
                        .run { offer != null && !busy }
                }
                phone.network.airplaneMode = true
                click(words.callYourself)
                appears(words.fallbackTitle)
                appears(words.offline)
                tap("dial-fallback")
            }
            val number = assertIs<Act.DialFallback>(dialed.single()).number
            assertEquals(
                phone.app.ask.ask.value.offer
                    ?.fallbackNumber
                    ?.let { "tel:${it.value}" },
                number.telUri.value,
            )
        })

    private val utc = Clock(ZoneId.of("UTC"), Locale.UK)

    /** A phone's screen. */
    private fun onScreen(test: ComposeUiTest.() -> Unit) =
        runSkikoComposeUiTest(Size(360f, 720f), block = test)

    /** The test's own clock runs ahead of the server's: this one does not. */
    private fun ComposeUiTest.waits(
        what: String,
        isThere: () -> Boolean,
    ) {
        val limit = System.nanoTime() + 20_000_000_000
        waitUntil(what, Long.MAX_VALUE) {
            check(System.nanoTime() < limit) { "there is no $what" }
            isThere()
        }
    }

    private fun ComposeUiTest.exists(matcher: SemanticsMatcher) =
        onAllNodes(matcher).fetchSemanticsNodes().isNotEmpty()

    private fun ComposeUiTest.appears(vararg texts: String) =
        waits("${texts.toList()}") { texts.any { exists(hasText(it)) } }

    private fun ComposeUiTest.tap(tag: String) {
        waits("$tag to tap") { onAllNodes(hasTestTag(tag)).fetchSemanticsNodes().any { it.isEnabled } }
        onNodeWithTag(tag).performClick()
    }

    private fun ComposeUiTest.click(text: String) {
        waits("$text to tap") { onAllNodes(hasText(text)).fetchSemanticsNodes().any { it.isEnabled } }
        onNodeWithText(text).performClick()
    }
}

private val SemanticsNode.isEnabled: Boolean
    get() = SemanticsProperties.Disabled !in config
