package dev.ringback

import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.spec.ECGenParameterSpec
import java.security.spec.PKCS8EncodedKeySpec
import java.security.spec.X509EncodedKeySpec
import kotlin.io.encoding.Base64

private const val NAME = "ringback.signer"
private const val ALGORITHM = "EC"

/** Signs with a P-256 key that lies in [store], for apps that give no key of the platform's. */
internal fun storedKeySigner(store: SecureStore): InstallationSigner =
    KeyPairSigner { kept(store) ?: made(store) }

/** `null` also for what is no key any more: the app then is a new installation. */
private fun kept(store: SecureStore): KeyPair? {
    val text = store.get(NAME) ?: return null
    return try {
        val (public, private) = text.split(' ', limit = 2).map { Base64.decode(it) }
        val factory = KeyFactory.getInstance(ALGORITHM)
        KeyPair(
            factory.generatePublic(X509EncodedKeySpec(public)),
            factory.generatePrivate(PKCS8EncodedKeySpec(private)),
        )
    } catch (_: GeneralSecurityException) {
        null
    } catch (_: IllegalArgumentException) {
        null
    } catch (_: IndexOutOfBoundsException) {
        null
    }
}

private fun made(store: SecureStore): KeyPair {
    val generator = KeyPairGenerator.getInstance(ALGORITHM)
    generator.initialize(ECGenParameterSpec("secp256r1"))
    val pair = generator.generateKeyPair()
    store.put(NAME, "${Base64.encode(pair.public.encoded)} ${Base64.encode(pair.private.encoded)}")
    return pair
}
