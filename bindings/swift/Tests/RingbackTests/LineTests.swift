import Ringback
import Testing

/// The line from an app: offer, slots, another time, "not now", position and wait; the same stands in Rust and in Kotlin.
@Suite(.timeLimit(.minutes(1)))
struct LineTests {
    private let folder: TemporaryFolder
    private let centre: Centre
    private let app: Ringback

    private let someone = PhoneNumber("+4930901820391")
    private let another = PhoneNumber("+4930901820392")
    private let third = PhoneNumber("+4930901820393")
    private let everySlot = AvailabilityRequest(service: "advice", zone: "Europe/Berlin", includeFull: true)

    init() async throws {
        folder = try TemporaryFolder()
        centre = try await Centre.started()
        app = try centre.app(folder)
    }

    @Test("A time is chosen, and another, and then none")
    func chosenTimes() async throws {
        // Nobody is logged in: no number of seconds would be honest.
        let offer = try await app.offer("advice")
        #expect(offer.immediate.offered && offer.scheduled.offered)
        #expect(offer.wait.status == .noAgents)
        #expect(offer.wait.p90S == nil)

        // Two people take both seats of a slot; the third is told where there is room.
        let slots = try await app.availability(everySlot).slots
        let wanted = slots[slots.count / 2]
        #expect(wanted.capacityLeft == 2)
        #expect(wanted.capacityTotal == 2)
        let callback = try await app.requestCallback(advice(someone, wanted))
        #expect(callback.state == .scheduled)
        #expect(callback.scheduled?.at == wanted.start)
        _ = try await app.requestCallback(advice(another, wanted))
        let full = try #require(
            try await failure { _ = try await app.requestCallback(advice(third, wanted)) })
        #expect(full.code == "slot_full")
        #expect(full.slots.contains { $0.start < wanted.start }, "room before it")
        #expect(full.slots.contains { $0.start > wanted.start }, "and after it")
        #expect(full.slots.allSatisfy { $0.capacityLeft > 0 })

        // The first moves to one of these, and leaves a seat behind.
        let free = try #require(full.slots.first)
        let moved = try await app.reschedule(callback.id, scheduledFor: free.wallTime)
        #expect(moved.scheduled?.at == free.start)
        let left = try await app.availability(everySlot).slots.first { $0.start == wanted.start }
        #expect(left?.capacityLeft == 1)

        // Then "now", "not now", on another number, and not at all.
        let queued = try await app.reschedule(callback.id, scheduledFor: nil)
        #expect(queued.state == .queued)
        #expect(queued.position == 1)
        #expect(try await app.snooze(callback.id, delayS: 600).notBefore != nil)
        _ = try await app.changeNumber(callback.id, to: third)
        #expect(try await centre.staff("GET", "callbacks/\(callback.id)")["number"].text == third.value)
        #expect(try await app.cancel(callback.id).reason == .cancelledByCustomer)
    }

    @Test("A request is tried out")
    func validation() async throws {
        let accepted = try await app.validate(advice(someone))
        #expect(accepted.accepted && accepted.checks.allSatisfy(\.passed))
        let refused = try await app.validate(advice(PhoneNumber("no number")))
        #expect(!refused.accepted)
        #expect(refused.checks.first { !$0.passed }?.code == "number_not_e164")
        #expect(try await app.callbacks().isEmpty, "nothing was asked for")
    }

    @Test("Position and wait are live")
    func liveLine() async throws {
        let first = try await app.requestCallback(advice(someone))
        let second = try await app.requestCallback(advice(another))
        var line = app.line(second.id).makeAsyncIterator()
        let update = try #require(try await line.next())
        #expect(update.callbackId == second.id)
        #expect(update.position == 2)
        #expect(update.wait?.status == .noAgents)

        // Whoever stood before is gone.
        _ = try await app.cancel(first.id)
        var position = update.position
        while position != 1 { position = try #require(try await line.next()).position }

        // The sequence ends with the callback, for whoever begins to loop later too.
        _ = try await app.cancel(second.id)
        while try await line.next() != nil {}
        for try await update in app.line(second.id) {
            Issue.record("an update after the end: \(update)")
        }
    }

    private func advice(_ number: PhoneNumber, _ slot: Slot? = nil) -> CallbackRequest {
        CallbackRequest(service: "advice", number: number, scheduledFor: slot?.wallTime)
    }
}
