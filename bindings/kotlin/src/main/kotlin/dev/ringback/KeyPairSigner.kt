package dev.ringback

import java.math.BigInteger
import java.security.GeneralSecurityException
import java.security.KeyPair
import java.security.Signature
import java.security.interfaces.ECPublicKey

/**
 * Signs with a P-256 key pair of the platform. On Android one of the Keystore, which never leaves the device's hardware:
 *
 * ```
 * val signer = KeyPairSigner {
 *     val store = KeyStore.getInstance("AndroidKeyStore").apply { load(null) }
 *     store.getCertificate("ringback")?.let { KeyPair(it.publicKey, store.getKey("ringback", null) as PrivateKey) }
 *         ?: KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, "AndroidKeyStore").run {
 *             val spec = KeyGenParameterSpec.Builder("ringback", KeyProperties.PURPOSE_SIGN)
 *             initialize(spec.setDigests(KeyProperties.DIGEST_SHA256).build())
 *             generateKeyPair()
 *         }
 * }
 * ```
 *
 * @param keyPair the pair, made when there is none yet. Called with the first request; it must not ask the person for anything.
 */
public class KeyPairSigner(
    keyPair: () -> KeyPair,
) : InstallationSigner {
    private val pair: KeyPair by lazy(keyPair)

    override fun publicKey(): SignerKey =
        orFailed {
            val point = (pair.public as ECPublicKey).w
            SignerKey(
                KeyAlgorithm.ECDSA_P256_SHA256,
                byteArrayOf(UNCOMPRESSED) + coordinate(point.affineX) + coordinate(point.affineY),
            )
        }

    override fun sign(message: ByteArray): ByteArray =
        orFailed {
            Signature.getInstance("SHA256withECDSA").run {
                initSign(pair.private)
                update(message)
                sign()
            }
        }

    private fun coordinate(number: BigInteger): ByteArray {
        val digits = number.toByteArray().takeLast(COORDINATE_BYTES).toByteArray()
        return ByteArray(COORDINATE_BYTES - digits.size) + digits
    }

    private fun <T> orFailed(work: () -> T): T =
        try {
            work()
        } catch (_: GeneralSecurityException) {
            throw HostException.Failed()
        }

    private companion object {
        const val UNCOMPRESSED: Byte = 4
        const val COORDINATE_BYTES = 32
    }
}
