import Ringback

/// What the person has told the app. It stays on the device.
public struct Settings: Equatable, Sendable {
    public var number: PhoneNumber
    public var name: PersonName

    public init(number: PhoneNumber, name: PersonName) {
        self.number = number
        self.name = name
    }

    /// Nothing yet.
    public init() {
        self.init(number: PhoneNumber(""), name: PersonName(""))
    }
}

/// Where settings are kept.
@MainActor
public protocol SettingsStore: AnyObject {
    var settings: Settings { get set }
}
