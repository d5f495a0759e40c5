package dev.ringback.android

import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.util.AtomicFile
import dev.ringback.HostException
import dev.ringback.SecureStore
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.security.GeneralSecurityException
import java.security.InvalidKeyException
import java.security.KeyStore
import java.security.ProviderException
import java.security.UnrecoverableKeyException
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * Secrets in files that only this device's Keystore opens: sealed with AES-GCM under a key that cannot leave it, in no
 * backup and on no other device.
 *
 * A value whose key is gone (the Keystore was reset, the files were carried to another device) or that was changed on
 * disk counts as absent: the app then registers anew. For one process of the app at a time.
 *
 * @param name tells this app's secrets from those of another client in the same app: the folder's and the key's name.
 */
public class KeystoreStore(
    context: Context,
    private val name: String = "ringback",
) : SecureStore {
    private val application: Context = context.applicationContext
    private val folder by lazy { File(application.noBackupFilesDir, name) }

    override fun get(key: String): String? =
        orFailed {
            try {
                opened(key, AtomicFile(file(key)).readFully())
            } catch (_: FileNotFoundException) {
                null
            }
        }

    override fun put(
        key: String,
        value: String,
    ): Unit =
        orFailed {
            val sealed = sealed(key, value)
            folder.mkdirs()
            // Readers see the old value or the new one, whatever happens in between.
            val file = AtomicFile(file(key))
            val stream = file.startWrite()
            try {
                stream.write(sealed)
                file.finishWrite(stream)
            } catch (e: IOException) {
                file.failWrite(stream)
                throw e
            }
        }

    override fun delete(key: String): Unit = AtomicFile(file(key)).delete()

    private fun sealed(
        key: String,
        value: String,
    ): ByteArray {
        val cipher = Cipher.getInstance(CIPHER)
        cipher.init(Cipher.ENCRYPT_MODE, deviceKey())
        // A file that is put in another's place does not open.
        cipher.updateAAD(key.toByteArray())
        return byteArrayOf(VERSION) + cipher.iv + cipher.doFinal(value.toByteArray())
    }

    private fun opened(
        key: String,
        sealed: ByteArray,
    ): String? {
        if (sealed.size <= 1 + IV_BYTES || sealed[0] != VERSION) return null
        return try {
            val cipher = Cipher.getInstance(CIPHER)
            cipher.init(Cipher.DECRYPT_MODE, deviceKey(), GCMParameterSpec(TAG_BITS, sealed, 1, IV_BYTES))
            cipher.updateAAD(key.toByteArray())
            String(cipher.doFinal(sealed, 1 + IV_BYTES, sealed.size - 1 - IV_BYTES))
        } catch (_: AEADBadTagException) {
            null
        } catch (_: UnrecoverableKeyException) {
            null
        } catch (_: InvalidKeyException) {
            null
        }
    }

    private fun deviceKey(): SecretKey =
        // Two threads that make a key at once would each seal with their own, and one of these would be gone.
        synchronized(making) {
            val keystore = KeyStore.getInstance(KEYSTORE).apply { load(null) }
            keystore.getKey(name, null) as? SecretKey ?: madeKey()
        }

    private fun madeKey(): SecretKey {
        val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val wanted =
            KeyGenParameterSpec
                .Builder(name, purposes)
                .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
                .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
                .setKeySize(KEY_BITS)
                .build()
        val generator = KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, KEYSTORE)
        generator.init(wanted)
        return generator.generateKey()
    }

    // In hexadecimal, so that no key can name a file elsewhere.
    private fun file(key: String): File =
        File(folder, key.toByteArray().joinToString("") { "%02x".format(it) })

    private fun <T> orFailed(work: () -> T): T =
        try {
            work()
        } catch (_: GeneralSecurityException) {
            // The Keystore is a service of its own that may be busy or starting.
            throw HostException.Unavailable()
        } catch (_: ProviderException) {
            throw HostException.Unavailable()
        } catch (_: IOException) {
            throw HostException.Failed()
        }

    private companion object {
        const val KEYSTORE = "AndroidKeyStore"
        const val CIPHER = "AES/GCM/NoPadding"
        const val VERSION: Byte = 1
        const val IV_BYTES = 12
        const val TAG_BITS = 128
        const val KEY_BITS = 256
        val making = Any()
    }
}
