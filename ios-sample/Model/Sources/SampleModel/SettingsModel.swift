import Observation
import Ringback

/// Who is called, and on which devices the person is asked.
@MainActor
@Observable
public final class SettingsModel {
    /// As it is typed.
    public var number = ""
    public var name = ""
    /// `nil` until they were asked for.
    public private(set) var devices: [Device]?
    public private(set) var busy = false
    public private(set) var trouble: Trouble?

    public var canSave: Bool { number.isEmpty || number.isPhoneNumber }

    @ObservationIgnored private let ringback: Ringback
    @ObservationIgnored private let store: any SettingsStore
    @ObservationIgnored private let watch: CallbackWatch

    init(_ ringback: Ringback, store: any SettingsStore, watch: CallbackWatch) {
        (self.ringback, self.store, self.watch) = (ringback, store, watch)
    }

    /// Shows what is kept, and asks for the devices.
    public func open() async {
        (number, name) = (store.settings.number.value, store.settings.name.value)
        await work { devices = try await ringback.devices() }
    }

    public func save() {
        guard canSave else { return }
        store.settings = Settings(number: PhoneNumber(number.asPhoneNumber), name: PersonName(name))
    }

    /// The platform has given the app a token: to be handed over each time.
    public func register(_ target: PushTarget, locale: String, appVersion: String) async {
        await work {
            _ = try await ringback.registerPush(
                target, name: "phone", locale: locale, appVersion: appVersion, hasTexts: true)
            devices = try await ringback.devices()
        }
    }

    /// No more pushes to this device.
    public func unregister(_ device: Device) async {
        await work {
            try await ringback.unregisterPush(device.id)
            devices = try await ringback.devices()
        }
    }

    private func work(_ call: () async throws -> Void) async {
        (busy, trouble) = (true, nil)
        trouble = await watch.asking(call)
        busy = false
    }
}
