import Foundation
import Ringback

/// An app from its beginning: has to get a callback accepted, and to show something.
enum SNIPPET {
    @Sendable static func play(_ centre: Centre, _ folder: URL) async throws {
        let appKey = try centre.appKey
        try await untilShown {
// the snippet
        }
        try expect(try await centre.hasAccepted(), "no callback was accepted")
    }
}
