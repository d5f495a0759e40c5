import Foundation
import Ringback

/// A client that has asked for nothing yet: has to get a callback accepted.
enum SNIPPET {
    @Sendable static func play(_ centre: Centre, _ folder: URL) async throws {
        let ringback = try centre.app(folder)
// the snippet
        try expect(try await centre.hasAccepted(), "no callback was accepted")
    }
}
