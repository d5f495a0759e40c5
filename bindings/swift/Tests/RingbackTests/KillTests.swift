import Foundation
import Ringback
import Testing

/// The app is killed at every wait, every file operation, every use of the secure store and around every request between
/// a tap and its answer, with URLSession under it; after each kill it starts again. The same stands in Rust and in
/// Kotlin.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct KillTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let isKilled = environment["RINGBACK_TEST_KILL"] != nil

    @Test("One tap, unless it is killed on its way")
    func tap() async throws {
        guard Self.isKilled else {
            let (folder, centre) = (try TemporaryFolder(), try await Centre.started())
            #expect(try await centre.app(folder).requestCallback(aRequest).state == .queued)
            return
        }
        let (url, appKey) = try (Self.fact("URL"), Self.fact("APP_KEY"))
        let (folder, service) = try (URL(fileURLWithPath: Self.fact("FOLDER")), Self.fact("SERVICE"))
        let configuration = RingbackConfiguration(
            baseUrl: url, appKey: appKey, dataDir: folder.appendingPathComponent("data").path)
        let app = try Ringback(
            configuration: configuration, store: FileStore(folder: folder.appendingPathComponent("secrets")))
        _ = try await app.requestCallback(CallbackRequest(service: service, number: aRequest.number))
    }

    @Test(
        "One tap is one callback wherever the app is killed", .enabled(if: !isKilled),
        arguments: [("send", 4), ("await", 4), ("store", 10), ("disk", 40)])
    func everywhere(place: String, atLeast: Int) async throws {
        let folder = try TemporaryFolder()
        let centre = try await Centre.started()
        let moments = try await killedAtEvery(place, centre, folder)
        print("\(place): killed at \(moments) moments")
        #expect(moments >= atLeast)
    }

    private func killedAtEvery(
        _ place: String, _ centre: Centre, _ folder: TemporaryFolder
    ) async throws -> Int {
        var tooEarly = 0
        for nth in 1... {
            // It would make a second callback of the same number, so that no rule of the server hides one.
            let service = "kill-\(place)-\(nth)"
            try await centre.staff(
                "POST", "services",
                Service(name: service, queue: "support", limits: ["open_per_number": 5]))
            let data = folder.url.appendingPathComponent(service)
            let killed = try await run(centre, data, service, "\(place):\(nth)")

            let app = try centre.app(data)
            for resumed in try await app.resume() {
                guard case .accepted = resumed.outcome else {
                    Issue.record("\(service): \(resumed)")
                    continue
                }
            }
            if try await app.callbacks().isEmpty {
                // The tap had not come to the disk. The person taps again.
                #expect(killed && nth == tooEarly + 1, "\(service): a kept request is lost")
                tooEarly = nth
                _ = try await app.requestCallback(
                    CallbackRequest(service: service, number: aRequest.number))
            }
            #expect(try await app.callbacks().map(\.service) == [service], "one tap is one callback")
            #expect(try await app.pending().isEmpty)
            if !killed { return nth - 1 }
        }
        return 0
    }

    /// Runs an app that taps once; true when it was killed.
    private func run(_ centre: Centre, _ data: URL, _ service: String, _ kill: String) async throws -> Bool {
        let app = Process()
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        app.executableURL = URL(fileURLWithPath: program)
        app.arguments = ["--testing-library", "swift-testing", "--filter", "KillTests/tap\\(\\)"]
        app.environment = Self.environment.merging([
            "RINGBACK_TEST_KILL": kill, "RINGBACK_TEST_URL": try centre.url,
            "RINGBACK_TEST_APP_KEY": try centre.appKey, "RINGBACK_TEST_FOLDER": data.path,
            "RINGBACK_TEST_SERVICE": service,
        ]) { _, ours in ours }
        app.standardOutput = FileHandle.nullDevice
        app.standardError = FileHandle.nullDevice
        let (reason, status) = try await offThread {
            try app.run()
            app.waitUntilExit()
            return (app.terminationReason, app.terminationStatus)
        }
        let killed = reason == .uncaughtSignal
        #expect(killed ? status == SIGABRT : status == 0, "\(service): \(status)")
        return killed
    }

    private static func fact(_ name: String) throws -> String {
        try #require(environment["RINGBACK_TEST_\(name)"])
    }

    private struct Service: Encodable {
        let name: String
        let queue: String
        let limits: [String: Int]
    }
}
