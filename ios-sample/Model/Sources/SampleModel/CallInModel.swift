import Foundation
import Observation
import Ringback

/// "I call you": a number, and a code by which the person is known.
@MainActor
@Observable
public final class CallInModel {
    public private(set) var ticket: CallTicket?
    /// The service's own number, as last known, while the server is out of reach. Nobody there will know who calls.
    public private(set) var fallback: FallbackNumber?
    public private(set) var busy = false
    public private(set) var trouble: Trouble?

    @ObservationIgnored private let ringback: Ringback
    @ObservationIgnored private let service: String
    @ObservationIgnored private let settings: any SettingsStore
    @ObservationIgnored private let watch: CallbackWatch

    init(_ ringback: Ringback, service: String, settings: any SettingsStore, watch: CallbackWatch) {
        (self.ringback, self.service, self.settings, self.watch) = (ringback, service, settings, watch)
    }

    /// Asks for a number and a code.
    public func request() async {
        (busy, trouble) = (true, nil)
        let person = settings.settings
        trouble = await watch.asking {
            ticket = try await ringback.requestCallIn(
                CallInRequest(
                    service: service,
                    callerNumber: person.number.value.isPhoneNumber ? person.number : nil,
                    name: person.name.value.isEmpty ? nil : person.name,
                    context: ["asked_in": ContextValue("sample app")]))
        }
        fallback = nil
        if trouble?.offline == true {
            await watch.asking { fallback = try await ringback.fallback(service) }
        }
        busy = false
    }

    /// The person calls the service's own number: a code is no longer asked for.
    public func callsFallback() async {
        guard let unsent = trouble?.pendingKey else { return }
        await watch.asking { try await ringback.discard(unsent) }
    }

    /// The person is done with it.
    public func close() {
        (ticket, fallback, trouble) = (nil, nil, nil)
    }
}

extension CallTicket {
    /// For how many seconds the code is still worth something; zero when it is not.
    public func secondsLeft(at now: Date) -> Int { max(0, Int(expiresAt.timeIntervalSince(now))) }
}
