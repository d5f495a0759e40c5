import Ringback
import Testing

struct ErrorsTests {
    @Test("A server that is down is unreachable, and the request is kept")
    func unreachable() async throws {
        let folder = try TemporaryFolder()
        let url = try RawServer().url
        let ringback = try ringback(url, folder)
        let error = try #require(try await failure { _ = try await ringback.requestCallback(aRequest) })
        guard case .unreachable = error else {
            Issue.record("\(error)")
            return
        }
        #expect(error.code == "unreachable")
        #expect(error.retryable)
        #expect(error.pendingKey != nil)
        #expect(!"\(error)".contains(aRequest.number.value))
    }

    @Test("An answer that is not the server's is named as such")
    func signInPage() async throws {
        let (page, folder) = (try RawServer(), try TemporaryFolder())
        let ringback = try ringback(page.url, folder)
        async let answering: Void = {
            let connection = try await page.accepted()
            _ = try await connection.received()
            try await connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello")
        }()
        let error = try await failure { _ = try await ringback.callbacks() }
        try await answering
        #expect(error?.code == "answer_unreadable")
    }

    @Test("A configuration that cannot be right is refused by name")
    func wrongConfiguration() async throws {
        let folder = try TemporaryFolder()
        let error = try await failure { _ = try ringback("ftp://calls.example.com", folder) }
        #expect(error?.code == "config_invalid")
        #expect(error?.field == "base_url")
        #expect(error?.retryable == false)
        #expect(error?.localizedDescription == error?.detail)
    }
}
