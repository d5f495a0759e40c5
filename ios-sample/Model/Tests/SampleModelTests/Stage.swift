import Foundation
import Observation
import Ringback
import SampleModel

/// The phone's own network: real HTTP, until it is switched off.
final class Network: Transport, @unchecked Sendable {
    private let http = URLSessionTransport()
    private let lock = NSLock()
    private var isOff = false
    private var open: [UUID: AsyncStream<Void>.Continuation] = [:]

    var airplaneMode: Bool {
        get { lock.withLock { isOff } }
        set {
            let cut = lock.withLock {
                isOff = newValue
                return newValue ? Array(open.values) : []
            }
            for stream in cut { stream.finish() }
        }
    }

    func send(request: HttpRequest) async throws -> HttpResponse {
        if airplaneMode { throw TransportError.Unreachable }
        return try await http.send(request: request)
    }

    func stream(request: HttpRequest, sink: StreamSink) async throws {
        let (id, (cuts, cut)) = (UUID(), AsyncStream<Void>.makeStream())
        let isCut = lock.withLock {
            open[id] = cut
            return isOff
        }
        defer { lock.withLock { open[id] = nil } }
        if isCut { throw TransportError.Unreachable }
        // What is open when the network goes is cut off.
        try await withThrowingTaskGroup(of: Void.self) { [http] group in
            defer { group.cancelAll() }
            group.addTask { try await http.stream(request: request, sink: sink) }
            group.addTask {
                for await _ in cuts {}
                throw TransportError.Unreachable
            }
            try await group.next()
        }
    }
}

/// Settings that live as long as the test.
@MainActor
final class KeptSettings: SettingsStore {
    var settings: Settings

    init(_ number: String) {
        settings = Settings(
            number: PhoneNumber(number), name: PersonName("Ferdinand Umbrellastand"))
    }
}

/// A phone with the sample app; `folder` is its disk.
@MainActor
final class Phone {
    let centre: Centre
    let network = Network()
    let settings: KeptSettings
    private(set) var app: SampleModel
    private var ringback: Ringback
    private let folder: TemporaryFolder
    private let service: String

    init(_ centre: Centre, number: String, service: String = "billing") throws {
        folder = try TemporaryFolder()
        settings = KeptSettings(number)
        (self.centre, self.service) = (centre, service)
        (ringback, app) = try Self.process(centre, folder, network, service, settings)
    }

    /// The person leaves the app, its process ends, as phones let it, and the app is opened again.
    func restart() async throws {
        app.stop()
        try await ringback.pause()
        (ringback, app) = try Self.process(centre, folder, network, service, settings)
    }

    /// Waits until the person stands where `find` finds something.
    func stands<T: Sendable>(_ find: @escaping @Sendable (Standing) -> T?) async throws -> T {
        try await until { find($0.watch.known.standing) }
    }

    /// Waits until `find` finds something in the app.
    func until<T: Sendable>(_ find: @escaping @Sendable @MainActor (SampleModel) -> T?) async throws -> T {
        let app = app
        return try await within(seconds: 20) { try await found(in: app, find) }
    }

    private static func process(
        _ centre: Centre, _ folder: TemporaryFolder, _ network: Network, _ service: String,
        _ settings: KeptSettings
    ) throws -> (Ringback, SampleModel) {
        let ringback = try centre.app(folder, network)
        let app = SampleModel(
            ringback: ringback, service: service, settings: settings,
            zone: TimeZone(identifier: "Europe/Berlin") ?? .current)
        return (ringback, app)
    }
}

/// Looks again whenever something that was looked at has changed.
@MainActor
private func found<T: Sendable>(
    in app: SampleModel, _ find: @escaping @Sendable @MainActor (SampleModel) -> T?
) async throws -> T {
    while true {
        try Task.checkCancellation()
        let (changes, changed) = AsyncStream<Void>.makeStream()
        let there = withObservationTracking {
            find(app)
        } onChange: {
            changed.finish()
        }
        if let there { return there }
        for await _ in changes {}
    }
}
