package dev.ringback.android

import android.security.keystore.KeyGenParameterSpec
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreException
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGenerator
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey

/**
 * A Keystore in memory, under the name of Android's, which the JVM lacks. It makes and keeps AES keys; the cipher is the
 * JVM's own. What the hardware adds (that a key cannot leave it) cannot be seen here.
 */
internal object DeviceKeystore : Provider("AndroidKeyStore", "1.0", "a Keystore in memory") {
    private fun readResolve(): Any = DeviceKeystore

    val made = mutableMapOf<String, SecretKey>()
    var isBusy = false

    init {
        put("KeyStore.AndroidKeyStore", Keys::class.java.name)
        put("KeyGenerator.AES", Generator::class.java.name)
    }

    fun install() {
        made.clear()
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
            return made[alias]
        }

        override fun engineContainsAlias(alias: String) = alias in made

        override fun engineIsKeyEntry(alias: String) = alias in made

        override fun engineAliases(): Enumeration<String> = Collections.enumeration(made.keys)

        override fun engineSize() = made.size

        override fun engineDeleteEntry(alias: String) {
            made.remove(alias)
        }

        override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

        override fun engineGetCertificate(alias: String): Certificate? = null

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
