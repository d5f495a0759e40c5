package dev.ringback

import kotlinx.serialization.json.JsonObject
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/**
 * "Your agent is ready, are you?", asked on two devices and answered from a notification's own actions; the same stands in
 * Rust and in Swift.
 */
class ReadinessTest {
    @TempDir
    lateinit var folder: Path

    private val number = PhoneNumber("+4930901820384")
    private val otherNumber = PhoneNumber("+4930901820385")

    @Test
    fun `the phone answers, and the tablet is told`() =
        asked { centre, app, callback, onPhone, onTablet ->
            // Both are asked; on the phone's lock screen the person taps "ready", with the app closed.
            val question = centre.receivedBy("apns", 1).single()
            assertEquals(NotificationCategory.AGENT_READY, question.at("payload").at("aps").text("category"))
            assertEquals(callback.id, question.at("headers").text("apns-collapse-id"))
            assertIs<PushOutcome.Event>(app.handlePush(onTablet))
            val confirmation = app.act(onPhone, NotificationAction.READY)
            assertEquals(RoutingPhase.CONFIRMED, confirmation.callback.phase)
            tabletIsTold(centre, app, callback, onTablet)

            // Staff sees what the devices did. What is not yet answered is sent once more and waited for.
            app.resume()
            assertTrue(app.pending().isEmpty())
            val metrics = centre.metrics().lines()
            assertEquals("2", receipts(metrics, "fcm", "received"))
            assertEquals("1", receipts(metrics, "apns", "opened"))

            // The call goes on.
            val desk = centre.staff("GET", "agents/ada").at("callback")
            assertEquals(number.value, desk.text("number"))
            centre.staff("POST", "callbacks/${callback.id}/result", """{"result": "connected"}""")
            assertEquals(CallbackState.PROCESSING, app.callback(callback.id).state)
        }

    @Test
    fun `in ten minutes`() =
        asked { centre, app, callback, onPhone, onTablet ->
            val rests = app.act(onPhone, NotificationAction.SNOOZE).callback
            assertEquals(CallbackState.QUEUED, rests.state)
            val restsFor = Duration.between(Instant.now(), rests.notBefore)
            assertTrue(restsFor in Duration.ofSeconds(590)..Duration.ofSeconds(600), "$restsFor")
            tabletIsTold(centre, app, callback, onTablet)
        }

    @Test
    fun `on another number`() =
        asked { centre, app, callback, onPhone, onTablet ->
            val refused =
                assertFailsWith<RingbackException.Refused> {
                    app.act(onPhone, NotificationAction.OTHER_NUMBER, "no number")
                }
            assertEquals("number_not_e164", refused.code)

            // A mistyped number spends nothing: the person types again, in groups this time.
            val grouped = otherNumber.value.chunked(3).joinToString(" ")
            val confirmation = app.act(onPhone, NotificationAction.OTHER_NUMBER, grouped)
            assertEquals(RoutingPhase.CONFIRMED, confirmation.callback.phase)
            val shown = centre.staff("GET", "callbacks/${callback.id}")
            assertEquals(otherNumber.value, shown.text("number"))
            tabletIsTold(centre, app, callback, onTablet)
        }

    @Test
    fun `no longer needed`() =
        asked { centre, app, callback, onPhone, onTablet ->
            val ended = app.act(onPhone, NotificationAction.CANCEL).callback
            assertEquals(CompletedReason.CANCELLED_BY_CUSTOMER, ended.reason)
            tabletIsTold(centre, app, callback, onTablet)

            // A device that was unregistered is asked no more.
            app.unregisterPush(app.devices().last().id)
            assertEquals(1, app.devices().size)
        }

    @Test
    fun `actions and categories are those of the core`() {
        val here =
            listOf(
                NotificationCategory.AGENT_READY,
                NotificationCategory.CALLBACK_REMINDER,
                NotificationAction.READY,
                NotificationAction.SNOOZE,
                NotificationAction.OTHER_NUMBER,
                NotificationAction.CANCEL,
            )
        testHooks().use { assertEquals(it.notificationIdentifiers(), here) }
        assertEquals(ConfirmAnswer.Ready, NotificationAction.answer(NotificationAction.READY))
        assertNull(NotificationAction.answer("chat.reply", "hello"))
        val error =
            assertFailsWith<RingbackException.InvalidRequest> {
                NotificationAction.answer(NotificationAction.OTHER_NUMBER)
            }
        assertEquals("number_not_e164", error.code)
    }

    @Test
    fun `only an open question of ours is answered`() =
        journey(folder) { _, app ->
            val error =
                assertFailsWith<RingbackException.InvalidRequest> {
                    app.answerPush(mapOf("chat" to "hello"), ConfirmAnswer.Ready)
                }
            assertEquals("push_not_ours", error.code)
            app.pushOpened(mapOf("chat" to "hello"))
            assertTrue(app.pending().isEmpty(), "nothing was kept")
        }

    /** A person with an iPhone and an Android tablet is asked whether they are ready. */
    private fun asked(
        test: suspend (Centre, Ringback, Callback, Map<String, String>, Map<String, String>) -> Unit,
    ) = journey(folder) { centre, app ->
        val iphone = PushTarget.Apns(PushToken("0a".repeat(32)), ApnsEnvironment.SANDBOX, centre.topic)
        val tablet = PushTarget.Fcm(PushToken("a-tablet"), FcmTokenKind.TOKEN)
        app.registerPush(iphone, name = "phone", locale = "de-AT", appVersion = "7.1")
        app.registerPush(tablet, name = "tablet", hasTexts = true)
        assertEquals(2, app.devices().size)
        val callback = app.requestCallback(CallbackRequest("billing", number))
        centre.staff("PUT", "agents/ada/state", """{"state": "ready"}""")
        val onPhone = centre.receivedBy("apns", 1).single()
        val onTablet = centre.receivedBy("fcm", 1).single()
        test(centre, app, callback, apnsData(onPhone), fcmData(onTablet))
    }

    /** The tablet's question is taken back, and can no longer be answered. */
    private suspend fun tabletIsTold(
        centre: Centre,
        app: Ringback,
        callback: Callback,
        onTablet: Map<String, String>,
    ) {
        val (question, withdrawal) = centre.receivedBy("fcm", 2)
        assertEquals(callback.id, tag(question))
        assertEquals(tag(question), tag(withdrawal), "it takes the question's place")
        assertEquals(PushOutcome.Withdrawn(callback.id), app.handlePush(fcmData(withdrawal)))
        val late = assertFailsWith<RingbackException.Refused> { app.act(onTablet, NotificationAction.READY) }
        assertEquals("action_token_spent", late.code)
    }

    /** How many receipts of this kind the server counted. */
    private fun receipts(
        metrics: List<String>,
        provider: String,
        kind: String,
    ): String {
        val counted = metrics.filter { it.startsWith("ringback_push_receipts_total{") }
        return counted.single { "\"$provider\"" in it && "\"$kind\"" in it }.substringAfterLast(' ')
    }

    private fun tag(push: JsonObject) =
        push
            .at("payload")
            .at("message")
            .at("android")
            .at("notification")
            .text("tag")
}

/** The person taps one of the notification's actions. */
private suspend fun Ringback.act(
    push: Map<String, String>,
    action: String,
    typed: String? = null,
): Confirmation = answerPush(push, assertNotNull(NotificationAction.answer(action, typed)))
