import RingbackGenerated

/// A contact centre's client: asks for calls, keeps what is not yet answered, says what happens.
///
/// Make one and keep it. Making it touches neither disk nor network and starts no thread. Every method may be called
/// from any task; cancelling the task ends the call. A request that was cancelled may have been sent all the same and
/// stays in the outbox, see ``pending()``.
///
/// ```swift
/// let configuration = RingbackConfiguration(
///     baseUrl: "https://calls.example.com", appKey: "rb_pub_…", dataDir: folder.path)
/// let ringback = try Ringback(configuration: configuration, store: KeychainStore(service: "com.example.app"))
/// let callback = try await ringback.requestCallback(
///     CallbackRequest(service: "billing", number: PhoneNumber("+4930901820")))
/// ```
public final class Ringback: Sendable {
    private let client: Client

    /// - Parameters:
    ///   - configuration: Where the server is and how to speak with it; everything but the first three has a default.
    ///   - store: Where the installation's secret is kept.
    ///   - transport: Speaks HTTP.
    ///   - log: Where log lines go; they never hold anything private.
    ///   - captcha: Shows the CAPTCHAs of Turnstile, hCaptcha and reCAPTCHA; proof of work needs none.
    ///   - signer: Signs what changes something; without one a `SecureEnclaveSigner` over `store` does, and on Linux a key
    ///     that the client makes and keeps in `store`.
    ///   - attestation: Vouches for app and device, for example an `AppAttestProvider`.
    /// - Throws: ``RingbackError`` with the code `config_invalid` when a value of the configuration cannot be right.
    public init(
        configuration: RingbackConfiguration, store: any SecureStore,
        transport: any Transport = URLSessionTransport(), log: (any LogSink)? = nil,
        captcha: (any CaptchaPresenter)? = nil, signer: (any InstallationSigner)? = nil,
        attestation: (any AttestationProvider)? = nil
    ) throws {
        #if canImport(CryptoKit)
            let signer: any InstallationSigner = signer ?? SecureEnclaveSigner(store: store)
        #endif
        client = try throwing {
            try Client(
                config: configuration, store: store, transport: transport, log: log, captcha: captcha,
                signer: signer, attestation: attestation)
        }
    }

    /// What a service offers at this moment: whether a call may be asked for now or for a chosen time, why not, and how
    /// long the wait is. To be asked before "call me" is shown. Its fallback number is remembered.
    ///
    /// - Throws: ``RingbackError``; when the server cannot be reached, with the number to call instead in
    ///   ``RingbackError/fallback``.
    public func offer(_ service: String) async throws -> Offer {
        try await cancellable { try await client.offer(service: service, cancel: $0) }
    }

    /// When calls of a service can be promised. A slot's `wallTime` is what a request takes as `scheduledFor`.
    public func availability(_ request: AvailabilityRequest) async throws -> Availability {
        try await cancellable { try await client.availability(request: request, cancel: $0) }
    }

    /// Says what a request for a call would meet now, check by check, without making it.
    public func validate(_ request: CallbackRequest) async throws -> Validation {
        try await cancellable { try await client.validate(request: request, cancel: $0) }
    }

    /// Asks for a call, now or for the time in `scheduledFor`. Asking again for the same thing while the first request
    /// is unanswered is the same request, also after a restart.
    ///
    /// - Throws: ``RingbackError``, for example with the code `callback_already_open`, or with `slot_full` and the free
    ///   slots nearest to it in ``RingbackError/slots``; when the server cannot be reached, with the number to call instead
    ///   in ``RingbackError/fallback``.
    public func requestCallback(_ request: CallbackRequest) async throws -> Callback {
        try await cancellable { try await client.requestCallback(request: request, cancel: $0) }
    }

    /// One of this installation's callbacks, as it is now.
    public func callback(_ id: String) async throws -> Callback {
        try await cancellable { try await client.callback(id: id, cancel: $0) }
    }

    /// This installation's callbacks, newest first; the newest 500.
    public func callbacks() async throws -> [Callback] {
        try await cancellable { try await client.callbacks(cancel: $0) }
    }

    /// Takes a callback back.
    public func cancel(_ id: String) async throws -> Callback {
        try await cancellable { try await client.cancel(id: id, cancel: $0) }
    }

    /// Chooses another time; `nil` is "as soon as an agent is free".
    ///
    /// - Throws: ``RingbackError``, as ``requestCallback(_:)`` for that time does.
    public func reschedule(_ id: String, scheduledFor: WallTime?) async throws -> Callback {
        try await cancellable {
            try await client.reschedule(id: id, scheduledFor: scheduledFor, cancel: $0)
        }
    }

    /// "Not now": for `delayS` seconds, 60 to 86 400, nobody calls.
    public func snooze(_ id: String, delayS: UInt32) async throws -> Callback {
        try await cancellable { try await client.snooze(id: id, delayS: delayS, cancel: $0) }
    }

    /// Has another number called.
    public func changeNumber(_ id: String, to number: PhoneNumber) async throws -> Callback {
        try await cancellable { try await client.changeNumber(id: id, number: number, cancel: $0) }
    }

    /// Answers "your agent is ready, are you?".
    ///
    /// - Parameter actionToken: Of the push that asked; without it the question that is open now is answered.
    public func confirm(
        _ id: String, answer: ConfirmAnswer, actionToken: ActionToken? = nil
    ) async throws -> Confirmation {
        try await cancellable {
            try await client.confirm(id: id, answer: answer, actionToken: actionToken, cancel: $0)
        }
    }

    /// Asks for a number to dial, and a code that tells the agent who calls and why.
    ///
    /// - Throws: ``RingbackError``; when the server cannot be reached, with the number to call instead in
    ///   ``RingbackError/fallback``.
    public func requestCallIn(_ request: CallInRequest) async throws -> CallTicket {
        try await cancellable { try await client.requestCallIn(request: request, cancel: $0) }
    }

    /// The number to call when the server cannot be reached, as the last ``offer(_:)`` of this service had it. Asks
    /// nobody.
    public func fallback(_ service: String) async throws -> FallbackNumber? {
        try await cancellable { try await client.fallback(service: service, cancel: $0) }
    }

    /// Tells the server how to reach this device. To be called whenever the platform gives the app a token; replaces
    /// the earlier one of the same kind of target and the same name.
    ///
    /// - Parameters:
    ///   - name: Tells several devices of one person apart, for example `phone` and `tablet`.
    ///   - locale: The language of the device's texts, BCP 47, for example `de-AT`; English when absent.
    ///   - appVersion: For whoever looks for the cause of a fault.
    ///   - hasTexts: Whether the app has the texts of pushes in its own resources, see `docs/push.md`.
    public func registerPush(
        _ target: PushTarget, name: String? = nil, locale: String? = nil, appVersion: String? = nil,
        hasTexts: Bool = false
    ) async throws -> Device {
        let registration = PushRegistration(
            target: target, name: name, locale: locale, appVersion: appVersion, hasTexts: hasTexts)
        return try await cancellable {
            try await client.registerPush(registration: registration, cancel: $0)
        }
    }

    /// The device with this id gets no more pushes, for example after the person has logged out.
    public func unregisterPush(_ deviceId: String) async throws {
        try await cancellable { try await client.unregisterPush(deviceId: deviceId, cancel: $0) }
    }

    /// The devices by which this installation is reached.
    public func devices() async throws -> [Device] {
        try await cancellable { try await client.devices(cancel: $0) }
    }

    /// Looks at a push the app received, fetches the callback it is about, and tells the server that the push was
    /// received. Hand over every push: what is somebody else's comes back as ``PushOutcome/notOurs``. After
    /// `withdrawn(callbackId:)` take the question back:
    /// `center.removeDeliveredNotifications(withIdentifiers: [callbackId])`.
    ///
    /// - Parameter data: What ``pushData(in:)`` finds in the notification's `userInfo`.
    public func handlePush(_ data: [String: String]) async throws -> PushOutcome {
        try await cancellable { try await client.handlePush(data: data, cancel: $0) }
    }

    /// Answers "your agent is ready, are you?" from the notification's own actions: the app need not be open, nor have
    /// handled the push before. ``NotificationAction/answer(to:text:)`` says which answer an action stands for.
    ///
    /// - Parameter data: What ``pushData(in:)`` finds in the `userInfo` of the notification that asked.
    /// - Throws: ``RingbackError``, for example with the code `action_token_spent` when another device was faster, or
    ///   `confirm_expired`.
    public func answerPush(_ data: [String: String], answer: ConfirmAnswer) async throws -> Confirmation {
        try await cancellable { try await client.answerPush(data: data, answer: answer, cancel: $0) }
    }

    /// Tells the server that the person has opened a push: to be called when they tap the notification itself. Does
    /// not wait for the network.
    public func pushOpened(_ data: [String: String]) async throws {
        try await cancellable { try await client.pushOpened(data: data, cancel: $0) }
    }

    /// The part of a notification's `userInfo` that ``handlePush(_:)`` looks at.
    public static func pushData(in userInfo: [AnyHashable: Any]) -> [String: String] {
        userInfo.reduce(into: [:]) { data, entry in
            if let key = entry.key as? String, let value = entry.value as? String {
                data[key] = value
            }
        }
    }

    /// What happens to this installation's callbacks.
    public var events: CallbackEvents { CallbackEvents(client: client) }

    /// Where a callback stands in line and how long it will take.
    public func line(_ id: String) -> LineUpdates { LineUpdates(client: client, id: id) }

    /// This installation's callbacks as they are.
    public var liveCallbacks: LiveCallbacksUpdates { LiveCallbacksUpdates(client: client) }

    /// One callback as it is, until it is over.
    public func liveCallback(_ id: String) -> LiveCallbackUpdates {
        LiveCallbackUpdates(client: client, id: id)
    }

    /// Sends again what the outbox holds, in the order it was asked for. To be called after a start, when the app or
    /// the network is back, and by background work; who listens to live states is connected at once. What is refused or expires here stays in ``pending()`` as well, until
    /// ``discard(_:)``.
    public func resume() async throws -> [Resumed] {
        try await cancellable { try await client.resume(cancel: $0) }
    }

    /// What is kept on the device: requests that the server has not answered for good, and those that were refused or
    /// expired while nobody waited; `state` says which.
    public func pending() async throws -> [PendingRequest] {
        try await cancellable { try await client.pending(cancel: $0) }
    }

    /// Whether there is work for ``resume()``, and from when on: for whoever schedules it in the background.
    public func outboxStatus() async throws -> OutboxStatus {
        try await cancellable { try await client.outboxStatus(cancel: $0) }
    }

    /// Brings the client to rest, to be awaited when the app goes to the background: what is being sent is called off and
    /// stays kept, the connection of ``liveCallbacks`` and ``liveCallback(_:)`` is closed (who listens keeps the last
    /// state), every file operation is waited for, every lock is given back: iOS kills an app that sleeps with a file
    /// locked. ``resume()`` wakes everything up again.
    public func pause() async throws {
        try await cancellable { try await client.pause(cancel: $0) }
    }

    /// Forgets a kept request: it will not be sent again. What the server has accepted already stands. For one that was
    /// refused or expired it says that the app has seen it.
    public func discard(_ key: String) async throws {
        try await cancellable { try await client.discard(key: key, cancel: $0) }
    }
}
