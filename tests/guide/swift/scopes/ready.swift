import Foundation
import Ringback

/// An agent is ready, and the push that asks has come: the person has to say so too.
enum SNIPPET {
    @Sendable static func play(_ centre: Centre, _ folder: URL) async throws {
        let ringback = try centre.app(folder)
        let token = PushToken(String(repeating: "0a", count: 32))
        _ = try await ringback.registerPush(
            .apns(token: token, environment: .sandbox, topic: try centre.topic))
        let asked = try await ringback.requestCallback(
            CallbackRequest(service: "billing", number: PhoneNumber("+4930901820")))
        try await centre.staff("PUT", "agents/ada/state", ["state": "ready"])
        let userInfo: [AnyHashable: Any] = try await centre.pushOverApns()
// the snippet
        let phase = try await ringback.callback(asked.id).phase
        try expect(phase == .confirmed || phase == .connecting, "the person is not ready: \(phase as Any)")
    }
}
