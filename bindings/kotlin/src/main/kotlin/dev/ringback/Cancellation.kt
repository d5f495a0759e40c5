package dev.ringback

import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlin.coroutines.Continuation
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.intrinsics.intercepted
import kotlin.coroutines.intrinsics.startCoroutineUninterceptedOrReturn
import kotlin.coroutines.intrinsics.suspendCoroutineUninterceptedOrReturn

/**
 * Runs one call into Rust that ends when the coroutine is cancelled. The call needs no cancel token: UniFFI drops the Rust
 * future of a cancelled coroutine.
 */
internal suspend fun <T> cancellable(call: suspend () -> T): T {
    val context = currentCoroutineContext()
    context.ensureActive()
    return try {
        throwing { wherever(call) }.also { context.ensureActive() }
    } catch (error: RingbackException.Cancelled) {
        // A cancelled coroutine ends as Kotlin's coroutines do.
        context.ensureActive()
        throw error
    }
}

/**
 * Runs `call` on whichever thread wakes it, and goes on where the coroutine belongs when it has ended. So whoever cancels the
 * coroutine drops the call, at once: Rust stops even while the coroutine's own thread is busy with something else. This is
 * `withContext(Dispatchers.Unconfined)` without a job and a dispatch for each call.
 */
private suspend fun <T> wherever(call: suspend () -> T): T =
    suspendCoroutineUninterceptedOrReturn { caller ->
        val context = caller.context.minusKey(ContinuationInterceptor)
        val end = Continuation(context) { caller.intercepted().resumeWith(it) }
        call.startCoroutineUninterceptedOrReturn(end)
    }
