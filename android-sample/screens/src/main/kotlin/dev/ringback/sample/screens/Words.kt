package dev.ringback.sample.screens

import dev.ringback.CompletedReason
import dev.ringback.PendingKind
import dev.ringback.WaitStatus

/** Every word on the screens, in one language. */
interface Words {
    val appName: String
    val close: String
    val back: String
    val settings: String

    val askTitle: String
    val askBody: String
    val now: String
    val later: String
    val number: String
    val numberHint: String
    val callMe: String
    val callMeAt: String
    val whenTitle: String
    val noSlots: String
    val loading: String
    val callYourself: String
    val closedUntil: String
    val notOffered: String

    fun aboutMinutes(minutes: Int): String

    fun noNumber(status: WaitStatus): String

    fun spoken(code: String): String?

    val offline: String
    val offlineBody: String
    val tryAgain: String
    val notSentTitle: String
    val notSentBody: String
    val lapsedTitle: String
    val lapsedBody: String
    val sendNow: String
    val forget: String

    fun unsent(kind: PendingKind): String

    fun asOf(time: String): String

    fun asked(time: String): String

    val inLine: String
    val next: String
    val keepPhoneNear: String
    val rests: String
    val inTenMinutes: String
    val otherNumber: String
    val otherNumberTitle: String
    val anotherTime: String
    val asSoonAsPossible: String
    val cancelCall: String
    val reallyCancel: String
    val reallyCancelBody: String
    val keepIt: String
    val cancelIt: String

    val promisedTitle: String
    val promisedBody: String

    val readyTitle: String
    val readyBody: String
    val ready: String
    val noLongerNeeded: String

    fun secondsLeft(seconds: Long): String

    val connectingTitle: String
    val connectingBody: String
    val spokenCode: String
    val dialTitle: String
    val dialBody: String
    val dial: String
    val code: String
    val codeBody: String

    fun codeExpiresIn(time: String): String

    val codeExpired: String
    val newCode: String
    val talkingTitle: String
    val talkingBody: String
    val done: String

    fun over(reason: CompletedReason?): Pair<String, String>

    val name: String
    val nameHint: String
    val save: String
    val you: String
    val devices: String
    val devicesBody: String
    val noDevices: String
    val remove: String

    fun registered(day: String): String

    companion object {
        /** In this language (ISO 639), English otherwise. */
        fun of(language: String): Words = if (language == "de") German else English
    }
}
