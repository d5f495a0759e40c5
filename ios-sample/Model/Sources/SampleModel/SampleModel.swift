import Foundation
import Observation
import Ringback

/// What is on the screen besides what the callback decides.
public enum Page: Sendable {
    /// Asking, waiting, answering: as the callback stands.
    case home
    /// Click-to-call.
    case callIn
    case settings
}

/// The whole app behind its screens. One for the life of the process.
@MainActor
@Observable
public final class SampleModel {
    public private(set) var page = Page.home

    /// What is known of the callback.
    @ObservationIgnored public let watch: CallbackWatch
    @ObservationIgnored public let ask: AskModel
    @ObservationIgnored public let callback: CallbackModel
    @ObservationIgnored public let callIn: CallInModel
    @ObservationIgnored public let settings: SettingsModel

    public init(
        ringback: Ringback, service: String, settings store: any SettingsStore, zone: TimeZone = .current
    ) {
        let watch = CallbackWatch(ringback)
        let callback = CallbackModel(ringback, watch: watch)
        watch.refused = { [weak callback] in callback?.trouble = $0 }
        (self.watch, self.callback) = (watch, callback)
        ask = AskModel(ringback, service: service, settings: store, watch: watch, zone: zone)
        callIn = CallInModel(ringback, service: service, settings: store, watch: watch)
        settings = SettingsModel(ringback, store: store, watch: watch)
    }

    public func show(_ page: Page) async {
        self.page = page
        switch page {
        case .home: ask.numberChanged()
        case .callIn: await callIn.request()
        case .settings: await settings.open()
        }
    }

    /// The app is in the foreground.
    public func start() async {
        watch.start()
        await ask.refresh()
    }

    /// The app is in the background.
    public func stop() {
        watch.stop()
    }
}
