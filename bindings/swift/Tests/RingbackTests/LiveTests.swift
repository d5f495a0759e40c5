import Foundation
import Ringback
import Testing

/// The live view, the code that the agent says, the number for when the server is away; the same stands in Kotlin.
@Suite(.timeLimit(.minutes(1)))
struct LiveTests {
    private let folder: TemporaryFolder
    private let centre: Centre
    private let request = CallbackRequest(service: "advice", number: PhoneNumber("+4930901820394"))

    init() async throws {
        folder = try TemporaryFolder()
        centre = try await Centre.started()
    }

    @Test("All who listen share one connection and see what happens")
    func shared() async throws {
        let transport = Counting()
        var app: Ringback? = try centre.app(folder, transport)
        let callback = try await app!.requestCallback(request)
        var one: LiveCallbacksUpdates.AsyncIterator? = app!.liveCallbacks.makeAsyncIterator()
        var two: LiveCallbacksUpdates.AsyncIterator? = app!.liveCallbacks.makeAsyncIterator()
        let queued = try await until(&one) { $0.live }
        #expect(queued.callbacks.first?.state == .queued)
        #expect(queued.callbacks.first?.spokenCode == nil)
        _ = try await until(&two) { $0.live }

        // An agent is kept free: both see it, and the code that the agent will say.
        try await centre.staff("PUT", "agents/grace/state", ["state": "ready"])
        let due = try await until(&one) { $0.callbacks.first?.state == .routing }
        let code = try #require(due.callbacks.first?.spokenCode)
        let seen = try await until(&two) { $0.callbacks.first?.spokenCode != nil }
        #expect(seen.callbacks.first?.spokenCode == code)
        let desk = try await centre.staff("GET", "agents/grace")
        #expect(desk["callback"]["spoken_code"].text == code.value)
        #expect(transport.opened == 1, "one connection for all")

        // In the background there is none; what is known stays, with its age.
        try await app!.pause()
        let stale = try await until(&one) { !$0.live }
        #expect(stale.asOf <= Date())
        while transport.held != 0 { await Task.yield() }
        try await centre.staff("POST", "callbacks/\(callback.id)/result", ["result": "connected"])
        _ = try await app!.resume()
        _ = try await until(&one) { $0.live && $0.callbacks.first?.state == .processing }

        // The next start knows it at once.
        try await app!.pause()
        (one, two, app) = (nil, nil, nil)
        var again: LiveCallbacksUpdates.AsyncIterator? =
            try centre.app(folder).liveCallbacks.makeAsyncIterator()
        let known = try await until(&again) { _ in true }
        #expect(!known.live)
        #expect(known.callbacks.first?.state == .processing)
        #expect(known.callbacks.first?.spokenCode == nil, "the code is not kept")
    }

    @Test("One callback is followed to its end")
    func followed() async throws {
        let app = try centre.app(folder)
        let callback = try await app.requestCallback(request)
        var last: LiveCallback?
        for try await state in app.liveCallback(callback.id) {
            if state.live && state.callback.reason == nil { _ = try await app.cancel(callback.id) }
            last = state
        }
        #expect(last?.callback.state == .completed)
        let unknown = try await failure {
            for try await _ in app.liveCallback("cb_none") {}
        }
        #expect(unknown?.code == "callback_not_found")
    }

    @Test("Without a server there is the number it last named")
    func fallback() async throws {
        let offer = try await centre.app(folder).offer("billing")
        let named = try #require(offer.fallbackNumber)
        let away = try ringback("http://127.0.0.1:1", folder)
        let errors = [
            try await failure { _ = try await away.offer("billing") },
            try await failure { _ = try await away.requestCallIn(CallInRequest(service: "billing")) },
            try await failure { _ = try await away.requestCallback(aRequest) },
        ]
        for error in errors {
            let number = try #require(error?.fallback)
            #expect(number.telUri.value == "tel:\(named.value)")
            #expect(number.fromCache)
            #expect(number.asOf <= Date())
        }
        #expect(try await away.fallback("billing")?.number == named)
        #expect(try await away.fallback("advice") == nil)
    }
}

/// The next state that is as wished.
private func until(
    _ states: inout LiveCallbacksUpdates.AsyncIterator?, _ wished: (LiveCallbacks) -> Bool
) async throws -> LiveCallbacks {
    while let state = try await states?.next() {
        if wished(state) { return state }
    }
    throw NotInTime()
}

/// Counts streams: those that were opened, and those that are held now.
private final class Counting: Transport, @unchecked Sendable {
    private let inner = URLSessionTransport()
    private let lock = NSLock()
    private var counts = (opened: 0, held: 0)

    var opened: Int { lock.withLock { counts.opened } }
    var held: Int { lock.withLock { counts.held } }

    func send(request: HttpRequest) async throws -> HttpResponse {
        try await inner.send(request: request)
    }

    func stream(request: HttpRequest, sink: StreamSink) async throws {
        lock.withLock { counts = (counts.opened + 1, counts.held + 1) }
        defer { lock.withLock { counts.held -= 1 } }
        try await inner.stream(request: request, sink: sink)
    }
}
