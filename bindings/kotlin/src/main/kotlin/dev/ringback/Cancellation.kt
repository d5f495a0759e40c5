package dev.ringback

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext

/**
 * Runs one call into Rust that ends when the coroutine is cancelled. The call needs no cancel token: UniFFI drops the Rust
 * future of a cancelled coroutine.
 *
 * Whoever cancels the coroutine drops it, at once: Rust stops even while the coroutine's own thread is busy with something else.
 */
internal suspend fun <T> cancellable(call: suspend () -> T): T =
    withContext(Dispatchers.Unconfined) {
        try {
            throwing { call() }
        } catch (error: RingbackException.Cancelled) {
            // A cancelled coroutine ends as Kotlin's coroutines do.
            ensureActive()
            throw error
        }
    }
