package dev.ringback

import com.sun.jna.Callback
import com.sun.jna.CallbackThreadInitializer
import com.sun.jna.Native
import com.sun.jna.Structure
import dev.ringback.internal.uniffiRustFutureContinuationCallbackImpl as continuation

/**
 * Keeps the client's own threads attached to the JVM once they have called into it, until they end. By itself JNA attaches
 * a thread for each call and detaches it behind: many times the cost of the call, and a call within a call cannot detach.
 *
 * Has to come before the first call of each kind, so before the first client is made.
 */
internal object AttachedThreads {
    private val stay = CallbackThreadInitializer(true, false, "ringback")

    init {
        val tables: List<Structure> =
            listOf(
                uniffiCallbackInterfaceTransport.vtable,
                uniffiCallbackInterfaceSecureStore.vtable,
                uniffiCallbackInterfaceLogSink.vtable,
                uniffiCallbackInterfaceCaptchaPresenter.vtable,
                uniffiCallbackInterfaceInstallationSigner.vtable,
                uniffiCallbackInterfaceAttestationProvider.vtable,
            )
        val ofTables = tables.flatMap { table -> table.javaClass.fields.map { it.get(table) } }
        val ofFutures =
            listOf(
                continuation,
                uniffiRustFutureContinuationCallbackImpl,
                uniffiForeignFutureDroppedCallbackImpl,
            )
        for (callback in (ofTables + ofFutures).filterIsInstance<Callback>()) {
            Native.setCallbackThreadInitializer(callback, stay)
        }
    }

    /** Sees to it that the above has been done. */
    fun keep(): Unit = Unit
}
