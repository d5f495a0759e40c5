package dev.ringback

import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.runBlocking
import okhttp3.CertificatePinner
import okhttp3.OkHttpClient
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.security.KeyStore
import java.security.cert.CertificateFactory
import javax.net.ssl.SSLContext
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class TransportTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `OkHttp keeps the contract`() =
        runBlocking {
            val findings = testHooks().use { it.transportContract(OkHttpTransport()) }
            assertEquals(emptyList(), findings.filter { it.fault != null })
            assertTrue(findings.size >= 17, "$findings")
        }

    @Test
    fun `OkHttp keeps to pins`() =
        runBlocking {
            testHooks().use { hooks ->
                val server = hooks.pinServer()
                val findings = hooks.pinContract(OkHttpTransport { trusting(server.authority) }, server)
                assertEquals(emptyList(), findings.filter { it.fault != null })
                assertTrue(findings.size >= 9, "$findings")
            }
        }

    @Test
    fun `the app's own pins count as well`() =
        runBlocking {
            testHooks().use { hooks ->
                val server = hooks.pinServer()
                val elsewhere = CertificatePinner.Builder().add("127.0.0.1", server.strangerPin).build()
                val transport =
                    OkHttpTransport {
                        trusting(server.authority).newBuilder().certificatePinner(elsewhere).build()
                    }
                val request =
                    HttpRequest("GET", server.url, emptyList(), null, 5_000u, 1_000u, listOf(server.ownPin))
                assertFailsWith<TransportException.TlsFailed> { transport.send(request) }
                Unit
            }
        }

    @Test
    fun `a pin that does not fit is told, with what to do`() =
        runBlocking {
            testHooks().use { hooks ->
                val server = hooks.pinServer()
                val transport = OkHttpTransport { trusting(server.authority) }
                val pins = listOf(NOBODYS_PIN, server.strangerPin)
                val error =
                    assertFailsWith<RingbackException.Unreachable> { offerAt(server.url, pins, transport) }
                assertTrue("pinned keys" in error.message.orEmpty(), "${error.message}")
                val invalid =
                    assertFailsWith<RingbackException.InvalidRequest> {
                        offerAt(server.url, listOf(NOBODYS_PIN), transport)
                    }
                assertEquals("pins", invalid.field)
            }
        }

    private suspend fun offerAt(
        url: String,
        pins: List<String>,
        transport: Transport,
    ) {
        val config =
            RingbackConfig(url, "rb_pub_test", folder.resolve("data").toString(), maxTries = 1u, pins = pins)
        Ringback(config, FileStore(folder.resolve("secrets")), transport).use { it.offer("billing") }
    }

    /** A client that also trusts what this authority, in PEM, has issued. */
    private fun trusting(authority: String): OkHttpClient {
        val certificate =
            CertificateFactory.getInstance("X.509").generateCertificate(authority.byteInputStream())
        val trusted = KeyStore.getInstance(KeyStore.getDefaultType()).apply { load(null) }
        trusted.setCertificateEntry("authority", certificate)
        val factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm())
        factory.init(trusted)
        val trust = factory.trustManagers.single() as X509TrustManager
        val tls = SSLContext.getInstance("TLS").apply { init(null, arrayOf(trust), null) }
        return OkHttpClient.Builder().sslSocketFactory(tls.socketFactory, trust).build()
    }

    @Test
    fun `a host that throws any exception is an error`() {
        for (thrown in listOf(IllegalStateException("private"), TransportException.HostFailed())) {
            val error = assertFailsWith<RingbackException> { runBlocking { offerBy(Host { throw thrown }) } }
            assertEquals("client_failed", error.code, "$thrown")
        }
    }

    @Test
    fun `a host that never answers is not waited for`() {
        // Nobody tells the core of an Error that a host throws.
        for (host in listOf(Host { awaitCancellation() }, Host { throw StackOverflowError() })) {
            val error = assertFailsWith<RingbackException> { runBlocking { offerBy(host, timeoutMs = 50u) } }
            assertEquals("timed_out", error.code)
        }
    }

    private suspend fun offerBy(
        host: Transport,
        timeoutMs: UInt = 15_000u,
    ): Offer {
        val data = folder.resolve("data").toString()
        val config =
            RingbackConfig(
                "https://calls.example.com",
                "rb_pub_test",
                data,
                requestTimeoutMs = timeoutMs,
                maxTries = 1u,
            )
        return Ringback(config, FileStore(folder.resolve("secrets")), host).use { it.offer("billing") }
    }

    private companion object {
        const val NOBODYS_PIN = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    }

    private class Host(
        private val answer: suspend () -> HttpResponse,
    ) : Transport {
        override suspend fun send(request: HttpRequest): HttpResponse = answer()

        override suspend fun stream(
            request: HttpRequest,
            sink: StreamSink,
        ) {
            sink.close()
            answer()
        }
    }
}
