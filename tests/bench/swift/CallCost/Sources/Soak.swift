// Does anything stay behind? Prints lines of `swift memory_… bytes`.

import Foundation
import Ringback

let tenths = 10
let callers = 4

/// A network on which nothing ever comes back.
final class Silence: Transport {
    func send(request: HttpRequest) async throws -> HttpResponse {
        try await Task.sleep(for: .seconds(86_400))
        throw TransportError.TimedOut
    }

    func stream(request: HttpRequest, sink: StreamSink) async throws {
        try await Task.sleep(for: .seconds(86_400))
    }
}

/// Makes so many calls and subscriptions in all, and looks at the process after a tenth of them and after all.
func soak(_ configuration: RingbackConfiguration, calls: Int, subscriptions: Int) async throws {
    let store = FileStore(folder: URL(fileURLWithPath: configuration.dataDir).appendingPathComponent("soak"))
    let ringback = try Ringback(configuration: configuration, store: store, transport: Silence())
    let push = ["from": "somebody else", "title": "Hello"]
    for tenth in 1...tenths {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<callers {
                group.addTask {
                    for _ in 0..<(calls / tenths / callers) { _ = try await ringback.handlePush(push) }
                }
            }
            try await group.waitForAll()
        }
        for _ in 0..<(subscriptions / tenths) {
            let subscription = Task { for try await _ in ringback.events {} }
            await Task.yield()
            subscription.cancel()
            _ = await subscription.result
        }
        if tenth == 1 { print("swift memory_after_a_tenth", try residentBytes()) }
    }
    print("swift memory_after_all", try residentBytes())
}

func residentBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    guard let line, let kilobytes = Int(line.filter(\.isNumber)) else { throw NotMeasured() }
    return kilobytes * 1024
}
