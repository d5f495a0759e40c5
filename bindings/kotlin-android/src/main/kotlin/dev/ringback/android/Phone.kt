package dev.ringback.android

import android.content.Context
import android.content.Intent
import android.net.ConnectivityManager
import android.net.Network
import android.net.Uri
import dev.ringback.CallTicket
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.conflate

/**
 * Tells whenever there is a network (again): the moment for `resume`. Needs the permission `ACCESS_NETWORK_STATE`, which
 * the library's manifest asks for and the system grants by itself.
 */
public fun networkReturns(context: Context): Flow<Unit> =
    callbackFlow {
        val networks =
            context.applicationContext.getSystemService(
                Context.CONNECTIVITY_SERVICE,
            ) as ConnectivityManager
        val listener =
            object : ConnectivityManager.NetworkCallback() {
                override fun onAvailable(network: Network) {
                    trySend(Unit)
                }
            }
        networks.registerDefaultNetworkCallback(listener)
        awaitClose { networks.unregisterNetworkCallback(listener) }
    }.conflate()

/** Opens the phone's dialer with the number and the code; the person taps "call". Needs no permission. */
public fun CallTicket.dialIntent(): Intent = Intent(Intent.ACTION_DIAL, Uri.parse(telUri.value))
