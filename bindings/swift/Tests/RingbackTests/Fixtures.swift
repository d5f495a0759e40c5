import Foundation
import Ringback

// Personal data in tests comes from tests/privacy-canaries.txt: no log may hold any of it.
let aRequest = CallbackRequest(service: "billing", number: PhoneNumber("+4930901820000"))

/// A folder that goes with the test.
final class TemporaryFolder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("ringback-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}

/// A client with all it keeps in `folder`, that gives up after one try.
func ringback(_ baseUrl: String, _ folder: TemporaryFolder) throws -> Ringback {
    let configuration = RingbackConfiguration(
        baseUrl: baseUrl, appKey: "rb_pub_test", dataDir: folder.url.appendingPathComponent("data").path,
        requestTimeoutMs: 60_000, maxTries: 1)
    return try Ringback(
        configuration: configuration, store: FileStore(folder: folder.url.appendingPathComponent("secrets")))
}

struct NotInTime: Error {}

/// The result of `work`, or an error when it takes longer than this. Does not wait for work that cannot be cancelled.
func within<T: Sendable>(
    seconds: UInt64 = 60, _ work: @escaping @Sendable () async throws -> T
) async throws -> T {
    let (results, result) = AsyncThrowingStream<T, any Error>.makeStream()
    let working = Task {
        do {
            result.yield(try await work())
        } catch {
            result.finish(throwing: error)
        }
    }
    let limit = Task {
        try await Task.sleep(nanoseconds: seconds * 1_000_000_000)
        result.finish(throwing: NotInTime())
    }
    defer {
        working.cancel()
        limit.cancel()
    }
    for try await first in results { return first }
    throw NotInTime()
}

/// The ``RingbackError`` that `work` ends with.
func failure(of work: () async throws -> Void) async throws -> RingbackError? {
    do {
        try await work()
        return nil
    } catch let error as RingbackError {
        return error
    }
}
