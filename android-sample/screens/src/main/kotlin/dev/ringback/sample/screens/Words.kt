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

    fun closedUntil(
        day: String,
        time: String,
    ): String

    val notOffered: String

    /** At most so long. */
    fun aboutMinutes(minutes: Int): String

    fun noNumber(status: WaitStatus): String

    fun spoken(code: String): String?

    val offline: String

    /** What is shown is so old. */
    fun offlineAsOf(moment: String): String

    val tryAgain: String
    val notSentTitle: String
    val notSentBody: String
    val lapsedTitle: String
    val lapsedBody: String
    val sendNow: String
    val forget: String

    fun unsent(kind: PendingKind): String

    fun asOf(moment: String): String

    fun asked(time: String): String

    val inLine: String
    val next: String

    /** While it is not known at which place. */
    val waiting: String
    val placeUnknown: String
    val keepPhoneNear: String
    val rests: String
    val inTenMinutes: String
    val otherNumber: String
    val otherNumberTitle: String
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

    /** Stands below their number. */
    fun secondsUnit(seconds: Long): String

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
    val fallbackTitle: String
    val fallbackBody: String

    /** When the number was last heard of. */
    fun fallbackAsOf(moment: String): String

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
        /** By language, ISO 639. */
        val all: Map<String, Words> = mapOf("en" to English, "de" to German, "fr" to French, "es" to Spanish)

        /** In this language, English otherwise. */
        fun of(language: String): Words = all[language] ?: English
    }
}
