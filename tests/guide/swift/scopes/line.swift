import Foundation
import Ringback

/// A callback is in line, and was asked for with this request: something has to be shown.
enum SNIPPET {
    @Sendable static func play(_ centre: Centre, _ folder: URL) async throws {
        let ringback = try centre.app(folder)
        let request = CallbackRequest(service: "billing", number: PhoneNumber("+4930901820"))
        let callback = try await ringback.requestCallback(request)
        try await untilShown {
// the snippet
        }
        try expect(try await ringback.callback(callback.id).state == .queued, "it is not in line any more")
    }
}
