package dev.ringback.android

import org.junit.Test
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The texts that pushes name, for apps that say `hasTexts`. */
class TextsTest {
    @Test
    fun `every language has every text that a push may name`() {
        val documented =
            Regex("""\| `(ringback_\w+)` \|""")
                .findAll(File("../../docs/push.md").readText())
                .flatMap { listOf("${it.groupValues[1]}_title", "${it.groupValues[1]}_body") }
                .toSet()
        assertEquals(18, documented.size)
        for (folder in listOf("values", "values-de", "values-fr", "values-es")) {
            val texts = texts(File("src/main/res/$folder/ringback.xml"))
            assertEquals(documented, texts.keys, folder)
            assertTrue(texts.values.all { it.isNotBlank() && '%' !in it }, folder)
        }
    }

    private fun texts(file: File): Map<String, String> {
        val strings =
            DocumentBuilderFactory
                .newInstance()
                .newDocumentBuilder()
                .parse(
                    file,
                ).getElementsByTagName("string")
        return (0 until strings.length)
            .map(strings::item)
            .associate { it.attributes.getNamedItem("name").nodeValue to it.textContent }
    }
}
