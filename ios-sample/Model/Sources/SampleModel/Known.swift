import Foundation
import Ringback

/// What the app knows of the person's callback, and how fresh that is.
public struct Known: Sendable {
    /// The newest one; `nil` when there is none to show.
    public var callback: Callback?
    /// Its place in line, live.
    public var place: LineUpdate?
    /// What to dial, once the person has said "ready" and makes the call.
    public var ticket: CallTicket?
    /// What the server has not answered yet, without what the person did not ask for.
    public var kept: [PendingRequest] = []
    /// When the server last said something.
    public var asOf: Date?
    /// Whether the server was reached the last time; `nil` before the first.
    public var online: Bool?

    public init() {}
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
    /// Waiting for an agent. Until `restsUntil` nobody calls: the person said "not now", or an attempt failed.
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
            let live = place?.callbackId == callback.id ? place : nil
            return .inLine(
                callback, position: live?.position ?? callback.position,
                wait: live?.wait ?? callback.wait, restsUntil: callback.notBefore)
        }
    }

    /// With this callback, unless a newer one is known.
    func with(_ callback: Callback) -> Known {
        var known = self
        guard let current = self.callback else {
            // One that was over before the app looked is no news.
            if callback.isOpen { known.callback = callback }
            return known
        }
        if current.id == callback.id {
            if callback.version >= current.version { known.callback = callback }
        } else if callback.isOpen, callback.createdAt >= current.createdAt {
            (known.callback, known.place, known.ticket) = (callback, nil, nil)
        }
        return known
    }
}

extension Callback {
    /// It is not over.
    public var isOpen: Bool { state != .completed }
}
