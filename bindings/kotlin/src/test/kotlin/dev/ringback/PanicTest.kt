package dev.ringback

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class PanicTest {
    @Test
    fun `a panic is an error, and the next call works`() =
        runBlocking {
            testHooks().use { hooks ->
                val now = assertFailsWith<RingbackException.Internal> { throwing { hooks.panicNow() } }
                assertEquals("client_failed", now.code)
                throwing { hooks.empty() }

                val later =
                    assertFailsWith<RingbackException.Internal> { cancellable { hooks.panicLater(null) } }
                assertEquals("client_failed", later.code)
                cancellable { hooks.emptyAsync(null) }
            }
        }
}
