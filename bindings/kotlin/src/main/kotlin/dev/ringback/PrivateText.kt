package dev.ringback

// Text about a person, or text that opens a door. These types carry it and cannot print it: a request or a callback
// that lands in a log shows none of it.

/** A phone number in E.164 form, for example `+4930901820`. */
@JvmInline
public value class PhoneNumber(
    /** The number itself. Never log it. */
    public val value: String,
) {
    override fun toString(): String = "PhoneNumber(…)"
}

/** How a person wishes to be addressed. */
@JvmInline
public value class PersonName(
    /** The name itself. Never log it. */
    public val value: String,
) {
    override fun toString(): String = "PersonName(…)"
}

/** One value of the journey context: what the app knows about why a person asks for a call. */
@JvmInline
public value class ContextValue(
    /** The value itself. Never log it. */
    public val value: String,
) {
    override fun toString(): String = "ContextValue(…)"
}

/** The digits a caller types after a click-to-call number answers. Text: leading zeros count. */
@JvmInline
public value class AccessCode(
    /** The digits themselves. Never log them. */
    public val value: String,
) {
    override fun toString(): String = "AccessCode(…)"
}

/** The digits that the agent says first, so that the person knows the call is genuine. Text: leading zeros count. */
@JvmInline
public value class SpokenCode(
    /** The digits themselves. Never log them. */
    public val value: String,
) {
    override fun toString(): String = "SpokenCode(…)"
}

/** A single-use right to answer one push. */
@JvmInline
public value class ActionToken(
    /** The token itself. Never log it. */
    public val value: String,
) {
    override fun toString(): String = "ActionToken(…)"
}

/** What a CAPTCHA provider gave for a challenge that was passed; works once. */
@JvmInline
public value class CaptchaToken(
    /** The token itself. Never log it. */
    public val value: String,
) {
    override fun toString(): String = "CaptchaToken(…)"
}

/** A device token as FCM gave it to the app. */
@JvmInline
public value class PushToken(
    /** The token itself. Never log it. */
    public val value: String,
) {
    override fun toString(): String = "PushToken(…)"
}
