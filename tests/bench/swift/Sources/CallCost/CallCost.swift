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

        try await median("empty", 10 * calls) { calls in
            for _ in 0..<calls { try hooks.empty() }
        }
        try await median("empty_async", calls) { calls in
            for _ in 0..<calls { try await hooks.emptyAsync(cancel: nil) }
        }
        try await median("handle_push", calls) { calls in
            for _ in 0..<calls { _ = try await ringback.handlePush(push) }
        }
    }

    /// The first half only warms up.
    static func median(_ name: String, _ calls: Int, _ batch: (Int) async throws -> Void) async throws {
        let clock = ContinuousClock()
        var times: [Double] = []
        for _ in 0..<(2 * batches) {
            let start = clock.now
            try await batch(calls)
            let (seconds, attoseconds) = start.duration(to: clock.now).components
            times.append((Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(calls))
        }
        print("swift", name, times.suffix(batches).sorted()[batches / 2])
    }
}
