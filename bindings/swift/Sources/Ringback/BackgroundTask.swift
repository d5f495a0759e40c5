#if canImport(UIKit) && !os(watchOS)
    import UIKit

    extension Ringback {
        /// Runs `work` with the time that the system gives an app that leaves the screen, about half a minute. When that
        /// is over, `work` is cancelled: what it asked for is on disk by then, and ``resume()`` sends it later.
        ///
        /// ```swift
        /// try await Ringback.inBackground { try await ringback.answerPush(push, answer: answer) }
        /// ```
        public static func inBackground<T: Sendable>(
            _ work: @escaping @Sendable () async throws -> T
        ) async throws -> T {
            let task = Task { try await work() }
            let time = await BackgroundTime.begin { task.cancel() }
            defer { Task { @MainActor in time.end() } }
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }
    }

    /// Time that was asked for; it has to be given back, or the system ends the app.
    @MainActor
    private final class BackgroundTime {
        private var identifier = UIBackgroundTaskIdentifier.invalid

        static func begin(over: @escaping @Sendable () -> Void) -> BackgroundTime {
            let time = BackgroundTime()
            time.identifier = UIApplication.shared.beginBackgroundTask(withName: "ringback") {
                over()
                MainActor.assumeIsolated { time.end() }
            }
            return time
        }

        func end() {
            guard identifier != .invalid else { return }
            UIApplication.shared.endBackgroundTask(identifier)
            identifier = .invalid
        }
    }
#endif

#if os(iOS)
    import BackgroundTasks

    extension Ringback {
        /// Sends what the outbox holds while the app is closed: to be called in `application(_:didFinishLaunchingWithOptions:)`,
        /// with an identifier that stands under `BGTaskSchedulerPermittedIdentifiers` in the `Info.plist`.
        ///
        /// - Parameter ringback: The app's one client, made if it is not there yet.
        public static func registerResume(
            identifier: String, _ ringback: @escaping @Sendable () async throws -> Ringback
        ) {
            BGTaskScheduler.shared.register(forTaskWithIdentifier: identifier, using: nil) { task in
                let given = Handed(task: task)
                let work = Task {
                    let resumed = try? await ringback().resume()
                    let isLeft = resumed?.contains {
                        if case .stillPending = $0.outcome { true } else { false }
                    }
                    if isLeft ?? true { scheduleResume(identifier: identifier) }
                    given.task.setTaskCompleted(success: isLeft == false)
                }
                given.task.expirationHandler = { work.cancel() }
            }
        }

        /// Has ``registerResume(identifier:_:)`` run when there is a network and the system finds the time. To be called
        /// when an error has a `pendingKey`. Does nothing where the person has switched background work off.
        public static func scheduleResume(identifier: String) {
            let request = BGProcessingTaskRequest(identifier: identifier)
            request.requiresNetworkConnectivity = true
            try? BGTaskScheduler.shared.submit(request)
        }
    }

    /// The system's own task, which only its handler and the work it started touch.
    private struct Handed: @unchecked Sendable {
        let task: BGTask
    }
#endif
