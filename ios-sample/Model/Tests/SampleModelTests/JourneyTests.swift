import Foundation
import Ringback
import SampleModel
import Testing

/// The whole way of a person through the app, offline too; the same stands in Kotlin.
@Suite(.timeLimit(.minutes(1)))
@MainActor
struct JourneyTests {
    @Test("Asked for in a tunnel, answered from the lock screen, and talked")
    func journey() async throws {
        let centre = try await Centre.started()
        let phone = try Phone(centre, number: "+4930901820392")
        await phone.app.start()
        #expect(phone.app.ask.offer?.immediate.offered == true)
        #expect(phone.app.ask.canAsk)
        await phone.app.settings.register(
            .apns(
                token: PushToken(String(repeating: "0b", count: 32)), environment: .sandbox,
                topic: try centre.topic),
            locale: "de-AT", appVersion: "0.1.0")
        #expect(phone.app.settings.devices?.count == 1)

        // In a tunnel the tap is kept, and the app says so.
        phone.network.airplaneMode = true
        await phone.app.ask.ask()
        let trouble = try #require(phone.app.ask.trouble)
        #expect(trouble.offline && trouble.pendingKey != nil)
        let unsent = try await phone.stands(\.unsentKey)
        #expect(phone.app.watch.known.isOffline(at: Date()))

        // The phone ends the app; opened again, it still says so.
        try await phone.restart()
        phone.app.watch.start()
        #expect(try await phone.stands(\.unsentKey) == unsent)

        // Out of the tunnel: one tap is one request.
        phone.network.airplaneMode = false
        await phone.app.callback.sendAgain()
        let status = try await phone.stands { standing -> WaitStatus? in
            guard case .inLine(_, position: 1, let wait?, _) = standing else { return nil }
            return wait.status
        }
        #expect(status == .noAgents)
        let known = try await phone.until { app in
            app.watch.known.live && app.watch.known.kept.isEmpty ? app.watch.known : nil
        }
        #expect(known.age == nil && known.asOf != nil && !known.isOffline(at: Date()))

        // An agent is ready: the push asks, and so does the screen.
        try await centre.staff("PUT", "agents/ada/state", ["state": "ready"])
        let push = Ringback.pushData(in: try await centre.received("apns", 1)[0]["payload"].fields)
        guard case .event(.agentReady, _, _, _) = try await phone.app.callback.received(push) else {
            Issue.record("the push was not understood")
            return
        }
        let (id, until) = try await phone.stands(\.question)
        #expect(until > Date())

        // "Connect me", from the lock screen.
        #expect(await phone.app.callback.tapped(push, action: NotificationAction.ready) == nil)
        _ = try await phone.stands { if case .connecting = $0 { true } else { nil } }
        let desk = try await centre.staff("GET", "agents/ada")["callback"]
        #expect(desk["number"].text == "+4930901820392")
        try await centre.staff("POST", "callbacks/\(id)/result", ["result": "connected"])
        _ = try await phone.stands { if case .talking = $0 { true } else { nil } }

        // Over; once seen, there is nothing left.
        try await centre.staff("POST", "callbacks/\(id)/complete", ["note": "solved"])
        #expect(try await phone.stands(\.ending) == .handled)
        phone.app.watch.dismiss()
        #expect(phone.app.watch.known.standing == .idle)
        try await phone.restart()
        await phone.app.watch.catchUp()
        #expect(phone.app.watch.known.standing == .idle)
    }

    @Test("Not now, on another number, and no longer needed")
    func changes() async throws {
        let centre = try await Centre.started()
        let phone = try Phone(centre, number: "+4930901820393")
        await phone.app.start()
        await phone.app.ask.ask()
        try await centre.staff("PUT", "agents/ada/state", ["state": "ready"])
        let id = try await phone.stands(\.question).id
        await phone.app.callback.inTenMinutes()
        let rests = try await phone.stands { standing -> Date? in
            if case .inLine(_, _, _, let until) = standing { until } else { nil }
        }
        #expect(rests.timeIntervalSinceNow > 540)

        // While waiting, the number is changed; nonsense is refused and changes nothing.
        await phone.app.callback.onOtherNumber("no number")
        #expect(phone.app.callback.trouble?.code == "number_not_e164")
        await phone.app.callback.onOtherNumber("+49 30 9018 20394")
        #expect(phone.app.callback.trouble == nil)
        #expect(try await centre.staff("GET", "callbacks/\(id)")["number"].text == "+4930901820394")

        // Taken back without a network: it is done when there is one.
        phone.network.airplaneMode = true
        await phone.app.callback.cancel()
        #expect(phone.app.callback.trouble?.pendingKey != nil)
        #expect(phone.app.watch.known.unsentChange == .cancel)
        phone.network.airplaneMode = false
        await phone.app.callback.sendAgain()
        #expect(try await phone.stands(\.ending) == .cancelledByCustomer)
        #expect(phone.app.callback.trouble == nil)
    }

    @Test("Asked on the screen, and the person dials")
    func dialing() async throws {
        let centre = try await Centre.started()
        let phone = try Phone(centre, number: "+4930901820395", service: "sales")
        await phone.app.start()
        await phone.app.ask.ask()
        try await centre.staff("PUT", "agents/grace/state", ["state": "ready"])
        _ = try await phone.stands(\.question)
        await phone.app.callback.ready()
        let ticket = try await phone.stands { standing -> CallTicket? in
            if case .connecting(_, let ticket) = standing { ticket } else { nil }
        }
        #expect(ticket.telUri.value.hasPrefix("tel:"))
        let dialed = ["called_number": ticket.number.value, "access_code": ticket.accessCode.value]
        try await centre.staff("POST", "call-ins/match", dialed)
    }
}

extension Standing {
    fileprivate var unsentKey: String? {
        if case .notSent(let key, _) = self { key } else { nil }
    }

    fileprivate var question: (id: String, until: Date)? {
        if case .asked(let callback, let until) = self { (callback.id, until) } else { nil }
    }

    fileprivate var ending: CompletedReason? {
        if case .over(let callback) = self { callback.reason } else { nil }
    }
}
