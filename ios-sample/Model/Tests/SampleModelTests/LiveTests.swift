import Foundation
import Observation
import Ringback
import Testing

@testable import SampleModel

/// What is known is shown at once, with its age; the same stands in Kotlin.
@Suite(.timeLimit(.minutes(1)))
@MainActor
struct LiveTests {
    @Test("The last known state, its age, and what happened meanwhile")
    func ages() async throws {
        let centre = try await Centre.started()
        let phone = try Phone(centre, number: "+4930901820392")
        await phone.app.start()
        await phone.app.ask.ask()
        _ = try await phone.until { $0.watch.known.live ? $0.watch.known.firstPlace : nil }

        // The network is gone: place and wait stand, and it is said how old they are.
        phone.network.airplaneMode = true
        let cut = try await phone.until { $0.watch.known.live ? nil : $0.watch.known }
        let asOf = try #require(cut.age)
        #expect(asOf <= Date())
        #expect(cut.firstPlace != nil)
        #expect(cut.isOffline(at: Date().addingTimeInterval(60)), "nothing was heard for a minute")

        // Opened again without a network, the app shows it at once; a place that is not known is not made up.
        try await phone.restart()
        #expect(phone.app.watch.known.standing == .idle)
        await phone.app.start()
        let known = try await phone.until { $0.watch.known.callback == nil ? nil : $0.watch.known }
        #expect(known.callback?.id == cut.callback?.id)
        #expect(known.callback?.state == .queued)
        #expect(known.place == nil && !known.live)
        #expect(try #require(known.age).timeIntervalSince(asOf) < 20, "not its own start")
        _ = try await phone.until { $0.watch.known.isOffline(at: Date()) ? true : nil }

        // An agent became ready meanwhile.
        try await centre.staff("PUT", "agents/ada/state", ["state": "ready"])
        phone.network.airplaneMode = false
        await phone.app.callback.sendAgain()
        _ = try await phone.stands { if case .asked = $0 { true } else { nil } }
        #expect(try await phone.until { $0.watch.known.live ? $0.watch.known : nil }.age == nil)

        // In the background nothing is listened to.
        phone.app.stop()
        #expect(!phone.app.watch.known.live)
    }

    @Test("A place that is known never goes away while the person waits")
    func places() async throws {
        let centre = try await Centre.started()
        let phone = try Phone(centre, number: "+4930901820393")
        await phone.app.start()
        let seen = Places(phone.app.watch)
        await phone.app.ask.ask()
        _ = try await phone.until { $0.watch.known.live ? $0.watch.known.firstPlace : nil }
        await phone.app.callback.onOtherNumber("+49 30 9018 20394")
        phone.network.airplaneMode = true
        _ = try await phone.until { $0.watch.known.live ? nil : true }
        phone.network.airplaneMode = false
        await phone.app.callback.sendAgain()
        _ = try await phone.until { $0.watch.known.live ? true : nil }
        try await centre.staff("PUT", "agents/ada/state", ["state": "ready"])
        _ = try await phone.stands { if case .asked = $0 { true } else { nil } }
        let known = seen.places.drop { $0 == nil }
        #expect(!known.isEmpty && !known.contains(nil))
    }

    @Test("What was seen to its end does not come back")
    func dismissed() async throws {
        let phone = try Phone(try await Centre.started(), number: "+4930901820395")
        await phone.app.start()
        await phone.app.ask.ask()
        let waiting = try #require(phone.app.watch.known.callback)
        await phone.app.callback.cancel()
        _ = try await phone.stands { if case .over = $0 { true } else { nil } }
        phone.app.watch.dismiss()
        // A copy from before, late.
        phone.app.watch.learn(waiting)
        #expect(phone.app.watch.known.standing == .idle)
        await phone.app.ask.ask()
        let next = try #require(phone.app.watch.known.callback)
        #expect(next.id != waiting.id)
    }
}

/// Every place that was shown to somebody who waits, `nil` for none.
@MainActor
private final class Places {
    private(set) var places: [UInt32?] = []
    private let watch: CallbackWatch

    init(_ watch: CallbackWatch) {
        self.watch = watch
        look()
    }

    private func look() {
        withObservationTracking {
            if case .inLine(_, let position, _, _) = watch.known.standing { places.append(position) }
        } onChange: { [weak self] in
            Task { @MainActor in self?.look() }
        }
    }
}

extension Known {
    /// Waiting as the first, and told how long.
    fileprivate var firstPlace: Place? {
        if case .inLine(_, position: 1, .some, _) = standing { place } else { nil }
    }
}
