import Foundation
import Ringback
import SampleModel
import Testing

/// Now or later, one's own call, settings; the same stands in Kotlin.
@Suite(.timeLimit(.minutes(1)))
@MainActor
struct AskTests {
    @Test("A time is chosen, somebody is faster, and another is taken")
    func slots() async throws {
        let centre = try await Centre.started()
        let phone = try Phone(centre, number: "+4930901820396", service: "advice")
        await phone.app.start()
        let ask = phone.app.ask
        await ask.chooseLater()
        let slots = try #require(ask.slots)
        #expect(!ask.canAsk, "no time is chosen yet")
        let wanted = slots[slots.count / 2]
        ask.pick(wanted)
        #expect(ask.canAsk)

        // Two others take its seats meanwhile.
        for number in ["+4930901820397", "+4930901820398"] {
            let other = try Phone(centre, number: number, service: "advice")
            await other.app.ask.chooseLater()
            other.app.ask.pick(wanted)
            await other.app.ask.ask()
            _ = try await other.stands { if case .promised = $0 { true } else { nil } }
        }
        await ask.ask()
        #expect(ask.trouble?.code == "slot_full")
        #expect(ask.slot == nil)
        let free = try #require(ask.slots?.first)
        #expect(free != wanted && free.capacityLeft > 0)

        // What is left is shown in place of an error.
        ask.pick(free)
        await ask.ask()
        let promised = try await phone.stands { standing -> Date? in
            if case .promised(let callback) = standing { callback.scheduled?.at } else { nil }
        }
        #expect(promised == free.start)

        // As soon as possible after all.
        await phone.app.callback.reschedule(nil)
        let place = try await phone.stands { standing -> UInt32? in
            if case .inLine(_, let position, .some, _) = standing { position } else { nil }
        }
        #expect(place == 1)
    }

    @Test("The one that stands in the way is shown")
    func alreadyOpen() async throws {
        let phone = try Phone(try await Centre.started(), number: "+4930901820399")
        await phone.app.ask.ask()
        let first = try #require(phone.app.watch.known.callback)
        try await phone.restart()
        await phone.app.ask.ask()
        #expect(phone.app.ask.trouble?.code == "callback_already_open")
        #expect(phone.app.watch.known.callback?.id == first.id)
    }

    @Test("Without a network nothing is offered, and the number can be mended")
    func offline() async throws {
        let phone = try Phone(try await Centre.started(), number: "0309018")
        let ask = phone.app.ask
        #expect(!ask.canAsk, "there is no country code")
        ask.number = "+49 (30) 9018-20388"
        #expect(ask.canAsk)
        phone.network.airplaneMode = true
        await ask.refresh()
        #expect(ask.offer == nil && ask.trouble?.offline == true && !ask.busy)
        phone.network.airplaneMode = false
        await ask.refresh()
        #expect(ask.offer != nil && ask.trouble == nil)
        await ask.ask()
        #expect(phone.settings.settings.number.value == "+4930901820388")
    }

    @Test("The person calls and is known")
    func callIn() async throws {
        let centre = try await Centre.started()
        let phone = try Phone(centre, number: "+4930901820389")
        phone.network.airplaneMode = true
        await phone.app.callIn.request()
        #expect(phone.app.callIn.ticket == nil && phone.app.callIn.trouble?.offline == true)
        #expect(phone.app.callIn.fallback == nil, "no number was ever heard of")

        phone.network.airplaneMode = false
        await phone.app.show(.callIn)
        let ticket = try #require(phone.app.callIn.ticket)
        #expect(ticket.secondsLeft(at: Date()) > 0)
        #expect(ticket.secondsLeft(at: ticket.expiresAt.addingTimeInterval(5)) == 0)
        let dialed = ["called_number": ticket.number.value, "access_code": ticket.accessCode.value]
        #expect(try await centre.staff("POST", "call-ins/match", dialed)["id"].text == ticket.id)
        phone.app.callIn.close()
        #expect(phone.app.callIn.ticket == nil)
    }

    @Test("Without a server there is the number that was last known")
    func fallback() async throws {
        let phone = try Phone(try await Centre.started(), number: "+4930901820389")
        await phone.app.ask.refresh()
        let named = try #require(phone.app.ask.offer?.fallbackNumber)
        try await phone.restart()
        phone.network.airplaneMode = true
        let model = phone.app.callIn
        await model.request()
        let number = try #require(model.fallback)
        #expect(number.number == named)
        #expect(number.fromCache && number.asOf <= Date())
        #expect(model.trouble?.pendingKey != nil)

        // It is dialed: no code has to come any more.
        await model.callsFallback()
        phone.network.airplaneMode = false
        await model.request()
        #expect(model.ticket != nil && model.fallback == nil && model.trouble == nil)
    }

    @Test("Settings are kept, and a device is taken away")
    func settings() async throws {
        let centre = try await Centre.started()
        let phone = try Phone(centre, number: "")
        let model = phone.app.settings
        await phone.app.show(.settings)
        model.number = "0309018"
        model.save()
        #expect(!model.canSave)
        #expect(phone.settings.settings.number.value.isEmpty, "what is no number is not kept")
        model.number = "+49 30 9018 20387"
        model.save()
        #expect(phone.settings.settings.number.value == "+4930901820387")
        await phone.app.show(.home)
        #expect(phone.app.ask.number == "+4930901820387")

        let token = PushToken(String(repeating: "0c", count: 32))
        await model.register(
            .apns(token: token, environment: .sandbox, topic: try centre.topic), locale: "de",
            appVersion: "0.1.0")
        await model.unregister(try #require(model.devices?.first))
        #expect(model.devices?.isEmpty == true)
    }
}
