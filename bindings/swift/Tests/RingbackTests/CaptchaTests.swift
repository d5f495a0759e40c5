import Foundation
import Ringback
import Testing

/// A service that asks for a CAPTCHA; the same stands in Kotlin.
@Suite(.timeLimit(.minutes(1)))
struct CaptchaTests {
    private let folder: TemporaryFolder
    private let centre: Centre
    private let request = CallbackRequest(service: "guarded", number: PhoneNumber("+4930901820000"))

    init() async throws {
        folder = try TemporaryFolder()
        centre = try await Centre.started()
    }

    @Test("Proof of work is done without a line in the app")
    func proofOfWork() async throws {
        let app = try centre.app(folder)
        try await guarded(providers: nil)
        #expect(try await app.offer("guarded").captcha == ["altcha"])

        let callback = try await app.requestCallback(request)
        #expect(callback.state == .queued)
        #expect(try await app.callbacks().map(\.id) == [callback.id])
        #expect(try await app.pending().isEmpty)
    }

    @Test("An app that shows CAPTCHAs hears how far proof of work has come")
    func progress() async throws {
        let presenter = Presenter { _ in throw CaptchaError.Failed }
        try await guarded(providers: nil)
        _ = try await centre.app(folder, captcha: presenter).requestCallback(request)
        let heard = presenter.heard
        #expect(!heard.isEmpty && heard == heard.sorted() && heard.allSatisfy { $0 <= 100 })
    }

    @Test("The app shows what the service wants, and the token counts")
    func shown() async throws {
        let presenter = Presenter { [centre] in try await centre.passTurnstile(action: $0.action) }
        try await guarded(providers: ["turnstile"])
        let app = try centre.app(folder, captcha: presenter)
        #expect(try await app.requestCallback(request).state == .queued)
        #expect(presenter.asked == [CaptchaAsk(provider: "turnstile", action: "request_callback")])
        #expect(try await app.pending().isEmpty)
    }

    @Test("A token that the provider does not know is no pass")
    func madeUp() async throws {
        try await guarded(providers: ["turnstile"])
        let app = try centre.app(folder, captcha: Presenter { _ in CaptchaToken("tk-made-up") })
        let refused = try await failure { _ = try await app.requestCallback(request) }
        #expect(refused?.code == "captcha_rejected")
        #expect(try await app.callbacks().isEmpty)
    }

    @Test("A person who would not is not asked again")
    func declined() async throws {
        try await guarded(providers: ["turnstile"])
        let app = try centre.app(folder, captcha: Presenter { _ in throw CaptchaError.Declined })
        let refused = try #require(try await failure { _ = try await app.requestCallback(request) })
        #expect(refused.code == "challenge_required")
        #expect(refused.pendingKey == nil)
        #expect(try await app.pending().isEmpty)
    }

    @Test("What cannot be shown now stays kept, and so does what failed in any way")
    func later() async throws {
        struct Unforeseen: Error {}
        let faults: Locked<[any Error]> = Locked([CaptchaError.Unavailable, Unforeseen()])
        let presenter = Presenter { [centre] ask in
            if let fault = faults.with({ $0.isEmpty ? nil : $0.removeFirst() }) { throw fault }
            return try await centre.passTurnstile(action: ask.action)
        }
        try await guarded(providers: ["turnstile"])
        let app = try centre.app(folder, captcha: presenter)
        for _ in 0..<2 {
            let refused = try #require(try await failure { _ = try await app.requestCallback(request) })
            #expect(refused.code == "challenge_required")
            #expect(refused.pendingKey != nil)
            #expect(try await app.pending().count == 1)
        }
        _ = try await app.resume()
        #expect(try await app.callbacks().count == 1)
        #expect(try await app.pending().isEmpty)
    }

    @Test("Cancelling the request takes the CAPTCHA off the screen")
    func cancelled() async throws {
        let (steps, step) = AsyncStream<String>.makeStream()
        let presenter = Presenter { _ in
            step.yield("shown")
            defer { step.yield("gone") }
            try await Task.sleep(nanoseconds: 60_000_000_000)
            throw CaptchaError.Failed
        }
        try await guarded(providers: ["turnstile"])
        let app = try centre.app(folder, captcha: presenter)
        let asking = Task { [request] in try await app.requestCallback(request) }
        var seen = steps.makeAsyncIterator()
        #expect(await seen.next() == "shown")
        asking.cancel()
        #expect(await seen.next() == "gone")
        await #expect(throws: CancellationError.self) { try await asking.value }
        #expect(try await app.pending().count == 1, "it is still wanted")
    }

    /// What `guarded` asks for: proof of work, unless providers are named.
    private func guarded(providers: [String]?) async throws {
        let policy = Policy(required: "always", providers: providers)
        try await centre.staff(
            "POST", "services", Service(name: "guarded", queue: "support", captcha: policy))
    }

    private struct Policy: Encodable {
        let required: String
        let providers: [String]?
    }

    private struct Service: Encodable {
        let name: String
        let queue: String
        let captcha: Policy
    }
}

/// Shows nothing to nobody: the test says what comes of it.
private final class Presenter: CaptchaPresenter {
    private let show: @Sendable (CaptchaAsk) async throws -> CaptchaToken
    private let asks = Locked<[CaptchaAsk]>([])
    private let percents = Locked<[UInt8]>([])

    var asked: [CaptchaAsk] { asks.with { $0 } }
    var heard: [UInt8] { percents.with { $0 } }

    init(_ show: @escaping @Sendable (CaptchaAsk) async throws -> CaptchaToken) {
        self.show = show
    }

    func providers() throws -> [String] { ["turnstile"] }

    func present(ask: CaptchaAsk) async throws -> CaptchaToken {
        asks.with { $0.append(ask) }
        return try await show(ask)
    }

    func progress(percent: UInt8) throws {
        percents.with { $0.append(percent) }
    }
}

/// A value that many threads change.
private final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    func with<Result>(_ change: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try change(&value)
    }
}
