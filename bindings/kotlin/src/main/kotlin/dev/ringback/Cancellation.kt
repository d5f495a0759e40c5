package dev.ringback

import dev.ringback.internal.CancelToken
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch

/**
 * Runs one call into Rust that ends when the coroutine is cancelled.
 *
 * The token is cancelled by whoever cancels the coroutine, at once: Rust stops even while the coroutine's own thread
 * is busy with something else.
 */
internal suspend fun <T> cancellable(call: suspend (CancelToken) -> T): T =
    CancelToken().use { token ->
        coroutineScope {
            val watcher =
                launch(Dispatchers.Unconfined, CoroutineStart.UNDISPATCHED) {
                    try {
                        awaitCancellation()
                    } finally {
                        token.cancel()
                    }
                }
            try {
                throwing { call(token) }
            } catch (error: RingbackException.Cancelled) {
                // A cancelled coroutine ends as Kotlin's coroutines do.
                ensureActive()
                throw error
            } finally {
                watcher.cancel()
            }
        }
    }
