import Foundation
import Ringback
import Testing

/// A tap without a network; the same stands in Kotlin.
@Suite(.timeLimit(.minutes(2)))
struct OutboxTests {
    private let folder: TemporaryFolder
    private let centre: Centre
    private let phone = Phone()

    init() async throws {
        folder = try TemporaryFolder()
        centre = try await Centre.started()
    }

    @Test("A tap without a network is sent when there is one, once")
    func offlineTap() async throws {
        let key = try await tapOffline(aRequest)

        // The app was closed meanwhile; background work starts it.
        phone.isOffline = false
        let app = try centre.app(folder.url, transport: phone)
        let resumed = try await app.resume()
        #expect(resumed.map(\.request.key) == [key])
        guard case .accepted(let callback?, _) = resumed.first?.outcome else {
            Issue.record("it was not accepted: \(resumed)")
            return
        }
        #expect(try await app.callbacks().map(\.id) == [callback.id])
        #expect(try await app.pending().isEmpty)
        #expect(try await app.outboxStatus() == OutboxStatus(waiting: 0, nextTryAt: nil, damaged: 0))
    }

    @Test("What was refused while nobody waited is told until it was seen")
    func refusedLater() async throws {
        _ = try await tapOffline(CallbackRequest(service: "no-such-service", number: aRequest.number))
        phone.isOffline = false
        _ = try await centre.app(folder.url, transport: phone).resume()

        let app = try centre.app(folder.url, transport: phone)
        let refused = try #require(try await app.pending().first)
        guard case .refused("service_unknown", _) = refused.state else {
            Issue.record("it was not refused: \(refused)")
            return
        }
        #expect(!refused.isOpen)
        #expect(try await app.outboxStatus().nextTryAt == nil, "there is nothing to send")
        try await app.discard(refused.key)
        #expect(try await app.pending().isEmpty)
    }

    /// A tap that finds no network. Its key.
    private func tapOffline(_ request: CallbackRequest) async throws -> String {
        let app = try centre.app(folder.url, transport: phone)
        let error = try await failure(of: { _ = try await app.requestCallback(request) })
        guard case .unreachable = error else {
            Issue.record("there was a network: \(String(describing: error))")
            return ""
        }
        let kept = try #require(try await app.pending().first)
        #expect(kept.key == error?.pendingKey)
        #expect(kept.state == .notSent)
        #expect(kept.isOpen && !kept.mayHaveArrived, "it never left the phone")
        let status = try await app.outboxStatus()
        #expect(status.waiting == 1 && status.nextTryAt != nil)
        try await app.pause()
        return kept.key
    }

    /// HTTP over URLSession, unless there is no network.
    ///
    /// The flag changes only while nothing is under way.
    private final class Phone: Transport, @unchecked Sendable {
        private let inner = URLSessionTransport()
        var isOffline = true

        func send(request: HttpRequest) async throws -> HttpResponse {
            if isOffline { throw TransportError.Unreachable }
            return try await inner.send(request: request)
        }

        func stream(request: HttpRequest, sink: StreamSink) async throws {
            try await inner.stream(request: request, sink: sink)
        }
    }
}
