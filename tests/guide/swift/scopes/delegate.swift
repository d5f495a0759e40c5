import Foundation
import Ringback

/// A function of the delegate of `UNUserNotificationCenter`: it is called with a tap on "ready", and the person has to be ready
/// then. On Apple's platforms, where nobody but the system can make a response, it is compiled alone.
enum SNIPPET {
    final class Delegate: Sendable {
        let ringback: Ringback

        init(_ ringback: Ringback) { self.ringback = ringback }

// the snippet
    }

    @Sendable static func play(_ centre: Centre, _ folder: URL) async throws {
        #if !canImport(UserNotifications)
            let ringback = try centre.app(folder)
            let token = PushToken(String(repeating: "0a", count: 32))
            _ = try await ringback.registerPush(
                .apns(token: token, environment: .sandbox, topic: try centre.topic))
            let asked = try await ringback.requestCallback(
                CallbackRequest(service: "billing", number: PhoneNumber("+4930901820")))
            try await centre.staff("PUT", "agents/ada/state", ["state": "ready"])
            let tap = UNNotificationResponse(try await centre.pushOverApns(), NotificationAction.ready)
            await Delegate(ringback).userNotificationCenter(UNUserNotificationCenter(), didReceive: tap)
            let phase = try await ringback.callback(asked.id).phase
            try expect(phase == .confirmed || phase == .connecting, "not ready: \(phase as Any)")
        #endif
    }
}
