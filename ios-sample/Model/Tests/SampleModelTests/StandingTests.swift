import Foundation
import Ringback
import Testing

@testable import SampleModel

/// What is known, and how it adds up; the same stands in Kotlin.
struct StandingTests {
    private let start = Date(timeIntervalSince1970: 1_796_115_600)

    private func callback(
        _ state: CallbackState, id: String = "cb_1", version: UInt64 = 1, position: UInt32? = nil,
        code: SpokenCode? = nil
    ) -> Callback {
        Callback(
            id: id, service: "billing", state: state, phase: nil, reason: nil,
            direction: .customerTerminated, position: position, wait: nil, scheduled: nil, attempts: 0,
            createdAt: start, confirmBy: nil, notBefore: nil, spokenCode: code, version: version)
    }

    private func seen(_ callbacks: [Callback], after seconds: TimeInterval, live: Bool) -> LiveCallbacks {
        LiveCallbacks(callbacks: callbacks, asOf: start.addingTimeInterval(seconds), live: live)
    }

    private func at(_ seconds: TimeInterval) -> Date { start.addingTimeInterval(seconds) }

    @Test("A copy without a place takes none away")
    func places() {
        let known = Known().with(callback(.queued, position: 4))
        #expect(known.place?.position == 4)
        for version in [1, 2, 7] as [UInt64] {
            let copy = callback(.queued, version: version)
            #expect(known.with(copy).place == known.place)
            #expect(known.with(seen([copy], after: 0, live: true)).place == known.place)
        }
        let moved = known.with(LineUpdate(callbackId: "cb_1", at: start, position: 2, wait: nil))
        #expect(moved.place?.position == 2)
        let other = known.with(LineUpdate(callbackId: "cb_0", at: start, position: 2, wait: nil))
        #expect(other.place == known.place)
        #expect(known.with(callback(.routing, version: 2)).place == nil, "who is called does not wait")
        let due = Known().with(callback(.routing, code: SpokenCode("4711")))
        #expect(due.with(callback(.routing)).callback?.spokenCode == SpokenCode("4711"))
        #expect(due.with(callback(.processing, version: 2)).callback?.spokenCode == nil)
    }

    @Test("How old it is, and when the server counts as out of reach")
    func ages() {
        var listening = Known()
        listening.listeningSince = start
        let waiting = [callback(.queued)]
        let kept = listening.with(seen(waiting, after: -600, live: false))
        #expect(kept.age == at(-600))
        #expect(!kept.isOffline(at: at(10)), "it is being connected")
        #expect(kept.isOffline(at: at(60)), "nothing came of it")

        var live = kept.with(seen(waiting, after: 1, live: true))
        #expect(live.age == nil && !live.isOffline(at: at(3600)))
        live.missedAt = at(5)
        #expect(!live.isOffline(at: at(6)), "the stream is there")

        // The connection is lost; then a call does not get through either.
        var lost = live.with(seen(waiting, after: 20, live: false))
        #expect(lost.age == at(20) && !lost.isOffline(at: at(21)))
        lost.missedAt = at(22)
        #expect(lost.isOffline(at: at(22)))
        // A poll gets through: what it brings is old at once, and the server is there.
        var polled = lost.with(seen(waiting, after: 30, live: false))
        #expect(polled.age == at(30) && !polled.isOffline(at: at(31)))
        polled.listeningSince = nil
        #expect(!polled.isOffline(at: at(9000)), "nobody listens")
        #expect(!polled.with(seen(waiting, after: 40, live: true)).live)
    }

    @Test("What is older changes nothing, and what was seen to its end is over")
    func copies() {
        let known = Known().with(callback(.processing, version: 5))
        #expect(known.with(callback(.queued, version: 4)) == known)
        let later = callback(.completed, version: 6)
        #expect(known.with(later).callback == later)
        #expect(Known().with(later) == Known(), "what was over before the app looked is no news")
        let next = callback(.queued, id: "cb_2")
        #expect(known.with(next).callback == next)
        let dismissed = known.with(later).dismissing()
        #expect(dismissed.with(callback(.queued, version: 9)) == dismissed)
        #expect(dismissed.with(seen([next, later], after: 1, live: true)).callback == next)
    }
}
