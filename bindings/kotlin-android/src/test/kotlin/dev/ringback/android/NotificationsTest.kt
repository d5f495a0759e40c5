package dev.ringback.android

import android.app.Activity
import android.app.Notification
import android.app.NotificationManager
import android.app.RemoteInput
import android.content.Context
import android.content.Intent
import android.os.Bundle
import dev.ringback.Callback
import dev.ringback.CallbackState
import dev.ringback.Direction
import dev.ringback.NotificationAction
import dev.ringback.PushEvent
import dev.ringback.PushOutcome
import dev.ringback.RoutingPhase
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import java.time.Instant
import java.util.Locale
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
class NotificationsTest {
    class Receiver : NotificationActionReceiver() {
        override suspend fun tapped(
            context: Context,
            tap: NotificationTap,
        ) = heard.send(tap)

        companion object {
            val heard = Channel<NotificationTap>(Channel.UNLIMITED)
        }
    }

    class Screen : Activity()

    private val context: Context = RuntimeEnvironment.getApplication()
    private val manager = context.getSystemService(NotificationManager::class.java)
    private val push = mapOf("ringback" to """{"push_id": "p"}""", "chat" to "the app's own")
    private val words = NotificationWords.of(Locale.GERMANY)
    private val notifications =
        RingbackNotifications(
            context,
            Receiver::class.java,
            Intent(context, Screen::class.java),
            1,
            words = words,
        )

    private fun asked(id: String = "cb_1") =
        PushOutcome.Event(
            PushEvent.AGENT_READY,
            Callback(
                id = id,
                service = "billing",
                state = CallbackState.ROUTING,
                phase = RoutingPhase.NOTIFIED,
                reason = null,
                direction = Direction.CUSTOMER_TERMINATED,
                position = null,
                wait = null,
                scheduled = null,
                attempts = 0u,
                createdAt = Instant.now(),
                confirmBy = null,
                notBefore = null,
                spokenCode = null,
                version = 1uL,
            ),
            null,
            Instant.now().plusSeconds(30),
        )

    private fun shown(): List<Notification> = shadowOf(manager).allNotifications

    @Test
    fun `the question is asked in the person's language, once, until its time is over`() {
        notifications.show(push, asked())
        notifications.show(push, asked())
        val question = shown().single()
        assertEquals(words.title, question.extras.getCharSequence(Notification.EXTRA_TITLE).toString())
        assertEquals(
            listOf(words.ready, words.snooze, words.otherNumber, words.cancel),
            question.actions.map { it.title.toString() },
        )
        assertTrue(question.timeoutAfter in 25_000..30_000, "${question.timeoutAfter} ms")
        val channel = assertNotNull(manager.getNotificationChannel(question.channelId))
        assertEquals(NotificationManager.IMPORTANCE_HIGH, channel.importance)
        assertEquals(words.channel, channel.name.toString())

        // Another callback's question stands beside it; each is taken back by its own id, as FCM's own would be.
        notifications.show(push, asked("cb_2"))
        assertEquals(2, shown().size)
        notifications.withdraw("cb_1")
        assertNull(shadowOf(manager).getNotification("cb_1", 0))
        assertNotNull(shadowOf(manager).getNotification("cb_2", 0))
    }

    @Test
    fun `a tap brings the push along, and nothing else`() =
        runBlocking {
            notifications.show(push, asked())
            val (ready, _, other) = shown().single().actions
            deliver(shadowOf(ready.actionIntent).savedIntent)
            val tap = heard()
            assertEquals(NotificationAction.READY to null, tap.action to tap.typed)
            assertEquals(mapOf("ringback" to push["ringback"]), tap.data)
            assertTrue(ready.actionIntent.isImmutable)

            // A number that was typed into the notification.
            assertFalse(other.actionIntent.isImmutable)
            val intent = Intent(shadowOf(other.actionIntent).savedIntent)
            val typed = Bundle().apply { putCharSequence(NotificationTap.TYPED, "+49 30 9018 20378") }
            RemoteInput.addResultsToIntent(other.remoteInputs, intent, typed)
            deliver(intent)
            assertEquals(
                NotificationAction.OTHER_NUMBER to "+49 30 9018 20378",
                heard().run {
                    action to
                        this.typed
                },
            )
        }

    @Test
    fun `each callback's tap is its own, and a stranger's intent is none`() {
        notifications.show(push, asked("cb_1"))
        notifications.show(push, asked("cb_2"))
        val uris = shown().map { shadowOf(it.actions[0].actionIntent).savedIntent.data.toString() }
        assertEquals(setOf("ringback:cb_1", "ringback:cb_2"), uris.toSet())
        val opening = shadowOf(shown()[0].contentIntent).savedIntent
        assertEquals(NotificationTap.OPENED, assertNotNull(NotificationTap.of(opening)).action)
        for (intent in listOf(
            Intent(),
            Intent("x"),
            Intent("x").putExtra("a", 1),
            Intent().putExtra("ringback", "y"),
        )) {
            assertNull(NotificationTap.of(intent))
        }
    }

    @Test
    fun `other languages are English`() {
        assertEquals(NotificationWords.of(Locale.UK), NotificationWords.of(Locale.JAPAN))
        val all = listOf("en", "de", "fr", "es").map { NotificationWords.of(Locale.forLanguageTag(it)) }
        assertEquals(4, all.toSet().size)
    }

    private fun deliver(intent: Intent) = Receiver().onReceive(context, intent)

    private suspend fun heard() = withTimeout(10_000) { Receiver.heard.receive() }
}
