import RingbackGenerated
import Testing

@testable import Ringback

struct PanicTests {
    @Test("A panic is an error, and the next call works")
    func panic() async throws {
        let hooks = try TestHooks()
        let now = try await failure { try throwing { try hooks.panicNow() } }
        #expect(now?.code == "client_failed")
        try hooks.empty()

        let later = try await failure { try await cancellable { try await hooks.panicLater(cancel: $0) } }
        #expect(later?.code == "client_failed")
        try await cancellable { try await hooks.emptyAsync(cancel: $0) }
    }
}
