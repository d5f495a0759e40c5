package dev.ringback.android

import android.content.Context
import dev.ringback.HostException
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
class KeystoreStoreTest {
    private val context: Context = RuntimeEnvironment.getApplication()
    private val store = KeystoreStore(context)
    private val secret = "canary-cart-of-seventeen-lamps"

    private val files: List<File>
        get() = File(context.noBackupFilesDir, "ringback").listFiles().orEmpty().sortedBy { it.name }

    @Before
    fun setUp() = DeviceKeystore.install()

    @Test
    fun `what is kept is found after a restart, and nothing of it is on the disk`() {
        assertNull(store.get("ringback.installation"))
        store.put("ringback.installation", "one")
        store.put("ringback.installation", secret)
        assertEquals(secret, KeystoreStore(context).get("ringback.installation"))
        val written = files.single().readBytes()
        assertFalse(String(written, Charsets.ISO_8859_1).contains(secret))
        assertEquals(1 + 12 + secret.length + 16, written.size)

        // The same value twice is not the same bytes twice.
        store.put("ringback.installation", secret)
        assertFalse(written.contentEquals(files.single().readBytes()))
        store.delete("ringback.installation")
        store.delete("ringback.installation")
        assertNull(store.get("ringback.installation"))
        assertTrue(files.isEmpty())
    }

    @Test
    fun `one key is made, also by threads that come at once`() {
        val threads = (1..8).map { Thread { store.put("key-$it", "value-$it") }.apply { start() } }
        threads.forEach { it.join() }
        assertEquals(setOf("ringback"), DeviceKeystore.made.keys)
        for (it in 1..8) assertEquals("value-$it", store.get("key-$it"))
    }

    @Test
    fun `a key cannot leave the folder`() {
        store.put("../../x", secret)
        assertEquals(secret, store.get("../../x"))
        assertEquals(1, files.size)
    }

    @Test
    fun `what cannot be opened is absent`() {
        store.put("a", secret)
        store.put("b", "another")
        val (a, b) = files

        // Put in another's place.
        b.writeBytes(a.readBytes())
        assertNull(store.get("b"))

        // Every single byte counts, and every length.
        val whole = a.readBytes()
        for (at in whole.indices) {
            a.writeBytes(whole.clone().also { it[at] = (it[at] + 1).toByte() })
            assertNull(store.get("a"), "byte $at")
            a.writeBytes(whole.copyOf(at))
            assertNull(store.get("a"), "cut at $at")
        }

        // The Keystore was reset: a new value can be kept again.
        a.writeBytes(whole)
        assertEquals(secret, store.get("a"))
        DeviceKeystore.made.clear()
        assertNull(store.get("a"))
        store.put("a", "anew")
        assertEquals("anew", store.get("a"))
    }

    @Test
    fun `a busy Keystore may work later, a disk that fails does not`() {
        store.put("a", secret)
        DeviceKeystore.isBusy = true
        assertFailsWith<HostException.Unavailable> { store.get("a") }
        assertFailsWith<HostException.Unavailable> { store.put("a", "b") }
        DeviceKeystore.isBusy = false
        assertEquals(secret, store.get("a"))

        // A file where the folder should be.
        File(context.noBackupFilesDir, "other").writeText("")
        assertFailsWith<HostException.Failed> { KeystoreStore(context, "other").put("a", secret) }
    }
}
