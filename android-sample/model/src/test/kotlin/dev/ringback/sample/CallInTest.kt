package dev.ringback.sample

import dev.ringback.FcmTokenKind
import dev.ringback.PhoneNumber
import dev.ringback.PushTarget
import dev.ringback.PushToken
import dev.ringback.text
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Click-to-call, and settings. */
class CallInTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `the person calls and is known`() =
        onAPhone(folder, "+4930901820369") { centre, phone ->
            phone.network.airplaneMode = true
            phone.app.callIn
                .request()
                .join()
            assertTrue(
                phone.app.callIn.callIn.value
                    .run { ticket == null && fallback == null && trouble?.offline == true },
                "no number was ever heard of",
            )

            phone.network.airplaneMode = false
            phone.app.show(Page.CALL_IN)
            val ticket =
                phone.app.callIn.callIn
                    .until { it.ticket }
            val left = ticket.leftAt(Instant.now())
            assertTrue(left > Duration.ZERO)
            assertEquals(Duration.ZERO, ticket.leftAt(ticket.expiresAt.plusSeconds(5)))
            val (called, typed) = ticket.number.value to ticket.accessCode.value
            val dialed = """{"called_number": "$called", "access_code": "$typed"}"""
            assertEquals(ticket.id, centre.staff("POST", "call-ins/match", dialed).text("id"))
            phone.app.callIn.close()
            assertNull(phone.app.callIn.callIn.value.ticket)
        }

    @Test
    fun `without a server there is the number that was last known`() =
        onAPhone(folder, "+4930901820369") { _, phone ->
            phone.app.ask
                .refresh()
                .join()
            val named =
                assertNotNull(
                    phone.app.ask.ask.value.offer
                        ?.fallbackNumber,
                )
            phone.restart()
            phone.network.airplaneMode = true
            val model = phone.app.callIn
            model.request().join()
            val number = assertNotNull(model.callIn.value.fallback)
            assertEquals(named, number.number)
            assertTrue(number.fromCache && number.asOf <= Instant.now())
            assertNotNull(
                model.callIn.value.trouble
                    ?.pendingKey,
            )

            // It is dialed: no code has to come any more.
            model.callsFallback().join()
            phone.network.airplaneMode = false
            model.request().join()
            val there = model.callIn.value
            assertTrue(there.ticket != null && there.fallback == null && there.trouble == null)
        }

    @Test
    fun `settings are kept, and a device is taken away`() =
        onAPhone(folder, "") { _, phone ->
            val model = phone.app.settings
            phone.app.show(Page.SETTINGS)
            model.typeNumber("0309018")
            model.save()
            assertFalse(model.settings.value.canSave)
            assertEquals(
                "",
                phone.settings
                    .load()
                    .number.value,
                "what is no number is not kept",
            )
            model.typeNumber("+49 30 9018 20370")
            model.save()
            assertEquals(PhoneNumber("+4930901820370"), phone.settings.load().number)
            phone.app.show(Page.HOME)
            assertEquals("+4930901820370", phone.app.ask.ask.value.number)

            model.register(PushTarget.Fcm(PushToken("a-phone"), FcmTokenKind.TOKEN), "de", "0.1.0").join()
            val device = assertNotNull(model.settings.value.devices).single()
            model.unregister(device).join()
            assertEquals(emptyList(), model.settings.value.devices)
        }
}
