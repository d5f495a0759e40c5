package dev.ringback.sample.screens

import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.StrokeJoin
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.graphics.vector.addPathNodes
import androidx.compose.ui.unit.dp

/** The few icons of the sample, as strokes on a grid of 24. */
internal object Icons {
    val Back = icon("M20 12H5 M11 6l-6 6 6 6")
    val Phone =
        icon(
            "M7.2 4H5.6C4.7 4 4 4.7 4.1 5.6C4.7 13.2 10.8 19.3 18.4 19.9C19.3 20 20 19.3 20 18.4V16.8" +
                "C20 16.1 19.6 15.6 19 15.4L16.3 14.6C15.8 14.4 15.3 14.6 15 14.9L13.9 16.2" +
                "C11.3 14.9 9.1 12.7 7.8 10.1L9.1 9C9.4 8.7 9.6 8.2 9.4 7.7L8.6 5C8.4 4.4 7.9 4 7.2 4Z",
        )
    val Settings =
        icon(
            "M4 7h9 M19 7h1 M16 4.6a2.4 2.4 0 1 1 0 4.8a2.4 2.4 0 1 1 0 -4.8 " +
                "M20 17h-9 M5 17H4 M8 14.6a2.4 2.4 0 1 1 0 4.8a2.4 2.4 0 1 1 0 -4.8",
        )
    val Offline =
        icon("M3 4l18 17 M6.6 9.2A5 5 0 0 0 7.5 19H17 M10.2 5.7A6 6 0 0 1 17.9 10.6A4.3 4.3 0 0 1 20.6 17.4")
    val Clock = icon("M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 1 1 0 -17 M12 7.5V12l3 2")
    val Notice = icon("M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 1 1 0 -17 M12 8v4.5 M12 15.8v0.2")
    val Done = icon("M5 12.5l4.5 4.5L19 7.5")
    val Calendar = icon("M5 6h14v14H5z M5 10.5h14 M9 3.5V7 M15 3.5V7")

    private fun icon(path: String): ImageVector =
        ImageVector
            .Builder(defaultWidth = 24.dp, defaultHeight = 24.dp, viewportWidth = 24f, viewportHeight = 24f)
            .addPath(
                addPathNodes(path),
                stroke = SolidColor(Color.Black),
                strokeLineWidth = 1.9f,
                strokeLineCap = StrokeCap.Round,
                strokeLineJoin = StrokeJoin.Round,
            ).build()
}
