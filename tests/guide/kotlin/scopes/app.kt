package guide.SNIPPET

import dev.ringback.*
import guide.*
import guide.println
import java.nio.file.Path

/** An app from its beginning: has to get a callback accepted, and to show something. */
internal suspend fun play(centre: Centre, dataDir: Path) {
    val appKey = centre.appKey
    untilShown {
// the snippet
    }
    check(centre.hasAccepted()) { "no callback was accepted" }
}
