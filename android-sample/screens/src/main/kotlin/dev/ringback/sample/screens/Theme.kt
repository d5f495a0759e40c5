package dev.ringback.sample.screens

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Shapes
import androidx.compose.material3.Typography
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.font.FontFamily
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.Density
import androidx.compose.ui.unit.dp
import androidx.compose.ui.unit.sp

internal val light =
    lightColorScheme(
        primary = Color(0xFF0B5D56),
        onPrimary = Color.White,
        primaryContainer = Color(0xFFD3EFEA),
        onPrimaryContainer = Color(0xFF00302B),
        secondary = Color(0xFF4A635F),
        secondaryContainer = Color(0xFFDCE9E6),
        onSecondaryContainer = Color(0xFF16302C),
        tertiary = Color(0xFF8A4B00),
        tertiaryContainer = Color(0xFFFFE7CC),
        onTertiaryContainer = Color(0xFF4A2800),
        background = Color(0xFFF7FAF9),
        onBackground = Color(0xFF17201E),
        surface = Color(0xFFF7FAF9),
        onSurface = Color(0xFF17201E),
        surfaceVariant = Color(0xFFE6EEEC),
        onSurfaceVariant = Color(0xFF46524F),
        surfaceContainer = Color.White,
        surfaceContainerHigh = Color.White,
        surfaceContainerHighest = Color(0xFFEDF3F1),
        outline = Color(0xFF74817E),
        outlineVariant = Color(0xFFD2DCD9),
        error = Color(0xFFA8201A),
        errorContainer = Color(0xFFFBE3E1),
        onErrorContainer = Color(0xFF5C0F0B),
    )

internal val dark =
    darkColorScheme(
        primary = Color(0xFF8AD6CB),
        onPrimary = Color(0xFF003731),
        primaryContainer = Color(0xFF0F4A44),
        onPrimaryContainer = Color(0xFFC9F2EC),
        secondary = Color(0xFFB2CBC6),
        secondaryContainer = Color(0xFF2A3B38),
        onSecondaryContainer = Color(0xFFD3E5E1),
        tertiary = Color(0xFFFFB868),
        tertiaryContainer = Color(0xFF4D3110),
        onTertiaryContainer = Color(0xFFFFDDB8),
        background = Color(0xFF0E1514),
        onBackground = Color(0xFFE2EAE8),
        surface = Color(0xFF0E1514),
        onSurface = Color(0xFFE2EAE8),
        surfaceVariant = Color(0xFF25302E),
        onSurfaceVariant = Color(0xFFB9C6C3),
        surfaceContainer = Color(0xFF18211F),
        surfaceContainerHigh = Color(0xFF1C2624),
        surfaceContainerHighest = Color(0xFF25302E),
        outline = Color(0xFF8A9794),
        outlineVariant = Color(0xFF35413F),
        error = Color(0xFFFFB4AB),
        errorContainer = Color(0xFF5A1512),
        onErrorContainer = Color(0xFFFFDAD6),
    )

private val shapes =
    Shapes(
        small = RoundedCornerShape(10.dp),
        medium = RoundedCornerShape(16.dp),
        large = RoundedCornerShape(24.dp),
    )

private fun typography(
    font: FontFamily,
    density: Density,
): Typography {
    fun style(
        size: Int,
        line: Int,
        weight: FontWeight = FontWeight.Normal,
    ) = TextStyle(fontFamily = font, fontSize = size.sp, lineHeight = line.sp, fontWeight = weight)

    // What is large already grows less, as Android 14 has it by itself.
    fun heading(
        size: Int,
        line: Int,
    ) = style(size, line, FontWeight.Medium).run {
        val grown = with(density) { fontSize.toDp().value } / size
        val less = (MOST_GROWN / grown).coerceAtMost(1f)
        copy(fontSize = fontSize * less, lineHeight = lineHeight * less)
    }
    return Typography(
        displayLarge = heading(64, 68),
        displayMedium = heading(44, 50),
        headlineMedium = heading(26, 32),
        titleLarge = style(20, 26, FontWeight.Medium),
        titleMedium = style(17, 23, FontWeight.Medium),
        bodyLarge = style(16, 24),
        bodyMedium = style(14, 20),
        labelLarge = style(16, 20, FontWeight.Medium),
        labelMedium = style(13, 18, FontWeight.Medium),
        bodySmall = style(13, 18),
    )
}

/**
 * Colours, shapes and type of the sample.
 *
 * @param font the platform's own unless pictures have to be the same everywhere.
 */
@Composable
fun SampleTheme(
    darkTheme: Boolean = isSystemInDarkTheme(),
    font: FontFamily = FontFamily.Default,
    content: @Composable () -> Unit,
) = MaterialTheme(
    colorScheme = if (darkTheme) dark else light,
    shapes = shapes,
    typography = typography(font, LocalDensity.current),
    content = content,
)

/** How many times as large as usual what is large anyway may become. */
internal const val MOST_GROWN = 1.5f
