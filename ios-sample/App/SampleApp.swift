#if canImport(SwiftUI) && canImport(UIKit)
    import Ringback
    import SampleModel
    import SwiftUI
    import UIKit
    import UserNotifications

    /// One client and one model for the life of the process.
    @main
    struct SampleApp: App {
        @UIApplicationDelegateAdaptor private var delegate: SampleDelegate
        @Environment(\.scenePhase) private var phase

        var body: some Scene {
            WindowGroup {
                SampleScreen(model: delegate.model)
            }
            .onChange(of: phase) { _, phase in
                switch phase {
                case .active: Task { await delegate.model.start() }
                case .background:
                    delegate.model.stop()
                    if !delegate.model.watch.known.kept.isEmpty {
                        Ringback.scheduleResume(identifier: SampleDelegate.resume)
                    }
                default: break
                }
            }
        }
    }

    /// What iOS tells the app: tokens, pushes, taps.
    @MainActor
    final class SampleDelegate: NSObject, UIApplicationDelegate {
        static let resume = "dev.ringback.sample.resume"

        private static let ringback: Ringback = {
            do {
                let configuration = RingbackConfiguration(
                    baseUrl: setting("RingbackURL"), appKey: setting("RingbackAppKey"),
                    dataDir: try dataFolder().path(percentEncoded: false))
                return try Ringback(
                    configuration: configuration, store: KeychainStore(service: "dev.ringback.sample"))
            } catch {
                // The build settings are wrong; the sentence says which.
                fatalError(error.localizedDescription)
            }
        }()

        let model = SampleModel(
            ringback: SampleDelegate.ringback, service: setting("RingbackService"), settings: DefaultsStore())

        private let network = NetworkReturns()

        func application(
            _ application: UIApplication,
            didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]? = nil
        ) -> Bool {
            Ringback.registerResume(identifier: Self.resume) { await Self.ringback }
            UNUserNotificationCenter.current().delegate = self
            network.start { [model] in await model.watch.catchUp() }
            Task {
                await NotificationCategory.merge()
                let center = UNUserNotificationCenter.current()
                if try await center.requestAuthorization(options: [.alert, .sound]) {
                    application.registerForRemoteNotifications()
                }
            }
            return true
        }

        func application(
            _ application: UIApplication, didRegisterForRemoteNotificationsWithDeviceToken token: Data
        ) {
            #if DEBUG
                let environment = ApnsEnvironment.sandbox
            #else
                let environment = ApnsEnvironment.production
            #endif
            let target = PushTarget.apns(
                token: PushToken(token.map { String(format: "%02x", $0) }.joined()),
                environment: environment, topic: Bundle.main.bundleIdentifier ?? "")
            let version = Bundle.main.infoDictionary?["CFBundleShortVersionString"] as? String ?? ""
            Task {
                await model.settings.register(
                    target, locale: Locale.preferredLanguages.first ?? "en", appVersion: version)
            }
        }
    }

    extension SampleDelegate: UNUserNotificationCenterDelegate {
        nonisolated func userNotificationCenter(
            _ center: UNUserNotificationCenter, willPresent notification: UNNotification
        ) async -> UNNotificationPresentationOptions {
            let push = Ringback.pushData(in: notification.request.content.userInfo)
            switch try? await model.callback.received(push) {
            // The screen asks by itself.
            case .event(.agentReady, _, _, _): return []
            case .withdrawn(let id):
                center.removeDeliveredNotifications(withIdentifiers: [id])
                return []
            default: return [.banner, .sound]
            }
        }

        nonisolated func userNotificationCenter(
            _ center: UNUserNotificationCenter, didReceive response: UNNotificationResponse
        ) async {
            let push = Ringback.pushData(in: response.notification.request.content.userInfo)
            let typed = (response as? UNTextInputNotificationResponse)?.userText
            let action = response.actionIdentifier
            _ = try? await Ringback.inBackground { [model] in
                await model.callback.tapped(push, action: action, typed: typed)
            }
        }
    }

    /// A folder of the app alone, in no backup.
    private func dataFolder() throws -> URL {
        var folder = URL.applicationSupportDirectory.appending(path: "ringback")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try folder.setResourceValues(values)
        return folder
    }

    private func setting(_ name: String) -> String {
        Bundle.main.infoDictionary?[name] as? String ?? ""
    }
#endif
