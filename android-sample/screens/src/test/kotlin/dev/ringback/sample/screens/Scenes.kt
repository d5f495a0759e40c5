package dev.ringback.sample.screens

import dev.ringback.AccessCode
import dev.ringback.CallTicket
import dev.ringback.Callback
import dev.ringback.CallbackState
import dev.ringback.CompletedReason
import dev.ringback.Confidence
import dev.ringback.Device
import dev.ringback.Direction
import dev.ringback.FallbackNumber
import dev.ringback.Offer
import dev.ringback.OfferedKind
import dev.ringback.PendingKind
import dev.ringback.PendingRequest
import dev.ringback.PhoneNumber
import dev.ringback.RequestState
import dev.ringback.RoutingPhase
import dev.ringback.ScheduledTime
import dev.ringback.Slot
import dev.ringback.SpokenCode
import dev.ringback.WaitEstimate
import dev.ringback.WaitStatus
import dev.ringback.WallTime
import dev.ringback.sample.AskState
import dev.ringback.sample.CallInState
import dev.ringback.sample.CallbackActions
import dev.ringback.sample.Known
import dev.ringback.sample.Page
import dev.ringback.sample.Place
import dev.ringback.sample.SettingsState
import dev.ringback.sample.Trouble
import java.time.Instant

/** What the screens show in pictures: one of each, all at the same moment. */
internal object Scenes {
    private val now = Instant.parse("2026-12-01T09:41:20Z")
    private const val ZONE = "Europe/Berlin"
    private val number = PhoneNumber("+4930901820372")

    private val estimate = WaitEstimate(WaitStatus.ESTIMATED, 120u, 300u, 690u, Confidence.HIGH, null)
    private val offer =
        Offer(
            service = "billing",
            immediate = OfferedKind(true, null, null),
            scheduled = OfferedKind(true, null, null),
            closesInS = 30_000u,
            opensAt = null,
            wait = estimate,
            countries = listOf("AT", "CH", "DE"),
            defaultCountry = "DE",
            captcha = emptyList(),
            fallbackNumber = null,
        )
    private val slots =
        (2..5).flatMap { day ->
            (8..15).flatMap { hour ->
                listOf("00", "30").map { minute ->
                    val local = "2026-12-%02dT%02d:%s".format(day, hour, minute)
                    val start = Instant.parse("2026-12-%02dT%02d:%s:00Z".format(day, hour - 1, minute))
                    Slot(start, start.plusSeconds(1800), WallTime(local, ZONE, null), 2u, 4u)
                }
            }
        }
    private val ticket =
        CallTicket(
            "ci_1",
            PhoneNumber("+493023125001"),
            AccessCode("048151"),
            PhoneNumber("tel:+493023125001,,048151"),
            now.plusSeconds(272),
        )

    private fun callback(
        state: CallbackState,
        change: Callback.() -> Callback = { this },
    ) = Callback(
        id = "cb_1",
        service = "billing",
        state = state,
        phase = null,
        reason = null,
        direction = Direction.CUSTOMER_TERMINATED,
        position = null,
        wait = null,
        scheduled = null,
        attempts = 0u,
        createdAt = now.minusSeconds(300),
        confirmBy = null,
        notBefore = null,
        spokenCode = null,
        version = 1uL,
    ).change()

    private fun kept(
        kind: PendingKind,
        callbackId: String?,
        state: RequestState = RequestState.NotSent,
    ) = PendingRequest("key", kind, callbackId, now.minusSeconds(95), state, false)

    private fun known(callback: Callback?) = Known(callback, asOf = now.minusSeconds(8), live = true)

    private val waiting = known(callback(CallbackState.QUEUED)).copy(place = Place(4u, estimate))

    /** Nothing came for so long. */
    private fun Known.silentFor(seconds: Long) =
        copy(live = false, asOf = now.minusSeconds(seconds), listeningSince = now.minusSeconds(seconds))

    private val outOfReach =
        Trouble(
            "unreachable",
            "There is no connection.",
            true,
            offline = true,
            pendingKey = "key",
            emptyList(),
        )
    private val typed = AskState(offer = offer, number = "+49 30 9018 20372")

    /** By the name of its picture. */
    val all: Map<String, Shown> =
        mapOf(
            "ask-now" to Shown(now, ask = typed),
            "ask-later" to Shown(now, ask = typed.copy(later = true, slots = slots, slot = slots[5])),
            "ask-refused" to
                Shown(
                    now,
                    ask =
                        typed.copy(
                            later = true,
                            slots = slots.drop(3),
                            trouble =
                                Trouble(
                                    "slot_full",
                                    "This time is taken.",
                                    retryable = false,
                                    offline = false,
                                    pendingKey = null,
                                    slots.drop(3),
                                ),
                        ),
                ),
            "not-sent" to
                Shown(
                    now,
                    known =
                        Known(kept = listOf(kept(PendingKind.REQUEST_CALLBACK, null)), missedAt = now),
                ),
            "lapsed" to
                Shown(
                    now,
                    known =
                        Known(kept = listOf(kept(PendingKind.REQUEST_CALLBACK, null, RequestState.Expired))),
                ),
            "in-line" to Shown(now, known = waiting),
            "in-line-next" to
                Shown(now, known = waiting.copy(place = Place(1u, estimate.copy(p90S = 40u)))),
            "in-line-connecting" to Shown(now, known = waiting.silentFor(20).copy(place = null)),
            "in-line-stale" to Shown(now, known = waiting.silentFor(20)),
            "in-line-offline" to Shown(now, known = waiting.silentFor(1320)),
            "in-line-offline-yesterday" to Shown(now, known = waiting.silentFor(60_000).copy(place = null)),
            "in-line-rests" to
                Shown(
                    now,
                    known =
                        waiting.copy(
                            callback = waiting.callback?.copy(notBefore = now.plusSeconds(580)),
                        ),
                ),
            "in-line-unsent" to
                Shown(
                    now,
                    known = waiting.copy(kept = listOf(kept(PendingKind.CANCEL, "cb_1"))),
                ),
            "promised" to
                Shown(
                    now,
                    known =
                        known(
                            callback(CallbackState.SCHEDULED) {
                                copy(
                                    scheduled =
                                        ScheduledTime(
                                            now.plusSeconds(180_000),
                                            "2026-12-03T10:30:00",
                                            ZONE,
                                            null,
                                        ),
                                )
                            },
                        ),
                ),
            "ready" to
                Shown(
                    now,
                    known =
                        known(
                            callback(CallbackState.ROUTING) {
                                copy(phase = RoutingPhase.NOTIFIED, confirmBy = now.plusSeconds(24))
                            },
                        ),
                ),
            "dial" to
                Shown(
                    now,
                    known =
                        known(callback(CallbackState.ROUTING) { copy(phase = RoutingPhase.CONFIRMED) })
                            .copy(ticket = ticket),
                ),
            "connecting" to
                Shown(
                    now,
                    known =
                        known(
                            callback(CallbackState.ROUTING) {
                                copy(phase = RoutingPhase.CONNECTING, spokenCode = SpokenCode("4816"))
                            },
                        ),
                ),
            "over" to
                Shown(
                    now,
                    known =
                        known(
                            callback(CallbackState.COMPLETED) { copy(reason = CompletedReason.NO_ANSWER) },
                        ),
                ),
            "call-in" to Shown(now, Page.CALL_IN, callIn = CallInState(ticket)),
            "call-in-offline" to
                Shown(
                    now,
                    Page.CALL_IN,
                    callIn =
                        CallInState(
                            fallback =
                                FallbackNumber(
                                    "billing",
                                    PhoneNumber("+493023125000"),
                                    PhoneNumber("tel:+493023125000"),
                                    true,
                                    now.minusSeconds(80_000),
                                ),
                            trouble = outOfReach,
                        ),
                ),
            "talking" to Shown(now, known = known(callback(CallbackState.PROCESSING))),
            "closed" to
                Shown(
                    now,
                    ask =
                        typed.copy(
                            later = true,
                            slots = slots,
                            offer =
                                offer.copy(
                                    immediate = OfferedKind(false, "closed", null),
                                    opensAt = now.plusSeconds(80_000),
                                ),
                        ),
                ),
            "settings" to
                Shown(
                    now,
                    Page.SETTINGS,
                    settings =
                        SettingsState(
                            number.value,
                            "Wilhelmina Quartzbottom",
                            listOf(Device("dev_1", now.minusSeconds(700_000))),
                        ),
                ),
            "busy" to Shown(now, known = waiting, actions = CallbackActions(busy = true)),
        )
}
