package guide.SNIPPET

import dev.ringback.*
import guide.*
import java.nio.file.Path

/** A request could not be sent and is kept: it has to be sent. */
internal suspend fun play(centre: Centre, folder: Path) {
    val nowhere = RingbackConfig("http://127.0.0.1:9", centre.appKey, folder.resolve("data").toString(), maxTries = 1u)
    Ringback(nowhere, FileStore(folder.resolve("secrets"))).use { ringback ->
        val request = CallbackRequest("billing", PhoneNumber("+4930901820"))
        val error = runCatching { ringback.requestCallback(request) }.exceptionOrNull()
        check(error is RingbackException.Unreachable && error.pendingKey != null) { "it is not kept: $error" }
    }
    centre.app(folder).use { ringback ->
        check(ringback.pending().size == 1)
// the snippet
        check(ringback.pending().isEmpty()) { "something is left" }
    }
    check(centre.hasAccepted()) { "no callback was accepted" }
}
