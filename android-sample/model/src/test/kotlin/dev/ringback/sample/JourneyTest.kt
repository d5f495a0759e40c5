package dev.ringback.sample

import dev.ringback.CompletedReason
import dev.ringback.FcmTokenKind
import dev.ringback.NotificationAction
import dev.ringback.PendingKind
import dev.ringback.PushEvent
import dev.ringback.PushOutcome
import dev.ringback.PushTarget
import dev.ringback.PushToken
import dev.ringback.WaitStatus
import dev.ringback.at
import dev.ringback.text
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The whole way of a person through the app, offline too; the same stands in Swift. */
class JourneyTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `asked for in a tunnel, answered from the lock screen, and talked`() =
        onAPhone(folder, "+4930901820360") { centre, phone ->
            phone.app.start()
            phone.app.ask
                .refresh()
                .join()
            val offered = phone.app.ask.ask.value
            assertTrue(offered.offer?.immediate?.offered == true && offered.canAsk)
            val tablet = PushTarget.Fcm(PushToken("the-sample"), FcmTokenKind.TOKEN)
            phone.app.settings
                .register(tablet, "de-AT", "0.1.0")
                .join()
            assertEquals(
                1,
                phone.app.settings.settings.value.devices
                    ?.size,
            )

            // In a tunnel the tap is kept, and the app says so.
            phone.network.airplaneMode = true
            phone.app.ask
                .ask()
                .join()
            val trouble = checkNotNull(phone.app.ask.ask.value.trouble)
            assertTrue(trouble.offline && trouble.pendingKey != null, "$trouble")
            val unsent = phone.stands<Standing.NotSent>()
            assertTrue(
                phone.app.watch.known.value
                    .isOffline(Instant.now()),
            )

            // The phone ends the app; opened again, it still says so.
            phone.restart()
            phone.app.start()
            assertEquals(unsent.key, phone.stands<Standing.NotSent>().key)

            // Out of the tunnel: one tap is one request.
            phone.network.airplaneMode = false
            phone.app.callback
                .sendAgain()
                .join()
            val waits = phone.stands<Standing.InLine> { it.position == 1u && it.wait != null }
            assertEquals(WaitStatus.NO_AGENTS, waits.wait?.status)
            phone.app.watch.known.until { known ->
                known.takeIf {
                    it.live && it.kept.isEmpty() && it.age == null &&
                        !it.isOffline(
                            Instant.now(),
                        )
                }
            }

            // An agent is ready: the push asks, and so does the screen.
            centre.staff("PUT", "agents/ada/state", """{"state": "ready"}""")
            val push = centre.pushOverFcm()
            val event = assertIs<PushOutcome.Event>(phone.app.callback.received(push))
            assertEquals(PushEvent.AGENT_READY, event.event)
            val asked = phone.stands<Standing.Asked>()
            assertTrue(asked.until.isAfter(Instant.now()))

            // "Connect me", from the lock screen.
            assertNull(phone.app.callback.tapped(push, NotificationAction.READY))
            phone.stands<Standing.Connecting>()
            val desk = centre.staff("GET", "agents/ada").at("callback")
            assertEquals("+4930901820360", desk.text("number"))
            val id = asked.callback.id
            centre.staff("POST", "callbacks/$id/result", """{"result": "connected"}""")
            phone.stands<Standing.Talking>()

            // Over; once seen, there is nothing left.
            centre.staff("POST", "callbacks/$id/complete", """{"note": "solved"}""")
            assertEquals(CompletedReason.HANDLED, phone.stands<Standing.Over>().callback.reason)
            phone.app.watch.dismiss()
            phone.stands<Standing.Idle>()
            phone.restart()
            phone.app.watch.catchUp()
            phone.stands<Standing.Idle>()
        }

    @Test
    fun `not now, on another number, and no longer needed`() =
        onAPhone(folder, "+4930901820361") { centre, phone ->
            phone.app.start()
            phone.app.ask
                .ask()
                .join()
            centre.staff("PUT", "agents/ada/state", """{"state": "ready"}""")
            phone.stands<Standing.Asked>()
            phone.app.callback
                .inTenMinutes()
                .join()
            val rests = phone.stands<Standing.InLine> { it.restsUntil != null }
            assertTrue(Duration.between(Instant.now(), rests.restsUntil) > Duration.ofMinutes(9))

            // While waiting, the number is changed; nonsense is refused and changes nothing.
            phone.app.callback
                .onOtherNumber("no number")
                .join()
            assertEquals(
                "number_not_e164",
                phone.app.callback.actions.value.trouble
                    ?.code,
            )
            phone.app.callback
                .onOtherNumber("+49 30 9018 20362")
                .join()
            assertNull(phone.app.callback.actions.value.trouble)
            val shown = centre.staff("GET", "callbacks/${rests.callback.id}")
            assertEquals("+4930901820362", shown.text("number"))

            // Taken back without a network: it is done when there is one.
            phone.network.airplaneMode = true
            phone.app.callback
                .cancel()
                .join()
            assertNotNull(checkNotNull(phone.app.callback.actions.value.trouble).pendingKey)
            assertEquals(PendingKind.CANCEL, phone.app.watch.known.value.unsentChange)
            phone.network.airplaneMode = false
            phone.app.callback
                .sendAgain()
                .join()
            val over = phone.stands<Standing.Over>()
            assertEquals(CompletedReason.CANCELLED_BY_CUSTOMER, over.callback.reason)
            assertNull(phone.app.callback.actions.value.trouble)
        }

    @Test
    fun `asked on the screen, and the person dials`() =
        onAPhone(folder, "+4930901820363", service = "sales") { centre, phone ->
            phone.app.start()
            phone.app.ask
                .ask()
                .join()
            centre.staff("PUT", "agents/grace/state", """{"state": "ready"}""")
            phone.stands<Standing.Asked>()
            phone.app.callback
                .ready()
                .join()
            val ticket = checkNotNull(phone.stands<Standing.Connecting> { it.ticket != null }.ticket)
            assertTrue(ticket.telUri.value.startsWith("tel:"))
            val (called, typed) = ticket.number.value to ticket.accessCode.value
            val dialed = """{"called_number": "$called", "access_code": "$typed"}"""
            centre.staff("POST", "call-ins/match", dialed)
        }
}
