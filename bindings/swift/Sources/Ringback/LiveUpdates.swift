import RingbackGenerated

/// An installation's callbacks as they are: the last known state at once, from then on whatever changes, over lost
/// connections too. Every state says how old it is and whether the server is being listened to.
///
/// All who listen, also to ``LiveCallbackUpdates``, share one connection, which ends with the last of them. Who is slow
/// gets the latest state. Nothing is sent until the first state is asked for.
public struct LiveCallbacksUpdates: AsyncSequence, Sendable {
    let client: Client

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(client: client)
    }

    /// Pulls the states one by one. The subscription ends with it.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let client: Client
        private var subscription: LiveCallbacksSubscription?

        init(client: Client) {
            self.client = client
        }

        public mutating func next() async throws -> LiveCallbacks? {
            let subscription = try subscription ?? throwing { try client.liveCallbacks() }
            self.subscription = subscription
            return try await cancellable { try await subscription.next(cancel: $0) }
        }
    }
}

/// A callback as it is, like ``LiveCallbacksUpdates``. Ends when the callback is over.
public struct LiveCallbackUpdates: AsyncSequence, Sendable {
    let client: Client
    let id: String

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(client: client, id: id)
    }

    /// Pulls the states one by one. The subscription ends with it.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let client: Client
        let id: String
        private var subscription: LiveCallbackSubscription?

        init(client: Client, id: String) {
            self.client = client
            self.id = id
        }

        public mutating func next() async throws -> LiveCallback? {
            let subscription = try subscription ?? throwing { try client.liveCallback(id: id) }
            self.subscription = subscription
            return try await cancellable { try await subscription.next(cancel: $0) }
        }
    }
}
