package guide.SNIPPET

import dev.ringback.*
import guide.*
import java.nio.file.Path

/** An agent is ready, and the push that asks has come: the person has to say so too. */
internal suspend fun play(centre: Centre, folder: Path) {
    centre.app(folder).use { ringback ->
        ringback.registerPush(PushTarget.Fcm(PushToken("an-android-phone"), FcmTokenKind.TOKEN))
        val asked = ringback.requestCallback(CallbackRequest("billing", PhoneNumber("+4930901820")))
        centre.staff("PUT", "agents/ada/state", """{"state": "ready"}""")
        val data = centre.pushOverFcm()
// the snippet
        val phase = ringback.callback(asked.id).phase
        check(phase == RoutingPhase.CONFIRMED || phase == RoutingPhase.CONNECTING) { "the person is not ready: $phase" }
    }
}
