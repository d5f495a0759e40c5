import Foundation
import Observation
import Ringback

/// Follows the person's newest callback. The one place that listens to the SDK: every screen reads ``known``.
@MainActor
@Observable
public final class CallbackWatch {
    /// What is known now.
    public private(set) var known = Known()

    /// What became impossible while the app did not ask, for example a kept request that was refused.
    @ObservationIgnored var refused: (Trouble) -> Void = { _ in }

    @ObservationIgnored private let ringback: Ringback
    @ObservationIgnored private var live: Task<Void, Never>?
    @ObservationIgnored private var line: (id: String, task: Task<Void, Never>)?
    @ObservationIgnored private var catchingUp: Task<Trouble?, Never>?

    init(_ ringback: Ringback) {
        self.ringback = ringback
    }

    /// The app is in the foreground.
    public func start() {
        guard known.listeningSince == nil else { return }
        known.listeningSince = Date()
        live = Task { [weak self, ringback] in
            do {
                for try await seen in ringback.liveCallbacks { self?.saw(seen) }
            } catch {
                if let trouble = self?.failed(error) { self?.refused(trouble) }
            }
        }
        followLine()
        Task { await catchUp() }
    }

    /// The app is in the background: nothing is listened to, pushes say the rest.
    public func stop() {
        live?.cancel()
        line?.task.cancel()
        (live, line) = (nil, nil)
        (known.live, known.listeningSince) = (false, nil)
    }

    /// Sends what is kept, and has the live view connect at once: after a start, and when the network is back. Whoever
    /// comes while this is being done waits for it.
    @discardableResult
    public func catchUp() async -> Trouble? {
        if let catchingUp { return await catchingUp.value }
        let task = Task { await sendKept() }
        catchingUp = task
        defer { catchingUp = nil }
        return await task.value
    }

    private func sendKept() async -> Trouble? {
        await lookAtKept()
        let trouble = await asking {
            for resumed in try await ringback.resume() {
                switch resumed.outcome {
                case .accepted(let callback, let ticket):
                    if let callback { learn(callback, ticket) }
                case .refused(let code, let detail):
                    refused(
                        Trouble(
                            code: code, detail: detail, retryable: false, offline: false,
                            pendingKey: nil, slots: []))
                case .expired, .stillPending: break
                }
                if resumed.isTold { try await ringback.discard(resumed.request.key) }
            }
        }
        await lookAtKept()
        return trouble
    }

    /// Takes in what the server said about a callback.
    func learn(_ callback: Callback, _ ticket: CallTicket? = nil) {
        heard()
        known = known.with(callback)
        known.asOf = known.heardAt
        if let ticket { known.ticket = ticket }
        followLine()
    }

    private func saw(_ seen: LiveCallbacks) {
        known = known.with(seen)
        followLine()
    }

    /// The person has seen how it ended.
    public func dismiss() {
        known = known.dismissing()
        followLine()
    }

    /// Looks again at what lies on the device.
    func lookAtKept() async {
        let askedByThePerson: [PendingKind] = [
            .requestCallback, .cancel, .confirm, .reschedule, .snooze, .changeNumber,
        ]
        // When it cannot be read now, what was known stands.
        if let kept = try? await ringback.pending() {
            known.kept = kept.filter { askedByThePerson.contains($0.kind) }
        }
    }

    /// Runs one call and remembers whether the server was reached.
    @discardableResult
    func asking(_ call: () async throws -> Void) async -> Trouble? {
        do {
            try await call()
            return nil
        } catch {
            return failed(error)
        }
    }

    @discardableResult
    private func failed(_ error: any Error) -> Trouble? {
        // Anything else is a task that was cancelled.
        guard let error = error as? RingbackError else { return nil }
        let trouble = Trouble(error)
        if trouble.offline {
            known.missedAt = Date()
        } else {
            heard()
        }
        return trouble
    }

    /// Listens to the line of the callback that waits in it, and to no other.
    private func followLine() {
        let waiting = known.callback.flatMap { $0.state == .queued ? $0.id : nil }
        guard known.listeningSince != nil, waiting != line?.id else { return }
        line?.task.cancel()
        line = waiting.map { id in
            let task = Task { [weak self, ringback] in
                do {
                    for try await place in ringback.line(id) { self?.placed(place) }
                } catch {
                    self?.failed(error)
                }
            }
            return (id, task)
        }
    }

    private func placed(_ place: LineUpdate) {
        heard()
        known = known.with(place)
    }

    /// The server has said something.
    func heard() {
        known.heardAt = Date()
    }
}

extension Resumed {
    /// A change that came to nothing is told once; a request for a call stands on a screen of its own until it was seen.
    fileprivate var isTold: Bool {
        switch outcome {
        case .refused, .expired: request.kind != .requestCallback
        case .accepted, .stillPending: false
        }
    }
}
