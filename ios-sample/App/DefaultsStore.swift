#if canImport(SwiftUI) && canImport(UIKit)
    import Foundation
    import Network
    import Ringback
    import SampleModel

    /// Settings in the app's own defaults.
    @MainActor
    final class DefaultsStore: SettingsStore {
        private let defaults = UserDefaults.standard

        var settings: Settings {
            get {
                Settings(
                    number: PhoneNumber(defaults.string(forKey: "number") ?? ""),
                    name: PersonName(defaults.string(forKey: "name") ?? ""))
            }
            set {
                defaults.set(newValue.number.value, forKey: "number")
                defaults.set(newValue.name.value, forKey: "name")
            }
        }
    }

    /// Tells whenever there is a network (again).
    @MainActor
    final class NetworkReturns {
        private let monitor = NWPathMonitor()

        func start(_ returned: @escaping @Sendable () async -> Void) {
            monitor.pathUpdateHandler = { path in
                if path.status == .satisfied { Task { await returned() } }
            }
            monitor.start(queue: .global())
        }
    }
#endif
