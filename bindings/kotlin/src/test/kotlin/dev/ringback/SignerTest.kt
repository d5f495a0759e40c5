package dev.ringback

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.spec.ECGenParameterSpec
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** The platform's own key, and the platform that vouches for the app, against the real server. */
class SignerTest {
    @TempDir
    lateinit var folder: Path

    private fun keyPair(): KeyPair =
        KeyPairGenerator.getInstance("EC").run {
            initialize(ECGenParameterSpec("secp256r1"))
            generateKeyPair()
        }

    @Test
    fun `a key of the platform signs and is known again after a restart`() =
        runBlocking {
            Centre().use { centre ->
                val pair = keyPair()
                val callback =
                    centre.app(folder, signer = KeyPairSigner { pair }).use { it.requestCallback(aRequest) }
                val cancelled =
                    centre
                        .app(
                            folder,
                            signer = KeyPairSigner { pair },
                        ).use { it.cancel(callback.id) }
                assertEquals(CallbackState.COMPLETED, cancelled.state)
                val kept = FileStore(folder.resolve("secrets")).get("ringback.installation").orEmpty()
                assertTrue("\"private\":null" in kept, "the key itself stays where it is")

                // With another key the app is somebody else, who sees nothing of it.
                val other = keyPair()
                assertTrue(
                    centre.app(folder, signer = KeyPairSigner { other }).use { it.callbacks() }.isEmpty(),
                )
            }
        }

    @Test
    fun `without a key of the platform one lies in the store and is known again after a restart`() =
        runBlocking {
            Centre().use { centre ->
                val callback = centre.app(folder).use { it.requestCallback(aRequest) }
                assertEquals(
                    CallbackState.COMPLETED,
                    centre.app(folder).use { it.cancel(callback.id) }.state,
                )

                // What is no key any more makes the app somebody new.
                for (damaged in listOf("nonsense", "AAAA AAAA", "AAAA ")) {
                    FileStore(folder.resolve("secrets")).put("ringback.signer", damaged)
                    assertTrue(centre.app(folder).use { it.callbacks() }.isEmpty(), damaged)
                }
            }
        }

    @Test
    fun `the server says whom it believes, and without evidence nothing is lost`() =
        runBlocking {
            Centre().use { centre ->
                var asked = false
                val provider =
                    PlayIntegrityProvider {
                        asked = true
                        null
                    }
                centre.app(folder, attestation = provider).use { app ->
                    assertEquals(CallbackState.QUEUED, app.requestCallback(aRequest).state)
                }
                assertFalse(asked, "this server judges no evidence")
            }
        }
}
