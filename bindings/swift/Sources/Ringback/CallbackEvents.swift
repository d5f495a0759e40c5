import RingbackGenerated

/// What happens to an installation's callbacks, in order, over lost connections too.
///
/// Nothing is sent until the first event is asked for. An event counts as handled when the loop comes back for the
/// next one; one that was not comes again, also after a restart. Loop over it in one place at a time.
public struct CallbackEvents: AsyncSequence, Sendable {
    let client: Client

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(client: client)
    }

    /// Pulls the events one by one. The subscription ends with it.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let client: Client
        private var subscription: EventSubscription?

        init(client: Client) {
            self.client = client
        }

        public mutating func next() async throws -> CallbackEvent? {
            let subscription = try subscription ?? throwing { try client.events() }
            self.subscription = subscription
            return try await cancellable { try await subscription.next(cancel: $0) }
        }
    }
}
