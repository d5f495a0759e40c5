package dev.ringback.sample.screens

import dev.ringback.CompletedReason
import dev.ringback.PendingKind
import dev.ringback.WaitStatus

internal object English : Words {
    override val appName = "Ringback"
    override val close = "Close"
    override val back = "Back"
    override val settings = "Settings"

    override val askTitle = "Talk to us without waiting on hold"
    override val askBody = "We call you when somebody has time for you."
    override val now = "As soon as possible"
    override val later = "At a time I choose"
    override val number = "Your number"
    override val numberHint = "With country code, for example +49 30 …"
    override val callMe = "Call me"
    override val callMeAt = "Call me then"
    override val whenTitle = "When shall we call?"
    override val noSlots = "No time is free in the next days."
    override val loading = "Looking …"
    override val callYourself = "I would rather call myself"

    override fun closedUntil(
        day: String,
        time: String,
    ) = "Closed until $day, $time"

    override val notOffered = "Not possible at the moment"

    override fun aboutMinutes(minutes: Int) =
        if (minutes <= 1) "In about a minute" else "In up to $minutes\u00A0minutes"

    override fun noNumber(status: WaitStatus) =
        when (status) {
            WaitStatus.NO_AGENTS -> "Nobody is there just now"
            WaitStatus.CLOSED -> "Closed just now"
            else -> "We cannot say yet how long it takes"
        }

    override fun spoken(code: String) =
        when (code) {
            "number_not_e164", "number_invalid" -> "This number cannot be called. Please check it."
            "callback_already_open" -> "You are in line with this number already."
            "slot_full", "slot_closed" -> "Somebody was faster. These times are still free:"
            "action_token_spent" -> "You answered on another device."
            "confirm_expired" -> "The time to answer is over."
            "challenge_required" -> "We could not make sure that you are a person."
            else -> null
        }

    override val offline = "No connection"

    override fun offlineAsOf(moment: String) = "No connection. As of $moment; it may have changed since."

    override val tryAgain = "Try again"
    override val notSentTitle = "Not sent yet"
    override val notSentBody =
        "Your request is kept on this phone and goes out by itself as soon as there is a connection. " +
            "You are not in line yet."
    override val lapsedTitle = "Not sent in time"
    override val lapsedBody = "There was no connection for too long. Please ask again."
    override val sendNow = "Send now"
    override val forget = "Forget it"

    override fun unsent(kind: PendingKind) =
        when (kind) {
            PendingKind.CANCEL -> "Taking it back is not sent yet."
            PendingKind.CONFIRM -> "Your answer is not sent yet."
            PendingKind.RESCHEDULE -> "The new time is not sent yet."
            PendingKind.SNOOZE -> "The pause is not sent yet."
            PendingKind.CHANGE_NUMBER -> "The new number is not sent yet."
            else -> "Your change is not sent yet."
        }

    override fun asOf(moment: String) = "As of $moment"

    override fun asked(time: String) = "Asked for at $time"

    override val inLine = "Your place in line"
    override val next = "You are next"
    override val waiting = "You are in line"
    override val placeUnknown = "Your place will appear here."
    override val keepPhoneNear = "You can close the app. We tell you when an agent is ready."
    override val rests = "You pause until"
    override val inTenMinutes = "In 10 minutes"
    override val otherNumber = "Another number"
    override val otherNumberTitle = "Which number shall we call?"
    override val asSoonAsPossible = "As soon as possible"
    override val cancelCall = "I no longer need the call"
    override val reallyCancel = "Give up your place?"
    override val reallyCancelBody = "If you ask again later, you start at the end of the line."
    override val keepIt = "Keep it"
    override val cancelIt = "Give up"

    override val promisedTitle = "We will call you"
    override val promisedBody = "Shortly before, we ask whether it still suits you."

    override val readyTitle = "Your agent is ready"
    override val readyBody = "Are you, too?"
    override val ready = "Connect me"
    override val noLongerNeeded = "No longer needed"

    override fun secondsLeft(seconds: Long) =
        if (seconds == 1L) "1 second left to answer" else "$seconds seconds left to answer"

    override fun secondsUnit(seconds: Long) = if (seconds == 1L) "second" else "seconds"

    override val connectingTitle = "We are calling you"
    override val connectingBody = "Your phone rings in a moment."
    override val spokenCode = "Whoever calls says this first. If not, hang up."
    override val dialTitle = "Call now"
    override val dialBody = "Your agent is waiting. The code is typed for you; it says who you are."
    override val dial = "Call"
    override val code = "Code"
    override val codeBody = "The code says who you are, so you need not explain anything again."

    override fun codeExpiresIn(time: String) = "Valid for $time"

    override val codeExpired = "This code is no longer valid."
    override val newCode = "New code"
    override val fallbackTitle = "Our own number"
    override val fallbackBody =
        "There is no connection for a code. You can call this number; whoever answers will ask who you are."

    override fun fallbackAsOf(moment: String) = "Last confirmed: $moment"

    override val talkingTitle = "You are talking"
    override val talkingBody = "The agent has all that you told us."
    override val done = "Done"

    override fun over(reason: CompletedReason?) =
        when (reason) {
            CompletedReason.HANDLED -> "That was it" to "Thank you for calling with us."
            CompletedReason.CANCELLED_BY_CUSTOMER -> "Taken back" to "You are no longer in line."
            CompletedReason.CANCELLED_BY_STAFF -> "We had to cancel" to "We are sorry. Please ask again."
            CompletedReason.NO_ANSWER -> "We did not reach you" to "You can ask for another call."
            CompletedReason.UNREACHABLE -> "Your number cannot be reached" to "Please check it and ask again."
            CompletedReason.RESOLVED_BY_INBOUND -> "You called us first" to "There is nothing more to do."
            else -> "The call did not come about" to "You can ask for another one."
        }

    override val name = "Your name"
    override val nameHint = "How we may address you; optional"
    override val save = "Save"
    override val you = "You"
    override val devices = "Devices that are asked"
    override val devicesBody = "When an agent is ready, we ask you on these."
    override val noDevices = "None. Allow notifications, so that we can ask you."
    override val remove = "Remove"

    override fun registered(day: String) = "Since $day"
}
