package dev.ringback.android

import dev.ringback.AttestationAsk
import dev.ringback.AttestationEvidence
import dev.ringback.HostException
import dev.ringback.PlayIntegrityProvider
import kotlinx.coroutines.runBlocking
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.cert.Certificate
import java.util.Base64
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
class KeystoreSignerTest {
    private val name = "ringback.signer"
    private val maker: KeyPair = KeyPairGenerator.getInstance("EC").generateKeyPair()
    private val above: Certificate = certificateOf(maker, null)

    private fun ask(
        challenge: String,
        providers: List<String> = listOf("android_key"),
        first: Boolean = false,
    ) = AttestationAsk(providers, challenge, "hash-of-$challenge", newKey = first, beforeRegistration = first)

    @Before
    fun setUp() {
        DeviceKeystore.install()
        DeviceKeystore.chain = { pair, challenge -> listOf(certificateOf(pair, challenge), above) }
    }

    private fun point(pair: KeyPair) =
        pair.public.encoded
            .takeLast(65)
            .toByteArray()

    @Test
    fun `the key is made for the challenge that comes before it, and its chain is the evidence`() =
        runBlocking {
            val signer = KeystoreSigner()
            signer.attest(ask("first", first = true))
            val made = DeviceKeystore.pairs.getValue(name)
            assertEquals("first", String(checkNotNull(made.challenge)))
            assertContentEquals(point(made.pair), signer.publicKey().key)

            // Afterwards the chain stays what it is, whatever is asked, and after a restart.
            for (keystore in listOf(signer, KeystoreSigner())) {
                val evidence = assertIs<AttestationEvidence.AndroidKey>(keystore.attest(ask("later")))
                val chain = evidence.certificates.map { Base64.getDecoder().decode(it) }
                assertEquals(2, chain.size)
                assertContentEquals(made.chain[0].encoded, chain[0])
                assertContentEquals(above.encoded, chain[1])
            }

            // Somebody who is registered anew keeps a key that is vouched for.
            signer.attest(ask("second", first = true))
            assertEquals("first", String(checkNotNull(DeviceKeystore.pairs.getValue(name).challenge)))

            val signature = signer.sign("what changes something".toByteArray())
            val check = Signature.getInstance("SHA256withECDSA").apply { initVerify(made.pair.public) }
            check.update("what changes something".toByteArray())
            assertTrue(check.verify(signature))
        }

    @Test
    fun `a key that nobody can vouch for gives way before it is registered`() =
        runBlocking {
            val signer = KeystoreSigner()
            val plain = signer.publicKey().key
            assertNull(DeviceKeystore.pairs.getValue(name).challenge)
            assertNull(signer.attest(ask("later")), "the Keystore says nothing of it")
            assertContentEquals(plain, signer.publicKey().key)

            signer.attest(ask("first", first = true))
            val made = DeviceKeystore.pairs.getValue(name)
            assertContentEquals(point(made.pair), signer.publicKey().key)
            assertEquals("first", String(checkNotNull(made.challenge)))
        }

    @Test
    fun `where the device cannot attest there is a key all the same, and others vouch`() =
        runBlocking {
            DeviceKeystore.chain = { pair, challenge ->
                if (challenge == null) listOf(certificateOf(pair, null)) else null
            }
            val signer = KeystoreSigner(others = PlayIntegrityProvider { hash -> "token for $hash" })
            assertFailsWith<HostException.Unavailable> { signer.attest(ask("first", first = true)) }
            assertContentEquals(signer.publicKey().key, point(DeviceKeystore.pairs.getValue(name).pair))
            val both = listOf("android_key", "play_integrity")
            val evidence = assertIs<AttestationEvidence.PlayIntegrity>(signer.attest(ask("later", both)))
            assertEquals("token for hash-of-later", evidence.token)
            assertNull(signer.attest(ask("later")))
        }

    @Test
    fun `a server that does not judge keys has none made`() =
        runBlocking {
            val signer = KeystoreSigner(others = PlayIntegrityProvider { it })
            assertIs<AttestationEvidence.PlayIntegrity>(signer.attest(ask("later", listOf("play_integrity"))))
            assertNull(signer.attest(ask("later", listOf("app_attest"))))
            assertTrue(DeviceKeystore.pairs.isEmpty())
        }

    @Test
    fun `a busy Keystore may work later`() =
        runBlocking {
            val signer = KeystoreSigner()
            DeviceKeystore.isBusy = true
            assertFailsWith<HostException.Unavailable> { signer.publicKey() }
            assertFailsWith<HostException.Unavailable> { signer.attest(ask("first", first = true)) }
            DeviceKeystore.isBusy = false
            signer.attest(ask("first", first = true))
            assertContentEquals(
                point(DeviceKeystore.pairs.getValue(name).pair),
                signer.publicKey().key,
            )
        }

    @Test
    fun `one key is made, also by threads that come at once`() {
        val signers = List(2) { KeystoreSigner() }
        val keys =
            (1..8).map { at ->
                java.util.concurrent.FutureTask { signers[at % 2].publicKey().key.toList() }
            }
        keys.forEach { Thread(it).start() }
        assertEquals(1, keys.map { it.get() }.toSet().size)
    }
}
