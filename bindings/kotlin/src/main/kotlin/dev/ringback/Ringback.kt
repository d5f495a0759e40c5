package dev.ringback

import dev.ringback.internal.Client
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/**
 * A contact centre's client: asks for calls, keeps what is not yet answered, says what happens.
 *
 * Make one and keep it. Making it touches neither disk nor network and starts no thread. Every function may be called
 * from any coroutine; cancelling the coroutine ends the call. A request that was cancelled may have been sent all the
 * same and stays in the outbox, see [pending].
 *
 * ```
 * val ringback = Ringback(RingbackConfig("https://calls.example.com", "rb_pub_…", dataDir), FileStore(secrets))
 * val callback = ringback.requestCallback(CallbackRequest("billing", PhoneNumber("+4930901820")))
 * ```
 *
 * @param config where the server is and how to speak with it; everything but the first three has a default.
 * @param store where the installation's secret is kept.
 * @param transport speaks HTTP; the app's own OkHttp client can be handed in.
 * @param log where log lines go; they never hold anything private.
 * @param captcha shows the CAPTCHAs of Turnstile, hCaptcha and reCAPTCHA; proof of work needs none.
 * @param signer signs what changes something with a key of the platform's, for example a [KeyPairSigner] over the Android Keystore;
 * without one a key is made and kept in [store].
 * @param attestation vouches for app and device, for example a [PlayIntegrityProvider].
 * @throws RingbackException with the code `config_invalid` when a value of [config] cannot be right.
 */
public class Ringback(
    config: RingbackConfig,
    store: SecureStore,
    transport: Transport = OkHttpTransport(),
    log: LogSink? = null,
    captcha: CaptchaPresenter? = null,
    signer: InstallationSigner? = null,
    attestation: AttestationProvider? = null,
) : AutoCloseable {
    private val client =
        throwing {
            AttachedThreads.keep()
            Client(
                config,
                store,
                transport,
                log,
                captcha?.let(::AnsweringPresenter),
                signer ?: storedKeySigner(store),
                attestation,
            )
        }

    /**
     * What a service offers at this moment: whether a call may be asked for now or for a chosen time, why not, and how
     * long the wait is. To be asked before "call me" is shown. Its fallback number is remembered.
     *
     * @throws RingbackException when the server cannot be reached, with the number to call instead in
     * [RingbackException.fallback].
     */
    public suspend fun offer(service: String): Offer = cancellable { client.offer(service, null) }

    /** When calls of a service can be promised. A slot's `wallTime` is what a request takes as `scheduledFor`. */
    public suspend fun availability(request: AvailabilityRequest): Availability =
        cancellable { client.availability(request, null) }

    /** Says what a request for a call would meet now, check by check, without making it. */
    public suspend fun validate(request: CallbackRequest): Validation =
        cancellable { client.validate(request, null) }

    /**
     * Asks for a call, now or for the time in `scheduledFor`. Asking again for the same thing while the first request is unanswered is the same request, also
     * after a restart.
     *
     * @throws RingbackException for example with the code `callback_already_open`, or with `slot_full` and the free
     * slots nearest to it in [RingbackException.slots]; when the server cannot be reached, with the number to call instead
     * in [RingbackException.fallback].
     */
    public suspend fun requestCallback(request: CallbackRequest): Callback =
        cancellable { client.requestCallback(request, null) }

    /** One of this installation's callbacks, as it is now. */
    public suspend fun callback(id: String): Callback = cancellable { client.callback(id, null) }

    /** This installation's callbacks, newest first; the newest 500. */
    public suspend fun callbacks(): List<Callback> = cancellable { client.callbacks(null) }

    /** Takes a callback back. */
    public suspend fun cancel(id: String): Callback = cancellable { client.cancel(id, null) }

    /**
     * Chooses another time; `null` is "as soon as an agent is free".
     *
     * @throws RingbackException as [requestCallback] for that time does.
     */
    public suspend fun reschedule(
        id: String,
        scheduledFor: WallTime?,
    ): Callback = cancellable { client.reschedule(id, scheduledFor, null) }

    /** "Not now": for [delayS] seconds, 60 to 86 400, nobody calls. */
    public suspend fun snooze(
        id: String,
        delayS: UInt,
    ): Callback = cancellable { client.snooze(id, delayS, null) }

    /** Has another number called. */
    public suspend fun changeNumber(
        id: String,
        number: PhoneNumber,
    ): Callback = cancellable { client.changeNumber(id, number, null) }

    /**
     * Answers "your agent is ready, are you?".
     *
     * @param actionToken of the push that asked; without it the question that is open now is answered.
     */
    public suspend fun confirm(
        id: String,
        answer: ConfirmAnswer,
        actionToken: ActionToken? = null,
    ): Confirmation = cancellable { client.confirm(id, answer, actionToken, null) }

    /**
     * Asks for a number to dial, and a code that tells the agent who calls and why.
     *
     * @throws RingbackException when the server cannot be reached, with the number to call instead in
     * [RingbackException.fallback].
     */
    public suspend fun requestCallIn(request: CallInRequest): CallTicket =
        cancellable { client.requestCallIn(request, null) }

    /** The number to call when the server cannot be reached, as the last [offer] of this service had it. Asks nobody. */
    public suspend fun fallback(service: String): FallbackNumber? =
        cancellable { client.fallback(service, null) }

    /**
     * Tells the server how to reach this device. To be called whenever the platform gives the app a token; replaces the
     * earlier one of the same kind of target and the same [name].
     *
     * @param name tells several devices of one person apart, for example `phone` and `tablet`.
     * @param locale the language of the device's texts, BCP 47, for example `de-AT`; English when absent.
     * @param appVersion for whoever looks for the cause of a fault.
     * @param hasTexts whether the app has the texts of pushes in its own resources, see `docs/push.md`.
     */
    public suspend fun registerPush(
        target: PushTarget,
        name: String? = null,
        locale: String? = null,
        appVersion: String? = null,
        hasTexts: Boolean = false,
    ): Device =
        cancellable {
            client.registerPush(
                PushRegistration(target, name, locale, appVersion, hasTexts),
                null,
            )
        }

    /** The device with this id gets no more pushes, for example after the person has logged out. */
    public suspend fun unregisterPush(deviceId: String): Unit =
        cancellable { client.unregisterPush(deviceId, null) }

    /** The devices by which this installation is reached. */
    public suspend fun devices(): List<Device> = cancellable { client.devices(null) }

    /**
     * Looks at a push the app received, fetches the callback it is about, and tells the server that the push was received.
     * Hand over every push: what is somebody else's comes back as [PushOutcome.NotOurs]. After
     * [PushOutcome.Withdrawn] take the question back: `notificationManager.cancel(outcome.callbackId, 0)`.
     *
     * @param data the `data` of the FCM message.
     */
    public suspend fun handlePush(data: Map<String, String>): PushOutcome =
        cancellable { client.handlePush(data, null) }

    /**
     * Answers "your agent is ready, are you?" from the notification's own actions: the app need not be open, nor have
     * handled the push before. [NotificationAction.answer] says which answer an action stands for.
     *
     * @param data the `data` of the FCM message that asked.
     * @throws RingbackException for example with the code `action_token_spent` when another device was faster, or
     * `confirm_expired`.
     */
    public suspend fun answerPush(
        data: Map<String, String>,
        answer: ConfirmAnswer,
    ): Confirmation = cancellable { client.answerPush(data, answer, null) }

    /**
     * Tells the server that the person has opened a push: to be called when they tap the notification itself. Does not
     * wait for the network.
     */
    public suspend fun pushOpened(data: Map<String, String>): Unit =
        cancellable { client.pushOpened(data, null) }

    /**
     * What happens to this installation's callbacks, in order, over lost connections too. An event counts as handled
     * when the collector comes back for the next one; one that was not comes again, also after a restart. Collect it
     * in one place at a time.
     */
    public fun events(): Flow<CallbackEvent> =
        flow {
            throwing { client.events() }.use { subscription ->
                try {
                    while (true) emit(cancellable { subscription.next(null) } ?: break)
                } finally {
                    subscription.stop()
                }
            }
        }

    /**
     * Where a callback stands in line and how long it will take: as it is now, then whenever that has changed enough,
     * over lost connections too. Ends when the callback is over.
     */
    public fun line(id: String): Flow<LineUpdate> =
        flow {
            throwing { client.line(id) }.use { subscription ->
                try {
                    while (true) emit(cancellable { subscription.next(null) } ?: break)
                } finally {
                    subscription.stop()
                }
            }
        }

    /**
     * This installation's callbacks as they are: the last known state at once, from then on whatever changes, over lost
     * connections too. Every state says how old it is and whether the server is being listened to. All who collect, also
     * [liveCallback], share one connection, which ends with the last of them. Who is slow gets the latest state.
     */
    public fun liveCallbacks(): Flow<LiveCallbacks> =
        flow {
            throwing { client.liveCallbacks() }.use { subscription ->
                try {
                    while (true) emit(cancellable { subscription.next(null) } ?: break)
                } finally {
                    subscription.stop()
                }
            }
        }

    /** The same for one callback, until it is over. */
    public fun liveCallback(id: String): Flow<LiveCallback> =
        flow {
            throwing { client.liveCallback(id) }.use { subscription ->
                try {
                    while (true) emit(cancellable { subscription.next(null) } ?: break)
                } finally {
                    subscription.stop()
                }
            }
        }

    /**
     * Sends again what the outbox holds, in the order it was asked for. To be called after a start, when the app or the
     * network is back, and by background work; who collects live states is connected at once. What is refused or expires here stays in [pending] as well, until it is [discard]ed.
     */
    public suspend fun resume(): List<Resumed> = cancellable { client.resume(null) }

    /**
     * What is kept on the device: requests that the server has not answered for good, and those that were refused or
     * expired while nobody waited; [PendingRequest.state] says which.
     */
    public suspend fun pending(): List<PendingRequest> = cancellable { client.pending(null) }

    /** Whether there is work for [resume], and from when on: for whoever schedules it in the background. */
    public suspend fun outboxStatus(): OutboxStatus = cancellable { client.outboxStatus(null) }

    /**
     * Brings the client to rest, for when the app goes to the background: what is being sent is called off and stays kept,
     * the connection of [liveCallbacks] and [liveCallback] is closed (who collects keeps the last state), every file
     * operation is waited for, every lock is given back. [resume] wakes everything up again.
     */
    public suspend fun pause(): Unit = cancellable { client.pause(null) }

    /**
     * Forgets a kept request: it will not be sent again. What the server has accepted already stands. For one that was
     * refused or expired it says that the app has seen it.
     */
    public suspend fun discard(key: String): Unit = cancellable { client.discard(key, null) }

    /** Ends the client. What it keeps on disk stays. */
    override fun close(): Unit = client.close()
}
