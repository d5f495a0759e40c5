import RingbackGenerated

/// The categories of notifications, for `UNNotificationCategory`.
public enum NotificationCategory {
    /// A question; its actions are those of ``NotificationAction``.
    public static let agentReady = "RINGBACK_AGENT_READY"

    /// A promised time is near. Nothing is asked: its actions are the app's own.
    public static let callbackReminder = "RINGBACK_CALLBACK_REMINDER"
}

/// The actions of a question's notification, for `UNNotificationAction`.
public enum NotificationAction {
    /// "Connect me".
    public static let ready = "ringback.ready"

    /// "In ten minutes".
    public static let snooze = "ringback.snooze"

    /// "On another number": a `UNTextInputNotificationAction`.
    public static let otherNumber = "ringback.other_number"

    /// "I no longer need the call".
    public static let cancel = "ringback.cancel"

    /// The answer that an action stands for, for ``Ringback/answerPush(_:answer:)``; `nil` for an action that is not
    /// one of these, such as a tap on the notification itself.
    ///
    /// - Parameter text: What the person typed into ``otherNumber``.
    /// - Throws: ``RingbackError`` with the code `number_not_e164` when another number is wanted and none was typed.
    public static func answer(to identifier: String, text: String? = nil) throws -> ConfirmAnswer? {
        try throwing { try answerForAction(identifier: identifier, text: text) }
    }
}
