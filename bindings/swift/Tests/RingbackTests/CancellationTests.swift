import RingbackGenerated
import Testing

@testable import Ringback

struct CancellationTests {
    @Test("A cancelled task ends its call in Rust within 100 ms")
    func cancelledTask() async throws {
        let hooks = try TestHooks()
        let call = Task { try await cancellable { try await hooks.hang(cancel: $0) } }
        try await within { try await hooks.hanging() }
        try hooks.aboutToCancel()
        call.cancel()
        let endedAfterUs = try await within { try await hooks.endedAfterUs() }
        #expect(endedAfterUs < 100_000)
        await #expect(throws: CancellationError.self) { try await within { try await call.value } }
    }

    @Test("A task that is cancelled already ends its call too")
    func alreadyCancelled() async throws {
        let hooks = try TestHooks()
        let call = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await cancellable { try await hooks.hang(cancel: $0) }
        }
        await #expect(throws: CancellationError.self) { try await within { try await call.value } }
    }

    @Test("Cancelling a request closes its connection and keeps it for later")
    func cancelledRequest() async throws {
        let (silent, folder) = (try RawServer(), try TemporaryFolder())
        let ringback = try ringback(silent.url, folder)
        let request = Task { try await ringback.requestCallback(aRequest) }
        let connection = try await silent.accepted()
        #expect(try await !connection.received().isEmpty, "the request began to arrive")
        request.cancel()
        while try await !connection.received().isEmpty {}
        await #expect(throws: CancellationError.self) { try await within { try await request.value } }
        #expect(try await ringback.pending().map(\.kind) == [.requestCallback])
    }
}
