package dev.ringback.android

import android.app.Activity
import android.app.Application
import android.app.NotificationManager
import android.content.Context
import android.content.Intent
import androidx.work.WorkerParameters
import dev.ringback.CallbackRequest
import dev.ringback.CallbackState
import dev.ringback.Centre
import dev.ringback.FcmTokenKind
import dev.ringback.HttpRequest
import dev.ringback.NotificationAction
import dev.ringback.OkHttpTransport
import dev.ringback.PersonName
import dev.ringback.PhoneNumber
import dev.ringback.PushOutcome
import dev.ringback.PushTarget
import dev.ringback.PushToken
import dev.ringback.Ringback
import dev.ringback.RingbackException
import dev.ringback.StreamSink
import dev.ringback.Transport
import dev.ringback.TransportException
import dev.ringback.at
import dev.ringback.text
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

/** All of it together, with the real client, the real server, and Android's own framework around them. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE, application = AndroidJourneyTest.App::class)
class AndroidJourneyTest {
    /** An app that says where its client is. */
    class App :
        Application(),
        RingbackOwner {
        val client = CompletableDeferred<Ringback>()

        override val ringback: Ringback get() = runBlocking { client.await() }
    }

    class Screen : Activity()

    class Taps : NotificationActionReceiver() {
        override suspend fun tapped(
            context: Context,
            tap: NotificationTap,
        ) {
            val answer = assertNotNull(NotificationAction.answer(tap.action, tap.typed))
            val confirmation = (context.applicationContext as App).ringback.answerPush(tap.data, answer)
            answered.complete(confirmation.callback.id)
        }

        companion object {
            val answered = CompletableDeferred<String>()
        }
    }

    /** Real HTTP, until it is switched off. */
    private class Network : Transport {
        private val http = OkHttpTransport()

        @Volatile
        var isOff = false

        override suspend fun send(request: HttpRequest) =
            if (isOff) throw TransportException.Unreachable() else http.send(request)

        override suspend fun stream(
            request: HttpRequest,
            sink: StreamSink,
        ) = if (isOff) throw TransportException.Unreachable() else http.stream(request, sink)
    }

    @get:Rule
    val folder = TemporaryFolder()

    private val app = RuntimeEnvironment.getApplication() as App

    @Test
    fun `kept without a network, sent by work in the background, asked and answered by notification`() {
        DeviceKeystore.install()
        val network = Network()
        val ending =
            Centre().use { centre ->
                centre.app(folder.root.toPath(), network, store = KeystoreStore(app)).use { ringback ->
                    app.client.complete(ringback)
                    runBlocking { withTimeout(60_000) { journey(centre, ringback, network) } }
                }
            }
        assertEquals(CallbackState.PROCESSING, ending)
    }

    private suspend fun journey(
        centre: Centre,
        ringback: Ringback,
        network: Network,
    ): CallbackState {
        ringback.registerPush(PushTarget.Fcm(PushToken("a-phone"), FcmTokenKind.TOKEN))

        // A tap without a network is kept, and work in the background does what it can.
        network.isOff = true
        val request =
            CallbackRequest("billing", PhoneNumber("+4930901820379"), PersonName("Wilhelmina Quartzbottom"))
        val unsent = assertFailsWith<RingbackException.Unreachable> { ringback.requestCallback(request) }
        assertNotNull(unsent.pendingKey)
        assertEquals("retry", ResumeWorker(app, WorkerParameters()).doWork().toString())
        network.isOff = false
        assertEquals("success", ResumeWorker(app, WorkerParameters()).doWork().toString())
        val callback = ringback.callbacks().single()

        // The question is a notification; its first action answers it, the app being closed.
        centre.staff("PUT", "agents/ada/state", """{"state": "ready"}""")
        val push = centre.pushOverFcm()
        val asked = assertIs<PushOutcome.Event>(ringback.handlePush(push))
        val notifications = RingbackNotifications(app, Taps::class.java, Intent(app, Screen::class.java), 1)
        notifications.show(push, asked)
        val manager = app.getSystemService(NotificationManager::class.java)
        val question = assertNotNull(shadowOf(manager).getNotification(callback.id, 0))
        Taps().onReceive(app, shadowOf(question.actions.first().actionIntent).savedIntent)
        assertEquals(callback.id, Taps.answered.await())
        notifications.withdraw(callback.id)
        assertTrue(shadowOf(manager).allNotifications.isEmpty())

        // The agent dials, and they talk.
        assertEquals("+4930901820379", centre.staff("GET", "agents/ada").at("callback").text("number"))
        centre.staff("POST", "callbacks/${callback.id}/result", """{"result": "connected"}""")
        return ringback.callback(callback.id).state
    }
}
