import Foundation
import RingbackGenerated

/// What every error can say, whatever kind it is.
public typealias ErrorFacts = RingbackGenerated.ErrorFacts

/// What can go wrong. Nothing in it is private.
public enum RingbackError: Error, Equatable, Sendable {
    /// The server said no, with this HTTP status.
    case refused(status: Int, ErrorFacts)
    /// No connection, or it was lost before the answer was complete.
    case unreachable(ErrorFacts)
    /// No answer in time.
    case timedOut(ErrorFacts)
    /// The answer is not one of this server's, for example a network's sign-in page.
    case answerUnreadable(ErrorFacts)
    /// Refused before anything was sent or kept.
    case invalidRequest(ErrorFacts)
    /// The ``SecureStore`` failed. Nothing was sent.
    case hostStorage(ErrorFacts)
    /// The outbox could not be read or written, for example because the device is full. Nothing was sent.
    case outboxFailed(ErrorFacts)
    /// The request outlived its use before it could be answered, and is no longer sent: see ``RequestState/expired``.
    /// `mayHaveArrived` when the answer did not arrive: the server may have accepted it.
    case expired(mayHaveArrived: Bool, ErrorFacts)
    /// The call was called off from inside the client. A cancelled task gets a `CancellationError` instead.
    case cancelled(ErrorFacts)
    /// A mistake of the client's own.
    case `internal`(ErrorFacts)
}

extension RingbackError {
    /// Stable, for programs, for example `callback_already_open`. The server's own code when the server refused.
    public var code: String { facts.code }

    /// What kind of problem it is; the same for every occurrence.
    public var title: String { facts.title }

    /// What is wrong and what to do, as a sentence.
    public var detail: String { facts.detail }

    /// The same request may succeed later, as it is.
    public var retryable: Bool { facts.retryable }

    /// When another try makes sense, in seconds, if the server said so.
    public var retryAfterSeconds: Int? { facts.retryAfterS.map(Int.init) }

    /// Names the request in the server's logs.
    public var requestId: String? { facts.requestId }

    /// Which field or header is meant, when it is one.
    public var field: String? { facts.field }

    /// Which callback stands in the way, when it is one of this installation's.
    public var callbackId: String? { facts.callbackId }

    /// Free slots nearest to the one that was asked for, before and after it, when that was full or closed.
    public var slots: [Slot] { facts.slots }

    /// What to choose from instead, when the clock skips the wall time that was asked for or shows it twice.
    public var wallTimes: [WallTime] { facts.wallTimes }

    /// The number to call instead, as it was last known, when the server cannot be reached.
    public var fallback: FallbackNumber? { facts.fallback }

    /// Set when the request still lies in the outbox: it may or may not have reached the server.
    /// ``Ringback/Ringback/resume()``, or asking for the same thing again, sends the same request, not a second one.
    public var pendingKey: String? { facts.pendingKey }

    private var facts: ErrorFacts {
        switch self {
        case .refused(_, let facts), .expired(_, let facts), .unreachable(let facts), .timedOut(let facts),
            .answerUnreadable(let facts),
            .invalidRequest(let facts), .hostStorage(let facts), .outboxFailed(let facts),
            .cancelled(let facts),
            .internal(let facts):
            facts
        }
    }
}

extension RingbackError: LocalizedError {
    public var errorDescription: String? { detail }
}

extension RingbackError {
    init(_ error: ClientError) throws {
        let facts = try errorFacts(error: error)
        self =
            switch error {
            case .Refused(_, _, _, let status, _, _, _, _, _, _, _): .refused(status: Int(status), facts)
            case .Unreachable: .unreachable(facts)
            case .TimedOut: .timedOut(facts)
            case .AnswerUnreadable: .answerUnreadable(facts)
            case .InvalidRequest: .invalidRequest(facts)
            case .HostStorage: .hostStorage(facts)
            case .OutboxFailed: .outboxFailed(facts)
            case .Expired(let mayHaveArrived): .expired(mayHaveArrived: mayHaveArrived, facts)
            case .Cancelled: .cancelled(facts)
            case .Internal: .internal(facts)
            }
    }
}

/// Runs a call into Rust, so that what it throws is a ``RingbackError``.
func throwing<T>(_ call: () throws -> T) throws -> T {
    do {
        return try call()
    } catch let error as ClientError {
        throw try RingbackError(error)
    }
}
