package dev.ringback.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.Network
import androidx.work.NetworkType
import androidx.work.WorkManager
import androidx.work.WorkerParameters
import dev.ringback.AccessCode
import dev.ringback.CallTicket
import dev.ringback.PendingKind
import dev.ringback.PendingRequest
import dev.ringback.PhoneNumber
import dev.ringback.RequestState
import dev.ringback.ResumeOutcome
import dev.ringback.Resumed
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowNetwork
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
class ResumeWorkTest {
    private val context: Context = RuntimeEnvironment.getApplication()

    @Test
    fun `work waits for a network`() {
        WorkManager.ENQUEUED.clear()
        assertTrue(ResumeWork.whenConnected(context))
        val work = WorkManager.ENQUEUED.single()
        assertEquals(ResumeWorker::class.java, work.worker)
        assertEquals(NetworkType.CONNECTED, work.constraints.requiredNetworkType)
    }

    @Test
    fun `another try makes sense only for what is left`() {
        val request =
            PendingRequest("key", PendingKind.CONFIRM, "cb_1", Instant.now(), RequestState.NotSent, false)
        val done = Resumed(request, ResumeOutcome.Accepted(null, null))
        val refused = Resumed(request, ResumeOutcome.Refused("confirm_expired", ""))
        val left = Resumed(request, ResumeOutcome.StillPending("unreachable"))
        assertFalse(listOf(done, refused, Resumed(request, ResumeOutcome.Expired)).isSomethingLeft())
        assertTrue(listOf(done, left).isSomethingLeft())
        assertFalse(emptyList<Resumed>().isSomethingLeft())
    }

    @Test
    fun `an app that does not say where its client is gets no work done`() {
        assertEquals("failure", ResumeWorker(context, WorkerParameters()).doWork().toString())
    }

    @Test
    fun `a network that comes back is told, until nobody listens`() =
        runBlocking {
            val manager = context.getSystemService(ConnectivityManager::class.java)
            val listening = async { networkReturns(context).first() }
            while (shadowOf(manager).networkCallbacks.isEmpty()) yield()
            val network: Network = ShadowNetwork.newInstance(1)
            shadowOf(manager).networkCallbacks.forEach { it.onAvailable(network) }
            withTimeout(10_000) { listening.await() }
            assertTrue(shadowOf(manager).networkCallbacks.isEmpty())
        }

    @Test
    fun `the dialer gets the number, the pause and the code`() {
        val uri = "tel:+493023125001,,048151"
        val ticket =
            CallTicket(
                "ci_1",
                PhoneNumber("+493023125001"),
                AccessCode("048151"),
                PhoneNumber(uri),
                Instant.now(),
            )
        val intent = ticket.dialIntent()
        assertEquals("android.intent.action.DIAL" to uri, intent.action to intent.data.toString())
    }
}
