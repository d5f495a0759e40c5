import Foundation
import Ringback

/// The attributes of a Live Activity: what the server sends to start one has to be read by them.
enum SNIPPET {
// the snippet

    @Sendable static func play(_ centre: Centre, _ folder: URL) async throws {
        let ringback = try centre.app(folder)
        let token = PushToken(String(repeating: "0b", count: 32))
        _ = try await ringback.registerPush(
            .liveActivity(token: token, environment: .sandbox, topic: try centre.topic, callbackId: nil))
        let callback = try await ringback.requestCallback(
            CallbackRequest(service: "billing", number: PhoneNumber("+4930901820")))
        let start = try await centre.received("apns", 1)[0]["payload"]["aps"]
        let read = JSONDecoder()
        let attributes = try read.decode(
            RingbackAttributes.self, from: JSONSerialization.data(withJSONObject: start["attributes"].fields))
        let state = try read.decode(
            RingbackAttributes.ContentState.self,
            from: JSONSerialization.data(withJSONObject: start["content-state"].fields))
        try expect(start["attributes-type"].text == "RingbackAttributes", "another type: \(start.fields)")
        try expect(attributes.callbackId == callback.id, "another callback: \(attributes)")
        try expect(state.state == "queued" && state.position == 1, "another state: \(state)")
    }
}
