package dev.ringback

import dev.ringback.internal.answerForAction

/** The categories of notifications, as they stand in Apple's payloads. */
public object NotificationCategory {
    /** A question; its actions are those of [NotificationAction]. */
    public const val AGENT_READY: String = "RINGBACK_AGENT_READY"

    /** A promised time is near. Nothing is asked: its actions are the app's own. */
    public const val CALLBACK_REMINDER: String = "RINGBACK_CALLBACK_REMINDER"
}

/** The actions of a question's notification. */
public object NotificationAction {
    /** "Connect me". */
    public const val READY: String = "ringback.ready"

    /** "In ten minutes". */
    public const val SNOOZE: String = "ringback.snooze"

    /** "On another number", with a `RemoteInput` for it. */
    public const val OTHER_NUMBER: String = "ringback.other_number"

    /** "I no longer need the call". */
    public const val CANCEL: String = "ringback.cancel"

    /**
     * The answer that an action stands for, for [Ringback.answerPush]; `null` for an action that is not one of these.
     *
     * @param text what the person typed into [OTHER_NUMBER].
     * @throws RingbackException with the code `number_not_e164` when another number is wanted and none was typed.
     */
    public fun answer(
        identifier: String,
        text: String? = null,
    ): ConfirmAnswer? = throwing { answerForAction(identifier, text) }
}
