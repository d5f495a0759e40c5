package dev.ringback.android

import android.content.Context
import androidx.work.BackoffPolicy
import androidx.work.Constraints
import androidx.work.ExistingWorkPolicy
import androidx.work.NetworkType
import androidx.work.OneTimeWorkRequest
import androidx.work.WorkManager
import androidx.work.Worker
import androidx.work.WorkerParameters
import dev.ringback.ResumeOutcome
import dev.ringback.Resumed
import dev.ringback.Ringback
import dev.ringback.RingbackException
import kotlinx.coroutines.runBlocking
import java.util.concurrent.TimeUnit

/** The app's `Application` says where its one client is, so that work in the background finds it. */
public interface RingbackOwner {
    /** The client, made if it is not there yet. */
    public val ringback: Ringback
}

/**
 * Sends what the outbox holds once there is a network, the app being open or not: by WorkManager, where the app has it.
 * Never initializes it: that is the app's.
 */
public object ResumeWork {
    private const val NAME = "ringback-resume"
    private const val FIRST_WAIT_S = 30L

    /** Whether the app brings WorkManager along. */
    public val isThere: Boolean by lazy {
        try {
            Class.forName("androidx.work.WorkManager", false, ResumeWork::class.java.classLoader)
            true
        } catch (_: ClassNotFoundException) {
            false
        }
    }

    /**
     * Has [Ringback.resume] called when there is a network, once however often this is asked for. To be called when an
     * error has a `pendingKey`.
     *
     * @return false where there is no WorkManager: the app then calls `resume` itself, after a start and when the
     * network is back ([networkReturns]).
     */
    public fun whenConnected(context: Context): Boolean {
        if (isThere) enqueue(context)
        return isThere
    }

    // In a function of its own: nothing of WorkManager is loaded before it is called.
    private fun enqueue(context: Context) {
        val connected = Constraints.Builder().setRequiredNetworkType(NetworkType.CONNECTED).build()
        val request =
            OneTimeWorkRequest
                .Builder(ResumeWorker::class.java)
                .setConstraints(connected)
                .setBackoffCriteria(BackoffPolicy.EXPONENTIAL, FIRST_WAIT_S, TimeUnit.SECONDS)
                .build()
        WorkManager.getInstance(context).enqueueUniqueWork(NAME, ExistingWorkPolicy.KEEP, request)
    }
}

/** Made by WorkManager. The application has to be a [RingbackOwner]. */
public class ResumeWorker(
    context: Context,
    parameters: WorkerParameters,
) : Worker(context, parameters) {
    override fun doWork(): Result {
        val owner = applicationContext as? RingbackOwner ?: return Result.failure()
        return try {
            val resumed = runBlocking { owner.ringback.resume() }
            if (resumed.isSomethingLeft()) Result.retry() else Result.success()
        } catch (_: RingbackException) {
            // The outbox could not be read now.
            Result.retry()
        }
    }
}

/** Whether another try makes sense. */
internal fun List<Resumed>.isSomethingLeft(): Boolean = any { it.outcome is ResumeOutcome.StillPending }
