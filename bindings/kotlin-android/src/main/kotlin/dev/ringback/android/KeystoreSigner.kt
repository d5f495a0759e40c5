package dev.ringback.android

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.util.Base64
import dev.ringback.AttestationAsk
import dev.ringback.AttestationEvidence
import dev.ringback.AttestationProvider
import dev.ringback.HostException
import dev.ringback.InstallationSigner
import dev.ringback.KeyPairSigner
import dev.ringback.SignerKey
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.security.GeneralSecurityException
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.PrivateKey
import java.security.ProviderException
import java.security.cert.Certificate
import java.security.cert.X509Certificate
import java.security.spec.ECGenParameterSpec

/**
 * Signs with a key of this device's Keystore, and has the Keystore vouch for it by Android Key Attestation. One object is both:
 *
 * ```
 * val keystore = KeystoreSigner()
 * Ringback(config, store, signer = keystore, attestation = keystore)
 * ```
 *
 * The key is made for a challenge of the server's, just before the installation is registered. An installation that has a key
 * already is another one with this. A device that cannot attest gets a key all the same. For one process of the app at a time.
 *
 * @param name the key's name in the Keystore.
 * @param others who vouches where the server does not judge keys or this one cannot be vouched for, for example a
 * [PlayIntegrityProvider][dev.ringback.PlayIntegrityProvider].
 */
public class KeystoreSigner(
    private val name: String = "ringback.signer",
    private val others: AttestationProvider? = null,
) : InstallationSigner,
    AttestationProvider {
    @Volatile
    private var signer = signer()

    override fun publicKey(): SignerKey = signer.publicKey()

    override fun sign(message: ByteArray): ByteArray = orFailed { signer.sign(message) }

    override suspend fun attest(ask: AttestationAsk): AttestationEvidence? {
        if (PROVIDER in ask.providers) {
            val evidence = withContext(Dispatchers.IO) { orFailed { evidence(ask) } }
            if (evidence != null) return evidence
        }
        return if (ask.beforeRegistration) null else others?.attest(ask)
    }

    private fun signer() = KeyPairSigner { orFailed { keyPair() } }

    private fun evidence(ask: AttestationAsk): AttestationEvidence? {
        if (ask.beforeRegistration) makeFor(ask.challenge)
        val chain = chain()
        if (!isAttested(chain)) return null
        return AttestationEvidence.AndroidKey(
            chain.map { Base64.encodeToString(it.encoded, Base64.NO_WRAP) },
        )
    }

    /** A key that can be vouched for, unless there is one. */
    private fun makeFor(challenge: String) =
        synchronized(making) {
            if (!isAttested(chain())) {
                make(challenge.toByteArray())
                // It may have the key that is gone now.
                signer = signer()
            }
        }

    private fun isAttested(chain: List<Certificate>): Boolean =
        (chain.firstOrNull() as? X509Certificate)?.getExtensionValue(KEY_DESCRIPTION) != null

    private fun chain(): List<Certificate> = keystore().getCertificateChain(name).orEmpty().toList()

    private fun keyPair(): KeyPair =
        // Two threads that make a key at once would each sign with their own, and one of these would be gone.
        synchronized(making) {
            val keystore = keystore()
            val key = keystore.getKey(name, null) as? PrivateKey
            val certificate = keystore.getCertificate(name)
            if (key != null && certificate != null) KeyPair(certificate.publicKey, key) else make(null)
        }

    private fun keystore(): KeyStore = KeyStore.getInstance(KEYSTORE).apply { load(null) }

    // Not in StrongBox, which not every device has and which takes much longer for each signature.
    private fun make(challenge: ByteArray?): KeyPair {
        val wanted =
            KeyGenParameterSpec
                .Builder(name, KeyProperties.PURPOSE_SIGN)
                .setAlgorithmParameterSpec(ECGenParameterSpec(CURVE))
                .setDigests(KeyProperties.DIGEST_SHA256)
                .setAttestationChallenge(challenge)
                .build()
        return KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, KEYSTORE).run {
            initialize(wanted)
            generateKeyPair()
        }
    }

    private inline fun <T> orFailed(work: () -> T): T =
        try {
            work()
        } catch (_: GeneralSecurityException) {
            // The Keystore is a service of its own that may be busy or starting.
            throw HostException.Unavailable()
        } catch (_: ProviderException) {
            throw HostException.Unavailable()
        }

    private companion object {
        const val KEYSTORE = "AndroidKeyStore"
        const val PROVIDER = "android_key"
        const val CURVE = "secp256r1"
        const val KEY_DESCRIPTION = "1.3.6.1.4.1.11129.2.1.17"
        val making = Any()
    }
}
