package dev.ringback

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.net.InetAddress
import java.net.ServerSocket
import java.nio.file.Path
import kotlin.concurrent.thread
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

class ErrorsTest {
    @Test
    fun `a server that is down is unreachable, and the request is kept`(
        @TempDir folder: Path,
    ) = runBlocking {
        val nobody = ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { it.localPort }
        ringback("http://127.0.0.1:$nobody", folder).use { ringback ->
            val error = assertFailsWith<RingbackException.Unreachable> { ringback.requestCallback(aRequest) }
            assertEquals("unreachable", error.code)
            assertTrue(error.retryable)
            assertNotNull(error.pendingKey)
            assertFalse(aRequest.number.value in error.toString())
        }
    }

    @Test
    fun `an answer that is not the server's is named as such`(
        @TempDir folder: Path,
    ) = runBlocking {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { signInPage ->
            val answering =
                thread {
                    signInPage.accept().use { connection ->
                        val request = connection.getInputStream().bufferedReader()
                        while (request.readLine()?.isNotEmpty() == true) Unit
                        val page = "Content-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
                        connection.getOutputStream().write("HTTP/1.1 200 OK\r\n$page".toByteArray())
                    }
                }
            ringback("http://127.0.0.1:${signInPage.localPort}", folder).use { ringback ->
                val error = assertFailsWith<RingbackException.AnswerUnreadable> { ringback.callbacks() }
                assertEquals("answer_unreadable", error.code)
            }
            answering.join()
        }
    }

    @Test
    fun `a config that cannot be right is refused by name`(
        @TempDir folder: Path,
    ) {
        val error = assertFailsWith<RingbackException> { ringback("ftp://calls.example.com", folder) }
        assertEquals("config_invalid", error.code)
        assertEquals("base_url", error.field)
        assertFalse(error.retryable)
    }
}
