import RingbackGenerated

extension PendingRequest {
    /// The server has yet to answer it; otherwise it is listed only to be told of.
    public var isOpen: Bool { state == .notSent || state == .sending }
}
