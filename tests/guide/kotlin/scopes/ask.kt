package guide.SNIPPET

import dev.ringback.*
import guide.*
import java.nio.file.Path

/** A client that has asked for nothing yet: has to get a callback accepted. */
internal suspend fun play(centre: Centre, folder: Path) {
    centre.app(folder).use { ringback ->
// the snippet
    }
    check(centre.hasAccepted()) { "no callback was accepted" }
}
