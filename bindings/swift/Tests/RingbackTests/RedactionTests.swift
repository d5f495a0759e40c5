import Foundation
import Ringback
import RingbackGenerated
import Testing

struct RedactionTests {
    @Test("Printing what the app holds shows nothing private")
    func printing() {
        let secret = "s3cret"
        let then = Date(timeIntervalSince1970: 0)
        let context = ["cart": ContextValue(secret)]
        let callback = Callback(
            id: "cb_1", service: "billing", state: .routing, phase: .notified, reason: nil,
            direction: .customerTerminated, position: nil, wait: nil, scheduled: nil, attempts: 0,
            createdAt: then, confirmBy: nil, notBefore: nil, spokenCode: SpokenCode(secret), version: 1)
        let journey = Journey(screens: [Screen(name: ContextValue(secret))], form: context)
        let held: [Any] = [
            CallbackRequest(
                service: "billing", number: PhoneNumber(secret), name: PersonName(secret), context: context,
                journey: journey),
            CallInRequest(
                service: "billing", callerNumber: PhoneNumber(secret), name: PersonName(secret),
                context: context),
            CallTicket(
                id: "ci_1", number: PhoneNumber(secret), accessCode: AccessCode(secret),
                telUri: PhoneNumber(secret), expiresAt: then),
            ConfirmAnswer.otherNumber(number: PhoneNumber(secret)),
            PushRegistration(target: .fcm(token: PushToken(secret), kind: .token)),
            PushTarget.apns(token: PushToken(secret), environment: .sandbox, topic: "com.example.app"),
            PushOutcome.event(
                event: .agentReady, callback: callback, actionToken: ActionToken(secret), expiresAt: then),
        ]
        var printed = held.map { "\($0) \(String(reflecting: $0))" }.joined()
        for value in held {
            dump(value, to: &printed)
        }
        #expect(!printed.contains(secret))
        // It is the wrappers that hide, not a test that printed nothing.
        for type in [
            "PhoneNumber", "PersonName", "ContextValue", "AccessCode", "SpokenCode", "PushToken",
            "ActionToken",
        ] {
            #expect(printed.contains("\(type)(…)"))
        }
    }
    @Test("Printing what goes over the wire shows no credential and no body")
    func wire() {
        let secret = "s3cret"
        let credential = [HttpHeader(name: "authorization", value: secret)]
        let request = HttpRequest(
            method: "POST", url: "https://calls.example.com", headers: credential, body: Data(secret.utf8),
            timeoutMs: 1, maxAnswerBytes: 1)
        let response = HttpResponse(status: 200, headers: credential, body: Data(secret.utf8))
        let printed = "\(request) \(String(reflecting: request)) \(response) \(credential)"
        #expect(!printed.contains(secret))
        #expect(printed.contains("authorization: …"))
    }
}
