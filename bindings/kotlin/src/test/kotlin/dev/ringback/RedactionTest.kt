package dev.ringback

import org.junit.jupiter.api.Test
import java.time.Instant
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class RedactionTest {
    @Test
    fun `printing what the app holds shows nothing private`() {
        val secret = "s3cret"
        val callback =
            Callback(
                id = "cb_1",
                service = "billing",
                state = CallbackState.ROUTING,
                phase = RoutingPhase.NOTIFIED,
                reason = null,
                direction = Direction.CUSTOMER_TERMINATED,
                position = null,
                wait = null,
                scheduled = null,
                attempts = 0u,
                createdAt = Instant.EPOCH,
                confirmBy = null,
                notBefore = null,
                spokenCode = SpokenCode(secret),
                version = 1u,
            )
        val context = mapOf("cart" to ContextValue(secret))
        val journey = Journey(listOf(Screen(ContextValue(secret))), context)
        val credential = listOf(HttpHeader("authorization", secret))
        val printed =
            listOf(
                CallbackRequest("billing", PhoneNumber(secret), PersonName(secret), context, journey),
                CallInRequest("billing", PhoneNumber(secret), PersonName(secret), context),
                CallTicket(
                    "ci_1",
                    PhoneNumber(secret),
                    AccessCode(secret),
                    PhoneNumber(secret),
                    Instant.EPOCH,
                ),
                ConfirmAnswer.OtherNumber(PhoneNumber(secret)),
                PushRegistration(PushTarget.Fcm(PushToken(secret), FcmTokenKind.TOKEN)),
                PushTarget.Apns(PushToken(secret), ApnsEnvironment.SANDBOX, "com.example.app"),
                PushOutcome.Event(PushEvent.AGENT_READY, callback, ActionToken(secret), Instant.EPOCH),
                HttpRequest("POST", "https://calls.example.com", credential, secret.toByteArray(), 1u, 1u),
                HttpResponse(200u, credential, secret.toByteArray()),
            ).joinToString()
        assertFalse(secret in printed, printed)
        // It is the wrappers that hide, not a test that printed nothing.
        for (type in listOf(
            "PhoneNumber",
            "PersonName",
            "ContextValue",
            "AccessCode",
            "SpokenCode",
            "PushToken",
            "ActionToken",
        )) {
            assertTrue("$type(…)" in printed, type)
        }
    }
}
