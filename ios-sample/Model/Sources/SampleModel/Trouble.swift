import Ringback

/// Something that did not work, for a screen to show.
public struct Trouble: Equatable, Sendable {
    /// Stable; `docs/errors.md` has them all.
    public let code: String
    /// A sentence to act on, in English.
    public let detail: String
    /// The same may work later.
    public let retryable: Bool
    /// The server was not reached.
    public let offline: Bool
    /// What did not get through lies on the device under this key and is sent again.
    public let pendingKey: String?
    /// Free times near the one that was taken.
    public let slots: [Slot]
}

extension Trouble {
    init(_ error: RingbackError) {
        let offline =
            switch error {
            case .unreachable, .timedOut, .answerUnreadable: true
            default: false
            }
        self.init(
            code: error.code, detail: error.detail, retryable: error.retryable, offline: offline,
            pendingKey: error.pendingKey, slots: error.slots)
    }
}
