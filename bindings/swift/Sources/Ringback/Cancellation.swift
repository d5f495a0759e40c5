import RingbackGenerated

/// Runs one call into Rust that ends when the task is cancelled. By itself a task's cancellation stops at the border.
func cancellable<T: Sendable>(_ call: (CancelToken) async throws -> T) async throws -> T {
    let token = try throwing { try CancelToken() }
    do {
        return try await withTaskCancellationHandler {
            try await call(token)
        } onCancel: {
            // It fails only by a mistake of Rust's, and nobody is left to be told.
            try? token.cancel()
        }
    } catch let error as ClientError {
        if case .Cancelled = error {
            try Task.checkCancellation()
        }
        throw try RingbackError(error)
    }
}
