// What a call costs: nanoseconds, the median batch. Prints lines of `swift call nanoseconds`.

import Foundation
import Ringback
import class RingbackGenerated.TestHooks

let batches = 41

struct NotMeasured: Error {}

@main
struct CallCost {
    static func main() async throws {
        guard let calls = CommandLine.arguments.dropFirst().first.flatMap({ Int($0) }) else {
            throw NotMeasured()
        }
        // Nothing is ever written to it or sent.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ringback-call-cost")
        let configuration = RingbackConfiguration(
            baseUrl: "https://calls.example.com", appKey: "rb_pub_bench", dataDir: folder.path)
        let ringback = try Ringback(configuration: configuration, store: FileStore(folder: folder))
        let push = ["from": "somebody else", "title": "Hello"]
        guard case .notOurs = try await ringback.handlePush(push) else { throw NotMeasured() }
        let hooks = try TestHooks()

        var times = Times()
        // The first half only warms up.
        for _ in 0..<(2 * batches) {
            try await times.batch("empty") {
                for _ in 0..<(10 * calls) { try hooks.empty() }
                return 10 * calls
            }
            try await times.batch("empty_async") {
                for _ in 0..<calls { try await hooks.emptyAsync(cancel: nil) }
                return calls
            }
            try await times.batch("handle_push") {
                for _ in 0..<calls { _ = try await ringback.handlePush(push) }
                return calls
            }
            try await times.batch("empty_push") {
                for _ in 0..<calls { _ = try await hooks.emptyPush(data: push, cancel: nil) }
                return calls
            }
            try await times.batch("start") {
                let fresh = try Ringback(configuration: configuration, store: FileStore(folder: folder))
                _ = try await fresh.handlePush(push)
                return 1
            }
        }
        times.print()
        let counts = CommandLine.arguments.dropFirst(2).compactMap { Int($0) }
        guard counts.count == 2 else { throw NotMeasured() }
        try await soak(configuration, calls: counts[0], subscriptions: counts[1])
    }
}

/// Nanoseconds a call, by batch. Batches take turns, so that a busy machine slows all calls alike.
struct Times {
    private var byName: [String: [Double]] = [:]

    /// - Parameter batch: Gives how many calls it made.
    mutating func batch(_ name: String, _ batch: @Sendable () async throws -> Int) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let calls = try await batch()
        let (seconds, attoseconds) = start.duration(to: clock.now).components
        let time = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
        byName[name, default: []].append(time / Double(calls))
    }

    func print() {
        for (name, times) in byName {
            Swift.print("swift", name, times.suffix(batches).sorted()[batches / 2])
        }
    }
}
