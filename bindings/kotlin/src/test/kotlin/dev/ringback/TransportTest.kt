package dev.ringback

import dev.ringback.internal.TestHooks
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class TransportTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `OkHttp keeps the contract`() =
        runBlocking {
            val findings = TestHooks().use { it.transportContract(OkHttpTransport()) }
            assertEquals(emptyList(), findings.filter { it.fault != null })
            assertTrue(findings.size >= 17, "$findings")
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
