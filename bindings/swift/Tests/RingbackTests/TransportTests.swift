import Foundation
import RingbackGenerated
import Testing

@testable import Ringback

struct TransportTests {
    @Test("URLSession keeps the contract")
    func contract() async throws {
        let findings = try await TestHooks().transportContract(transport: URLSessionTransport())
        let faults = findings.filter { $0.fault != nil }
        #expect(faults.isEmpty, "\(faults)")
        #expect(findings.count >= 17)
    }

    @Test("A host that throws anything at all is an error")
    func throwing() async throws {
        for thrown in [Surprise() as any Error, TransportError.HostFailed] {
            let error = try await failure { try await offer(by: Host { throw thrown }) }
            #expect(error?.code == "client_failed", "\(thrown)")
        }
    }

    @Test("A host that never answers is not waited for")
    func silent() async throws {
        let error = try await failure {
            try await offer(
                timeoutMs: 50,
                by: Host {
                    try await Task.sleep(nanoseconds: 3_600_000_000_000)
                    throw Surprise()
                })
        }
        #expect(error?.code == "timed_out")
    }

    private func offer(timeoutMs: UInt32 = 15_000, by host: Host) async throws {
        let folder = try TemporaryFolder()
        let configuration = RingbackConfiguration(
            baseUrl: "https://calls.example.com", appKey: "rb_pub_test",
            dataDir: folder.url.appendingPathComponent("data").path, requestTimeoutMs: timeoutMs,
            maxTries: 1)
        let store = FileStore(folder: folder.url.appendingPathComponent("secrets"))
        _ = try await Ringback(configuration: configuration, store: store, transport: host).offer("billing")
    }
}

private struct Surprise: Error {}

private final class Host: Transport {
    private let answer: @Sendable () async throws -> HttpResponse

    init(_ answer: @escaping @Sendable () async throws -> HttpResponse) {
        self.answer = answer
    }

    func send(request: HttpRequest) async throws -> HttpResponse { try await answer() }

    func stream(request: HttpRequest, sink: StreamSink) async throws { _ = try await answer() }
}
