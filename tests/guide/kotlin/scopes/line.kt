package guide.SNIPPET

import dev.ringback.*
import guide.*
import java.nio.file.Path

/** A callback is in line, and was asked for with this request: something has to be shown. */
internal suspend fun play(centre: Centre, folder: Path) {
    centre.app(folder).use { ringback ->
        val request = CallbackRequest("billing", PhoneNumber("+4930901820"))
        val callback = ringback.requestCallback(request)
        untilShown {
// the snippet
        }
        check(ringback.callback(callback.id).state == CallbackState.QUEUED)
    }
}
