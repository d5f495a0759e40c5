import Observation
import Ringback

/// The open callback: answer, wait, change, take back.
@MainActor
@Observable
public final class CallbackModel {
    public private(set) var busy = false
    public var trouble: Trouble?

    @ObservationIgnored private let ringback: Ringback
    @ObservationIgnored private let watch: CallbackWatch
    /// Of the push that asked, by callback.
    @ObservationIgnored private var tokens: [String: ActionToken] = [:]

    private static let tenMinutesS: UInt32 = 600

    init(_ ringback: Ringback, watch: CallbackWatch) {
        (self.ringback, self.watch) = (ringback, watch)
    }

    public func ready() async {
        await change { try await confirm($0, .ready) }
    }

    /// "In ten minutes", when asked and while waiting.
    public func inTenMinutes() async {
        await change { callback in
            if callback.confirmBy == nil {
                watch.learn(try await ringback.snooze(callback.id, delayS: Self.tenMinutesS))
            } else {
                try await confirm(callback, .snooze(delayS: Self.tenMinutesS))
            }
        }
    }

    public func onOtherNumber(_ number: String) async {
        await change { callback in
            let typed = PhoneNumber(number.asPhoneNumber)
            if callback.confirmBy == nil {
                watch.learn(try await ringback.changeNumber(callback.id, to: typed))
            } else {
                try await confirm(callback, .otherNumber(number: typed))
            }
        }
    }

    public func cancel() async {
        await change { callback in
            if callback.confirmBy == nil {
                watch.learn(try await ringback.cancel(callback.id))
            } else {
                try await confirm(callback, .cancel)
            }
        }
    }

    /// Another time; `nil` is "as soon as an agent is free".
    public func reschedule(_ slot: Slot?) async {
        await change { callback in
            watch.learn(try await ringback.reschedule(callback.id, scheduledFor: slot?.wallTime))
        }
    }

    /// Sends what lies on the device: a tap, or the network is back.
    public func sendAgain() async {
        (busy, trouble) = (true, nil)
        let trouble = await watch.catchUp()
        self.trouble = trouble ?? self.trouble
        busy = false
    }

    /// Forgets a request that was not sent.
    public func forget(_ key: String) async {
        await run { try await ringback.discard(key) }
    }

    /// A push has come. What is to be shown of it is for the platform's code.
    @discardableResult
    public func received(_ data: [String: String]) async throws -> PushOutcome {
        let outcome = try await ringback.handlePush(data)
        if case .event(_, let callback, let token, _) = outcome {
            if let token { tokens[callback.id] = token }
            watch.learn(callback)
        }
        return outcome
    }

    /// The person tapped an action of a notification, or the notification itself; the app need not be open.
    ///
    /// - Parameter typed: The number typed into the notification.
    @discardableResult
    public func tapped(_ data: [String: String], action: String, typed: String? = nil) async -> Trouble? {
        trouble = await watch.asking {
            if let answer = try NotificationAction.answer(to: action, text: typed) {
                learn(try await ringback.answerPush(data, answer: answer))
            } else {
                try await ringback.pushOpened(data)
            }
        }
        await watch.lookAtKept()
        return trouble
    }

    private func confirm(_ callback: Callback, _ answer: ConfirmAnswer) async throws {
        do {
            learn(try await ringback.confirm(callback.id, answer: answer, actionToken: tokens[callback.id]))
        } catch let error as RingbackError {
            // Another device was faster, or the time is over: the screen shows what is so now.
            if !Trouble(error).offline { watch.learn(try await ringback.callback(callback.id)) }
            throw error
        }
    }

    private func learn(_ confirmation: Confirmation) {
        watch.learn(confirmation.callback, confirmation.ticket)
    }

    private func change(_ call: (Callback) async throws -> Void) async {
        guard let callback = watch.known.callback, callback.isOpen else { return }
        await run { try await call(callback) }
    }

    private func run(_ call: () async throws -> Void) async {
        (busy, trouble) = (true, nil)
        trouble = await watch.asking(call)
        await watch.lookAtKept()
        busy = false
    }
}
