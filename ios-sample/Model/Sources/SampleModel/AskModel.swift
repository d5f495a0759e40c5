import Foundation
import Observation
import Ringback

/// "Call me": now or later.
@MainActor
@Observable
public final class AskModel {
    /// What the service offers; `nil` until it was asked.
    public private(set) var offer: Offer?
    /// The person wants a time of their own.
    public private(set) var later = false
    /// Free times, once they are wanted.
    public private(set) var slots: [Slot]?
    public private(set) var slot: Slot?
    /// As it is typed.
    public var number: String
    public private(set) var busy = false
    public private(set) var trouble: Trouble?

    /// Whether "call me" can be tapped. What the server says of it is another matter.
    public var canAsk: Bool { !busy && number.isPhoneNumber && (!later || slot != nil) }

    @ObservationIgnored private let ringback: Ringback
    @ObservationIgnored private let service: String
    @ObservationIgnored private let settings: any SettingsStore
    @ObservationIgnored private let watch: CallbackWatch
    @ObservationIgnored private let zone: TimeZone

    init(
        _ ringback: Ringback, service: String, settings: any SettingsStore, watch: CallbackWatch,
        zone: TimeZone
    ) {
        (self.ringback, self.service, self.settings, self.watch, self.zone) =
            (ringback, service, settings, watch, zone)
        number = settings.settings.number.value
    }

    /// Looks at what is offered.
    public func refresh() async {
        await work {
            let offer = try await ringback.offer(service)
            watch.heard()
            self.offer = offer
            // What cannot be had now is not preselected.
            later = later || !offer.immediate.offered && offer.scheduled.offered
            if later { try await loadSlots() }
        }
    }

    public func chooseNow() {
        (later, trouble) = (false, nil)
    }

    public func chooseLater() async {
        await work {
            later = true
            try await loadSlots()
        }
    }

    public func pick(_ slot: Slot) {
        (self.slot, trouble) = (slot, nil)
    }

    /// The number in the settings has changed.
    public func numberChanged() {
        (number, trouble) = (settings.settings.number.value, nil)
    }

    /// The person taps "call me".
    public func ask() async {
        await work {
            settings.settings.number = PhoneNumber(number.asPhoneNumber)
            let person = settings.settings
            try await send(
                CallbackRequest(
                    service: service, number: person.number,
                    name: person.name.value.isEmpty ? nil : person.name,
                    context: ["asked_in": ContextValue("sample app")],
                    scheduledFor: later ? slot?.wallTime : nil))
            (later, slot, slots) = (false, nil, nil)
        }
    }

    private func send(_ request: CallbackRequest) async throws {
        do {
            watch.learn(try await ringback.requestCallback(request))
        } catch let error as RingbackError {
            // The one that stands in the way is what the person wants to see.
            if error.code == "callback_already_open", let id = error.callbackId {
                watch.learn(try await ringback.callback(id))
            }
            throw error
        }
    }

    private func loadSlots() async throws {
        let free = try await ringback.availability(
            AvailabilityRequest(service: service, zone: zone.identifier)
        ).slots
        slots = free
        if let chosen = slot, !free.contains(chosen) { slot = nil }
    }

    private func work(_ call: () async throws -> Void) async {
        (busy, trouble) = (true, nil)
        trouble = await watch.asking(call)
        if let left = trouble?.slots, !left.isEmpty {
            // Somebody was faster: the times that are left stand in place of the one that is gone.
            (slot, slots) = (nil, left)
        }
        busy = false
        await watch.lookAtKept()
    }
}

extension String {
    var asPhoneNumber: String { filter { !$0.isWhitespace && !"-/().\u{2011}".contains($0) } }

    /// Looks like a number with its country code; whether it is called is the server's to say.
    var isPhoneNumber: Bool {
        let number = asPhoneNumber
        return number.first == "+" && (8...16).contains(number.count)
            && number.dropFirst().allSatisfy { ("0"..."9").contains($0) }
    }
}
