import Foundation
import Ringback

/// What the app knows of the person's callback, and how fresh that is.
public struct Known: Equatable, Sendable {
    /// The newest one; `nil` when there is none to show.
    public internal(set) var callback: Callback?
    /// Where it is in line; what was last said stays until something newer is.
    public internal(set) var place: Place?
    /// What to dial, once the person has said "ready" and makes the call.
    public internal(set) var ticket: CallTicket?
    /// What the server has not answered yet, without what the person did not ask for.
    public internal(set) var kept: [PendingRequest] = []
    /// When the server last said so.
    public internal(set) var asOf: Date?
    /// It is so now: the server is being listened to.
    public internal(set) var live = false
    /// Since when the app listens; `nil` in the background.
    var listeningSince: Date?
    /// When the server last said anything.
    var heardAt: Date?
    /// When the server was last asked and not reached.
    var missedAt: Date?
    /// The callback whose end the person has seen.
    var dismissed: String?

    public init() {}
}

/// A place in line; 1 is next.
public struct Place: Equatable, Sendable {
    public let position: UInt32?
    public let wait: WaitEstimate?
}

extension Known {
    /// How old it is, for a screen to say; `nil` while it is so now.
    public var age: Date? { live ? nil : asOf }

    /// The server is out of reach: a call did not get through, or nothing was heard for so long that even polls must
    /// have failed.
    public func isOffline(at now: Date) -> Bool {
        if live { return false }
        let heard = heardAt ?? .distantPast
        if let missedAt, missedAt > heard { return true }
        guard let listeningSince else { return false }
        return now.timeIntervalSince(max(listeningSince, heard)) > Self.longestSilence
    }

    /// Three polls, in seconds.
    private static let longestSilence: TimeInterval = 45
}

/// Where the person stands: one screen each.
public enum Standing: Equatable, Sendable {
    /// Nothing was asked for.
    case idle
    /// A request lies on the device; the server has not seen it, or its answer was lost.
    case notSent(key: String, since: Date)
    /// A request was not sent in time, or was refused while nobody looked: `detail` says why, if the server did.
    case lapsed(key: String, detail: String?)
    /// Promised for a chosen time.
    case promised(Callback)
    /// Waiting for an agent; without a position until the line has said it. Until `restsUntil` nobody calls: the person said "not now", or an attempt failed.
    case inLine(Callback, position: UInt32?, wait: WaitEstimate?, restsUntil: Date?)
    /// "Your agent is ready, are you?"
    case asked(Callback, until: Date)
    /// The call is being made; by the person, when there is a ticket.
    case connecting(Callback, ticket: CallTicket?)
    /// Agent and person talk.
    case talking(Callback)
    /// Over; the callback's `reason` says why.
    case over(Callback)
}

extension Known {
    /// Where the person stands.
    public var standing: Standing {
        if let callback, callback.isOpen { return standing(of: callback) }
        if let unsent = kept.first(where: { $0.kind == .requestCallback }) {
            switch unsent.state {
            case .notSent, .sending: return .notSent(key: unsent.key, since: unsent.requestedAt)
            case .refused(_, let detail): return .lapsed(key: unsent.key, detail: detail)
            case .expired: return .lapsed(key: unsent.key, detail: nil)
            }
        }
        return callback.map { .over($0) } ?? .idle
    }

    /// The change of the open callback that waits for the network.
    public var unsentChange: PendingKind? {
        guard let id = callback?.id else { return nil }
        return kept.last { $0.isOpen && $0.callbackId == id }?.kind
    }

    private func standing(of callback: Callback) -> Standing {
        switch callback.state {
        case .scheduled: return .promised(callback)
        case .processing: return .talking(callback)
        case .routing:
            if let until = callback.confirmBy { return .asked(callback, until: until) }
            return .connecting(callback, ticket: ticket)
        default:
            return .inLine(
                callback, position: place?.position, wait: place?.wait, restsUntil: callback.notBefore)
        }
    }

    /// With what the live view shows. Of copies from other ways the newer one stays.
    func with(_ seen: LiveCallbacks) -> Known {
        // One that was over before the app looked is no news.
        let newest = seen.callbacks.first { $0.isOpen || $0.id == callback?.id }
        var known = newest.map(with) ?? self
        known.asOf = max(asOf ?? seen.asOf, seen.asOf)
        known.heardAt = max(heardAt ?? seen.asOf, seen.asOf)
        // What still comes when nobody listens any more is not followed.
        known.live = seen.live && listeningSince != nil
        return known
    }

    /// With this callback, unless a newer one is known.
    func with(_ callback: Callback) -> Known {
        var known = self
        if callback.id == dismissed { return self }
        if let current = self.callback, current.id == callback.id {
            guard callback.version >= current.version else { return self }
            // The live view has no places and a request's answer may have no code: what is known of these stays.
            let lacksCode = callback.version == current.version && callback.spokenCode == nil
            known.callback = lacksCode ? current : callback
            known.place = callback.waits ? place ?? callback.place : nil
        } else if callback.isOpen, callback.createdAt >= self.callback?.createdAt ?? .distantPast {
            (known.callback, known.place, known.ticket) = (callback, callback.place, nil)
        }
        return known
    }

    /// With what the line says, if it is this callback's.
    func with(_ update: LineUpdate) -> Known {
        guard let callback, callback.waits, callback.id == update.callbackId else { return self }
        var known = self
        known.place = Place(position: update.position, wait: update.wait)
        return known
    }

    /// Without the callback whose end the person has seen.
    func dismissing() -> Known {
        var known = self
        (known.callback, known.place, known.ticket, known.dismissed) = (nil, nil, nil, callback?.id)
        return known
    }
}

extension Callback {
    /// It is not over.
    public var isOpen: Bool { state != .completed }

    var waits: Bool { state == .queued }

    var place: Place? { waits && position != nil ? Place(position: position, wait: wait) : nil }
}
