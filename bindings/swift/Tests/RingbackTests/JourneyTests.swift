import Ringback
import Testing

/// The customer's whole journey, readable from top to bottom; the same stands in Rust and in Kotlin.
@Suite(.timeLimit(.minutes(1)))
struct JourneyTests {
    private let folder: TemporaryFolder
    private let centre: Centre
    private let app: Ringback

    private let number = PhoneNumber("+4930901820390")
    private let request = CallbackRequest(
        service: "billing", number: PhoneNumber("+4930901820390"),
        name: PersonName("Ferdinand Umbrellastand"),
        context: ["cart": ContextValue("canary-cart-of-seventeen-lamps")])

    init() async throws {
        folder = try TemporaryFolder()
        centre = try await Centre.started()
        app = try centre.app(folder)
    }

    @Test("From a tap to an answered call")
    func tapToAnsweredCall() async throws {
        _ = try await app.registerPush(
            .apns(
                token: PushToken(String(repeating: "0a", count: 32)), environment: .sandbox,
                topic: centre.topic))
        var events = app.events.makeAsyncIterator()

        // A person taps "call me" and keeps their place in line.
        let callback = try await app.requestCallback(request)
        #expect(callback.state == .queued)
        #expect(callback.position == 1)
        #expect(try await events.next()?.kind == .requested)

        // An agent with the right skills becomes ready; the phone gets a push.
        try await centre.staff("PUT", "agents/ada/state", ["state": "ready"])
        let push = Ringback.pushData(in: try await centre.pushOverApns())
        #expect(try await events.next()?.kind == .reserved)
        #expect(try await events.next()?.kind == .notified)

        // The app hands the push to the SDK, which fetches the details.
        let outcome = try await app.handlePush(push)
        guard case .event(let event, let asked, let actionToken, _) = outcome else {
            Issue.record("the push was not understood: \(outcome)")
            return
        }
        #expect(event == .agentReady)
        #expect(asked.id == callback.id)
        #expect(asked.state == .routing)
        #expect(
            try await app.handlePush(push) == .duplicate(callbackId: callback.id), "a second copy is dropped")
        #expect(try await app.handlePush(["chat": "hello"]) == .notOurs)

        // The person says "ready".
        let confirmation = try await app.confirm(callback.id, answer: .ready, actionToken: actionToken)
        #expect(confirmation.callback.phase == .confirmed)
        #expect(try await events.next()?.kind == .confirmed)
        #expect(try await events.next()?.kind == .connecting)

        // The agent sees whom to call and why, dials, and talks.
        let desk = try await centre.staff("GET", "agents/ada")["callback"]
        #expect(desk["number"].text == number.value)
        #expect(desk["context"]["cart"].text == request.context["cart"]?.value)
        try await centre.staff("POST", "callbacks/\(callback.id)/result", ["result": "connected"])
        #expect(try await events.next()?.kind == .processing)

        // The record is closed.
        try await centre.staff("POST", "callbacks/\(callback.id)/complete", ["note": "solved"])
        let completed = try await events.next()
        #expect(completed?.kind == .completed)
        #expect(completed?.callback.reason == .handled)
        #expect(completed?.seq == 7, "no event was left out")
        #expect(try await app.callbacks().map(\.state) == [.completed])
    }

    @Test("A customer dials and is known on arrival")
    func clickToCall() async throws {
        let ticket = try await app.requestCallIn(
            CallInRequest(service: "billing", callerNumber: number, context: request.context))
        #expect(ticket.accessCode.value.count == 6, "text, so that leading zeros stay")
        #expect(ticket.telUri.value.hasPrefix("tel:\(ticket.number.value)"))
        #expect(ticket.telUri.value.hasSuffix(ticket.accessCode.value))

        let call = ["called_number": ticket.number.value, "access_code": ticket.accessCode.value]
        let known = try await centre.staff("POST", "call-ins/match", call)
        #expect(known["id"].text == ticket.id)
        #expect(known["context"]["cart"].text == request.context["cart"]?.value)
    }

    @Test("A second request for the same number is refused, and says which one is open")
    func secondRequest() async throws {
        let open = try await app.requestCallback(request)
        let error = try #require(try await failure { _ = try await app.requestCallback(request) })
        guard case .refused(status: 409, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(error.code == "callback_already_open")
        #expect(error.callbackId == open.id)
        #expect(!error.title.isEmpty)
        #expect(error.requestId?.isEmpty == false, "the server's log can be searched for it")
        #expect(!error.retryable)

        // Taken back, it no longer stands in the way.
        #expect(try await app.cancel(open.id).reason == .cancelledByCustomer)
        #expect(try await app.requestCallback(request).state == .queued)
    }
}
