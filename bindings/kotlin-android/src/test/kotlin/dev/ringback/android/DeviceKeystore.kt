package dev.ringback.android

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyPairGeneratorSpi
import java.security.KeyStoreException
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.ProviderException
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.security.spec.ECGenParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGenerator
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey

/**
 * A Keystore in memory, under the name of Android's, which the JVM lacks. It makes and keeps AES keys and pairs of P-256; the
 * arithmetic is the JVM's own. What the hardware adds (that a key cannot leave it, and that somebody vouches for that) cannot be
 * seen here: the chain of a pair is what the test gives.
 */
internal object DeviceKeystore : Provider("AndroidKeyStore", "1.0", "a Keystore in memory") {
    private fun readResolve(): Any = DeviceKeystore

    val made = mutableMapOf<String, SecretKey>()
    val pairs = mutableMapOf<String, MadePair>()
    var isBusy = false

    /** What vouches for a pair that is made for this challenge, its own certificate first; `null` where nothing can. */
    var chain: (pair: KeyPair, challenge: ByteArray?) -> List<Certificate>? = { _, _ -> null }

    /** A pair with its chain. */
    class MadePair(
        val pair: KeyPair,
        val challenge: ByteArray?,
        val chain: List<Certificate>,
    )

    init {
        put("KeyStore.AndroidKeyStore", Keys::class.java.name)
        put("KeyGenerator.AES", Generator::class.java.name)
        put("KeyPairGenerator.EC", PairGenerator::class.java.name)
    }

    fun install() {
        made.clear()
        pairs.clear()
        chain = { _, _ -> null }
        isBusy = false
        Security.removeProvider(name)
        Security.addProvider(this)
    }

    class Generator : KeyGeneratorSpi() {
        private var wanted: KeyGenParameterSpec? = null

        override fun engineInit(random: SecureRandom?) = error("a Keystore's key needs its specification")

        override fun engineInit(
            params: AlgorithmParameterSpec?,
            random: SecureRandom?,
        ) {
            wanted = params as KeyGenParameterSpec
        }

        override fun engineInit(
            keysize: Int,
            random: SecureRandom?,
        ) = error("a Keystore's key needs its specification")

        override fun engineGenerateKey(): SecretKey {
            val spec = checkNotNull(wanted)
            check(
                spec.blockModes.toList() == listOf("GCM") &&
                    spec.encryptionPaddings.toList() == listOf("NoPadding"),
            )
            val key = KeyGenerator.getInstance("AES", "SunJCE").apply { init(spec.keySize) }.generateKey()
            made[spec.keystoreAlias] = key
            return key
        }
    }

    class PairGenerator : KeyPairGeneratorSpi() {
        private var wanted: KeyGenParameterSpec? = null

        override fun initialize(
            keysize: Int,
            random: SecureRandom?,
        ) = error("a Keystore's key needs its specification")

        override fun initialize(
            params: AlgorithmParameterSpec?,
            random: SecureRandom?,
        ) {
            wanted = params as KeyGenParameterSpec
        }

        override fun generateKeyPair(): KeyPair {
            if (isBusy) throw ProviderException("the Keystore is busy")
            val spec = checkNotNull(wanted)
            val curve = spec.algorithmParameterSpec as ECGenParameterSpec
            check(
                spec.purposes == KeyProperties.PURPOSE_SIGN &&
                    spec.digests.toList() == listOf("SHA-256") &&
                    curve.name == "secp256r1",
            )
            check((spec.attestationChallenge?.size ?: 0) <= CHALLENGE_MAX_BYTES)
            val pair =
                KeyPairGenerator
                    .getInstance("EC")
                    .apply { initialize(curve) }
                    .generateKeyPair()
            val challenge = spec.attestationChallenge
            val chain = chain(pair, challenge) ?: throw ProviderException("nothing vouches for keys here")
            pairs[spec.keystoreAlias] = MadePair(pair, challenge, chain)
            return pair
        }

        private companion object {
            const val CHALLENGE_MAX_BYTES = 128
        }
    }

    class Keys : KeyStoreSpi() {
        override fun engineLoad(
            stream: InputStream?,
            password: CharArray?,
        ) = Unit

        override fun engineGetKey(
            alias: String,
            password: CharArray?,
        ): Key? {
            if (isBusy) throw KeyStoreException("the Keystore is busy")
            return made[alias] ?: pairs[alias]?.pair?.private
        }

        override fun engineContainsAlias(alias: String) = alias in made || alias in pairs

        override fun engineIsKeyEntry(alias: String) = engineContainsAlias(alias)

        override fun engineAliases(): Enumeration<String> = Collections.enumeration(made.keys)

        override fun engineSize() = made.size

        override fun engineDeleteEntry(alias: String) {
            made.remove(alias)
        }

        override fun engineGetCertificateChain(alias: String): Array<Certificate>? =
            pairs[alias]?.chain?.toTypedArray()

        override fun engineGetCertificate(alias: String): Certificate? = pairs[alias]?.chain?.firstOrNull()

        override fun engineGetCreationDate(alias: String): Date? = null

        override fun engineIsCertificateEntry(alias: String) = false

        override fun engineGetCertificateAlias(cert: Certificate): String? = null

        override fun engineSetKeyEntry(
            alias: String,
            key: Key,
            password: CharArray?,
            chain: Array<Certificate>?,
        ) = error("not asked for")

        override fun engineSetKeyEntry(
            alias: String,
            key: ByteArray,
            chain: Array<Certificate>?,
        ) = error("not asked for")

        override fun engineSetCertificateEntry(
            alias: String,
            cert: Certificate,
        ) = error("not asked for")

        override fun engineStore(
            stream: OutputStream?,
            password: CharArray?,
        ) = error("not asked for")
    }
}
