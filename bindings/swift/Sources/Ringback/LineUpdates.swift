import RingbackGenerated

/// Where a callback stands in line and how long it will take: as it is now, then whenever that has changed enough, over
/// lost connections too. Ends when the callback is over. Nothing is sent until the first update is asked for.
public struct LineUpdates: AsyncSequence, Sendable {
    let client: Client
    let id: String

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(client: client, id: id)
    }

    /// Pulls the updates one by one. The subscription ends with it.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let client: Client
        let id: String
        private var subscription: LineSubscription?

        init(client: Client, id: String) {
            self.client = client
            self.id = id
        }

        public mutating func next() async throws -> LineUpdate? {
            let subscription = try subscription ?? throwing { try client.line(id: id) }
            self.subscription = subscription
            return try await cancellable { try await subscription.next(cancel: $0) }
        }
    }
}
