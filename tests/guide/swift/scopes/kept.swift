import Foundation
import Ringback

/// A request could not be sent and is kept: it has to be sent.
enum SNIPPET {
    @Sendable static func play(_ centre: Centre, _ folder: URL) async throws {
        let nowhere = RingbackConfiguration(
            baseUrl: "http://127.0.0.1:9", appKey: try centre.appKey,
            dataDir: folder.appendingPathComponent("data").path, maxTries: 1)
        let store = FileStore(folder: folder.appendingPathComponent("secrets"))
        let error = try await failure {
            _ = try await Ringback(configuration: nowhere, store: store).requestCallback(
                CallbackRequest(service: "billing", number: PhoneNumber("+4930901820")))
        }
        try expect(error?.code == "unreachable" && error?.pendingKey != nil, "it is not kept: \(error as Any)")
        let ringback = try centre.app(folder)
        try expect(try await ringback.pending().count == 1, "one is kept")
// the snippet
        try expect(try await ringback.pending().isEmpty, "something is left")
        try expect(try await centre.hasAccepted(), "no callback was accepted")
    }
}
