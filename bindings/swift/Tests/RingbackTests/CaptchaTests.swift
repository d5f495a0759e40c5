import Ringback
import Testing

/// A service that asks for a CAPTCHA, from an app that does nothing about it; the same stands in Kotlin.
@Suite(.timeLimit(.minutes(1)))
struct CaptchaTests {
    @Test("Proof of work is done without a line in the app")
    func proofOfWork() async throws {
        let folder = try TemporaryFolder()
        let centre = try await Centre.started()
        let app = try centre.app(folder)
        let service = Service(name: "guarded", queue: "support", captcha: ["required": "always"])
        try await centre.staff("POST", "services", service)
        #expect(try await app.offer("guarded").captcha == ["altcha"])

        let asked = CallbackRequest(service: "guarded", number: PhoneNumber("+4930901820000"))
        let callback = try await app.requestCallback(asked)
        #expect(callback.state == .queued)
        #expect(try await app.callbacks().map(\.id) == [callback.id])
        #expect(try await app.pending().isEmpty)
    }

    private struct Service: Encodable {
        let name: String
        let queue: String
        let captcha: [String: String]
    }
}
