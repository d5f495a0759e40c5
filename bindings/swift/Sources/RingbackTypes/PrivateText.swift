/// Text about a person, or text that opens a door. Types of this kind carry it and cannot print it: a request or a
/// callback that lands in a log shows none of it.
public protocol PrivateText: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text itself. Never log it.
    var value: String { get }
}

extension PrivateText {
    public var description: String { "\(Self.self)(…)" }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A phone number in E.164 form, for example `+4930901820`.
public struct PhoneNumber: PrivateText {
    public let value: String

    public init(_ value: String) {
        self.value = value
    }
}

/// How a person wishes to be addressed.
public struct PersonName: PrivateText {
    public let value: String

    public init(_ value: String) {
        self.value = value
    }
}

/// One value of the journey context: what the app knows about why a person asks for a call.
public struct ContextValue: PrivateText {
    public let value: String

    public init(_ value: String) {
        self.value = value
    }
}

/// The digits a caller types after a click-to-call number answers. Text: leading zeros count.
public struct AccessCode: PrivateText {
    public let value: String

    public init(_ value: String) {
        self.value = value
    }
}

/// The digits that the agent says first, so that the person knows the call is genuine. Text: leading zeros count.
public struct SpokenCode: PrivateText {
    public let value: String

    public init(_ value: String) {
        self.value = value
    }
}

/// A single-use right to answer one push.
public struct ActionToken: PrivateText {
    public let value: String

    public init(_ value: String) {
        self.value = value
    }
}

/// What a CAPTCHA provider gave for a challenge that was passed; works once.
public struct CaptchaToken: PrivateText {
    public let value: String

    public init(_ value: String) {
        self.value = value
    }
}

/// A device token, in hexadecimal as APNs gave it to the app.
public struct PushToken: PrivateText {
    public let value: String

    public init(_ value: String) {
        self.value = value
    }
}
