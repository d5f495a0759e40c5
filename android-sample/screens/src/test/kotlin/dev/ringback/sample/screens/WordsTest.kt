package dev.ringback.sample.screens

import dev.ringback.CompletedReason
import dev.ringback.PendingKind
import dev.ringback.WaitStatus
import org.junit.jupiter.api.Test
import java.lang.reflect.Method
import java.time.Instant
import java.time.ZoneId
import java.util.Locale
import kotlin.test.assertEquals
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

/** Every language says everything, with the same blanks filled, as it is written there. */
class WordsTest {
    private val codes =
        listOf(
            "number_not_e164",
            "number_invalid",
            "callback_already_open",
            "slot_full",
            "slot_closed",
            "action_token_spent",
            "confirm_expired",
            "challenge_required",
        )

    /** What is put into a blank, each twice as different as the other. */
    private fun values(
        method: Method,
        type: Class<*>,
    ): List<Any?> =
        when {
            method.name == "spoken" -> codes
            type == String::class.java -> listOf("«mark»")
            type == Int::class.java -> listOf(1, 2, 12)
            type == Long::class.java -> listOf(0L, 1L, 2L, 45L)
            type == WaitStatus::class.java -> WaitStatus.entries
            type == PendingKind::class.java -> PendingKind.entries
            type == CompletedReason::class.java -> CompletedReason.entries + null
            else -> error("${method.name} has a blank of another kind: $type")
        }

    private data class Text(
        val text: String,
        val blanks: List<String>,
    )

    /** All that a language can say, by what it is for. */
    private fun texts(words: Words): Map<String, Text> =
        Words::class.java.methods
            .filter { it.name != "getClass" && it.declaringClass == Words::class.java }
            .flatMap { method ->
                val fillings =
                    method.parameterTypes.fold(listOf(emptyList<Any?>())) { filled, type ->
                        filled.flatMap { before -> values(method, type).map { before + it } }
                    }
                fillings.flatMap { blanks ->
                    val said = method.invoke(words, *blanks.toTypedArray())
                    val parts = if (said is Pair<*, *>) listOf(said.first, said.second) else listOf(said)
                    parts.mapIndexed { part, text ->
                        val filled =
                            blanks.filter {
                                method.name != "spoken" && (it is String || it is Number)
                            }
                        "${method.name} $blanks $part" to Text(text as String, filled.map { it.toString() })
                    }
                }
            }.toMap()

    private val all = Words.all.mapValues { (_, words) -> texts(words) }

    @Test
    fun `every language says everything, and in its own words`() {
        assertEquals(setOf("en", "de", "fr", "es"), all.keys)
        val english = all.getValue("en")
        assertTrue(english.size > 100, "${english.size}")
        for ((language, texts) in all - "en") {
            assertEquals(english.keys, texts.keys, language)
            val same = english.filter { (key, text) -> texts.getValue(key).text == text.text }.keys
            assertEquals(setOf("getAppName [] 0"), same - "getCode [] 0", language)
        }
    }

    @Test
    fun `blanks are filled`() {
        for ((language, texts) in all) {
            for ((key, text) in texts) {
                // "About a minute" has its number as a word, and a unit stands below its number.
                if (key.startsWith("aboutMinutes [1]") || key.startsWith("secondsUnit")) continue
                for (blank in text.blanks) assertTrue(blank in text.text, "$language: $key: ${text.text}")
            }
        }
    }

    @Test
    fun `one is one, and more are more`() {
        for ((language, words) in Words.all) {
            val (one, more) = words.secondsLeft(1) to words.secondsLeft(21)
            assertNotEquals(more.replace("21", "1"), one, language)
            assertNotEquals(words.aboutMinutes(2).replace("2", "1"), words.aboutMinutes(1), language)
            assertTrue("12\u00A0" in words.aboutMinutes(12), "$language: number and unit stay together")
        }
        // French counts none as one.
        assertEquals(French.secondsLeft(1).replace("1", "0"), French.secondsLeft(0))
    }

    @Test
    fun `signs are set as they are where the language is at home`() {
        for ((language, texts) in all) {
            for ((key, text) in texts) {
                val place = "$language: $key: ${text.text}"
                assertEquals(text.text.trim(), text.text, place)
                assertTrue(text.text.isNotEmpty() && "  " !in text.text, place)
                assertTrue('\'' !in text.text && '"' !in text.text && "..." !in text.text, place)
                // A narrow no-break space, in French only.
                val spaced = Regex("\\s[:;!?]|\\u00A0[:;!?]")
                assertTrue(!spaced.containsMatchIn(text.text), place)
                val signs =
                    Regex(
                        "[:;!?]",
                    ).findAll(text.text).map { text.text[it.range.first - 1] == '\u202F' }
                assertTrue(signs.all { it == (language == "fr") }, place)
                if (language == "es") assertEquals('?' in text.text, '¿' in text.text, place)
            }
        }
    }

    @Test
    fun `times and days are written as they are there`() {
        val at = Instant.parse("2026-12-03T15:05:00Z")
        val berlin = ZoneId.of("Europe/Berlin")
        val written =
            mapOf(
                "en-GB" to "Thursday, 3\u00A0December, 16:05",
                "en-US" to "Thursday, December\u00A03, 4:05\u202FPM",
                "de-DE" to "Donnerstag, 3.\u00A0Dezember, 16:05",
                "fr-FR" to "jeudi 3\u00A0décembre, 16:05",
                "es-ES" to "jueves, 3\u00A0de\u00A0diciembre, 16:05",
            )
        for ((tag, text) in written) {
            val clock = Clock(berlin, Locale.forLanguageTag(tag))
            assertEquals(
                text,
                clock.moment(at, at.plusSeconds(90_000)).replace("4:05 PM", "4:05\u202FPM"),
                tag,
            )
            assertEquals(clock.time(at), clock.moment(at, at.plusSeconds(60)), "no day is needed today")
        }
    }
}
