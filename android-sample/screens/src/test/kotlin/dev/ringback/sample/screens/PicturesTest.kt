package dev.ringback.sample.screens

import androidx.compose.ui.ImageComposeScene
import androidx.compose.ui.text.font.FontFamily
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.platform.Font
import androidx.compose.ui.unit.Density
import androidx.compose.ui.use
import org.jetbrains.skia.Bitmap
import org.jetbrains.skia.EncodedImageFormat
import org.jetbrains.skia.Image
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.TestFactory
import java.nio.file.Path
import java.time.ZoneId
import java.util.Locale
import kotlin.io.path.createDirectories
import kotlin.io.path.writeBytes
import kotlin.test.assertTrue

/** A picture of every screen: light and dark, in every language, with large letters. */
class PicturesTest {
    private val folder = Path.of(System.getProperty("pictures.dir")).createDirectories()
    private val font =
        FontFamily(
            Font("fonts/Roboto-Regular.ttf", FontWeight.Normal),
            Font("fonts/Roboto-Medium.ttf", FontWeight.Medium),
        )

    private enum class Look(
        val dark: Boolean,
        val locale: Locale,
        val fontScale: Float,
    ) {
        LIGHT(false, Locale.UK, 1f),
        DARK_GERMAN(true, Locale.GERMANY, 1f),
        LARGE_GERMAN(false, Locale.GERMANY, 2f),
        FRENCH(false, Locale.FRANCE, 1f),
        LARGE_FRENCH(true, Locale.FRANCE, 1.5f),
        DARK_SPANISH(true, Locale.forLanguageTag("es-ES"), 1f),
    }

    @TestFactory
    fun pictures(): List<DynamicTest> =
        Scenes.all.flatMap { (name, shown) ->
            Look.entries.map { look ->
                val file = "$name-${look.name.lowercase().replace('_', '-')}.png"
                dynamicTest(file) {
                    val picture = picture(shown, look)
                    folder
                        .resolve(
                            file,
                        ).writeBytes(checkNotNull(picture.encodeToData(EncodedImageFormat.PNG)).bytes)
                    assertTrue(picture.colors() > 20, "$file shows next to nothing")
                }
            }
        }

    private fun picture(
        shown: Shown,
        look: Look,
    ): Image =
        ImageComposeScene(WIDTH, HEIGHT, Density(2f, look.fontScale)).use { scene ->
            scene.setContent {
                SampleTheme(look.dark, font) {
                    val clock = Clock(ZoneId.of("Europe/Berlin"), look.locale)
                    SampleContent(shown, Words.of(look.locale.language), clock) {}
                }
            }
            scene.render(0)
            // Whatever moves at the start has come to rest.
            scene.render(1_000_000_000)
        }

    /** How many different colours there are, at every eighth point. */
    private fun Image.colors(): Int {
        val bitmap = Bitmap.makeFromImage(this)
        return (0 until height step 8)
            .flatMap { y -> (0 until width step 8).map { x -> bitmap.getColor(x, y) } }
            .toSet()
            .size
    }

    private companion object {
        const val WIDTH = 720
        const val HEIGHT = 1440
    }
}
