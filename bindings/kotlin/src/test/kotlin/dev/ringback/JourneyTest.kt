package dev.ringback

import kotlinx.coroutines.flow.produceIn
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue

/** The customer's whole journey, readable from top to bottom; the same stands in Rust and in Swift. */
class JourneyTest {
    @TempDir
    lateinit var folder: Path

    private val number = PhoneNumber("+4930901820380")
    private val request =
        CallbackRequest(
            service = "billing",
            number = number,
            name = PersonName("Wilhelmina Quartzbottom"),
            context = mapOf("cart" to ContextValue("canary-cart-of-seventeen-lamps")),
        )

    @Test
    fun `from a tap to an answered call`() =
        journey(folder) { centre, app ->
            app.registerPush(PushTarget.Fcm(PushToken("an-android-phone"), FcmTokenKind.TOKEN))
            val events = app.events().produceIn(this)

            // A person taps "call me" and keeps their place in line.
            val callback = app.requestCallback(request)
            assertEquals(CallbackState.QUEUED, callback.state)
            assertEquals(1u, callback.position)
            assertEquals(EventKind.REQUESTED, events.receive().kind)

            // An agent with the right skills becomes ready; the phone gets a push.
            centre.staff("PUT", "agents/ada/state", """{"state": "ready"}""")
            val push = centre.pushOverFcm()
            assertEquals(EventKind.RESERVED, events.receive().kind)
            assertEquals(EventKind.NOTIFIED, events.receive().kind)

            // The app hands the push to the SDK, which fetches the details.
            val asked = assertIs<PushOutcome.Event>(app.handlePush(push))
            assertEquals(PushEvent.AGENT_READY, asked.event)
            assertEquals(callback.id, asked.callback.id)
            assertEquals(CallbackState.ROUTING, asked.callback.state)
            assertIs<PushOutcome.Duplicate>(app.handlePush(push), "a second copy is dropped")
            assertIs<PushOutcome.NotOurs>(app.handlePush(mapOf("chat" to "hello")))

            // The person says "ready".
            val confirmation = app.confirm(callback.id, ConfirmAnswer.Ready, asked.actionToken)
            assertEquals(RoutingPhase.CONFIRMED, confirmation.callback.phase)
            assertEquals(EventKind.CONFIRMED, events.receive().kind)
            assertEquals(EventKind.CONNECTING, events.receive().kind)

            // The agent sees whom to call and why, dials, and talks.
            val desk = centre.staff("GET", "agents/ada").at("callback")
            assertEquals(number.value, desk.text("number"))
            assertEquals(request.context.getValue("cart").value, desk.at("context").text("cart"))
            centre.staff("POST", "callbacks/${callback.id}/result", """{"result": "connected"}""")
            assertEquals(EventKind.PROCESSING, events.receive().kind)

            // The record is closed.
            centre.staff("POST", "callbacks/${callback.id}/complete", """{"note": "solved"}""")
            val completed = events.receive()
            assertEquals(EventKind.COMPLETED, completed.kind)
            assertEquals(CompletedReason.HANDLED, completed.callback.reason)
            assertEquals(7uL, completed.seq, "no event was left out")
            assertEquals(listOf(CallbackState.COMPLETED), app.callbacks().map { it.state })
            events.cancel()
        }

    @Test
    fun `a customer dials and is known on arrival`() =
        journey(folder) { centre, app ->
            val ticket =
                app.requestCallIn(
                    CallInRequest(service = "billing", callerNumber = number, context = request.context),
                )
            assertEquals(6, ticket.accessCode.value.length, "text, so that leading zeros stay")
            assertTrue(ticket.telUri.value.startsWith("tel:${ticket.number.value}"))
            assertTrue(ticket.telUri.value.endsWith(ticket.accessCode.value))

            val (called, typed) = ticket.number.value to ticket.accessCode.value
            val call = """{"called_number": "$called", "access_code": "$typed"}"""
            val known = centre.staff("POST", "call-ins/match", call)
            assertEquals(ticket.id, known.text("id"))
            assertEquals(request.context.getValue("cart").value, known.at("context").text("cart"))
        }

    @Test
    fun `a second request for the same number is refused, and says which one is open`() =
        journey(folder) { _, app ->
            val open = app.requestCallback(request)
            val error = assertFailsWith<RingbackException.Refused> { app.requestCallback(request) }
            assertEquals("callback_already_open", error.code)
            assertEquals(409, error.status)
            assertEquals(open.id, error.callbackId)
            assertTrue(error.title.isNotEmpty())
            assertTrue(!error.requestId.isNullOrEmpty(), "the server's log can be searched for it")
            assertTrue(!error.retryable)

            // Taken back, it no longer stands in the way.
            assertEquals(CompletedReason.CANCELLED_BY_CUSTOMER, app.cancel(open.id).reason)
            assertEquals(CallbackState.QUEUED, app.requestCallback(request).state)
        }
}
