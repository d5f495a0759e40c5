import Foundation
import Ringback

/// A snippet in its surroundings.
typealias Play = @Sendable (Centre, URL) async throws -> Void

/// Runs every snippet with a contact centre and a folder of its own.
@main
struct Guide {
    static func main() async {
        var failed = 0
        for (place, play) in snippets {
            do {
                let folder = try TemporaryFolder()
                let url = folder.url
                let centre = try await Centre.started()
                try await within(seconds: 60) { try await play(centre, url) }
                withExtendedLifetime(folder) {}
                say("ok      \(place)")
            } catch {
                say("FAILED  \(place): \(error)")
                failed += 1
            }
        }
        exit(failed == 0 ? 0 : 1)
    }
}

private func say(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}

struct Failed: Error {
    let message: String
}

func expect(_ holds: Bool, _ message: String) throws {
    guard holds else { throw Failed(message: message) }
}

/// How often something was shown, and who waits for the next time.
private actor Screen {
    static let shared = Screen()
    private(set) var count = 0

    func show() { count += 1 }
}

/// What the app shows the person.
func show(_ what: Any?...) {
    Task { await Screen.shared.show() }
}

func print(_ what: Any...) {
    show(what)
}

/// The person chooses.
func choose(_ times: [WallTime]) -> WallTime { times[times.count - 1] }

/// The app opens the dialer.
func dial(_ uri: PhoneNumber) { show(uri) }

/// Many snippets listen for ever: this ends as soon as something has been shown, which has to be.
func untilShown(_ snippet: @escaping @Sendable () async throws -> Void) async throws {
    let before = await Screen.shared.count
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await snippet() }
        group.addTask {
            while await Screen.shared.count == before { try await Task.sleep(nanoseconds: 10_000_000) }
        }
        try await group.next()
        group.cancelAll()
    }
    try expect(await Screen.shared.count > before, "it has shown nothing")
}

extension Centre {
    /// The server has said 201 to a request for a call.
    func hasAccepted() async throws -> Bool {
        try await metrics().split(separator: "\n").contains {
            $0.hasPrefix("ringback_request_seconds_count") && $0.contains("/v1/callbacks\"") && $0.contains("\"201\"")
        }
    }
}

/// Blocking work must not hold up the tasks of everybody else.
func offThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result(catching: work)) }
    }
}
