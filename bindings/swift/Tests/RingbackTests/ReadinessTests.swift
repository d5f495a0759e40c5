import Foundation
import Ringback
import RingbackGenerated
import Testing

/// "Your agent is ready, are you?", asked on two devices and answered from a notification's own actions; the same
/// stands in Rust and in Kotlin.
@Suite(.timeLimit(.minutes(1)))
struct ReadinessTests {
    private let folder: TemporaryFolder
    private let centre: Centre
    private let app: Ringback

    private let number = PhoneNumber("+4930901820391")
    private let otherNumber = PhoneNumber("+4930901820392")

    init() async throws {
        folder = try TemporaryFolder()
        centre = try await Centre.started()
        app = try centre.app(folder)
    }

    @Test("The phone answers, and the tablet is told")
    func ready() async throws {
        // Both are asked; on the phone's lock screen the person taps "ready", with the app closed.
        let asked = try await ask()
        let question = try await centre.received("apns", 1)[0]
        #expect(question["payload"]["aps"]["category"].text == NotificationCategory.agentReady)
        #expect(question["headers"]["apns-collapse-id"].text == asked.callback.id)
        guard case .event = try await app.handlePush(asked.onTablet) else {
            Issue.record("the push was not understood")
            return
        }
        let confirmation = try await act(asked.onPhone, NotificationAction.ready)
        #expect(confirmation.callback.phase == .confirmed)
        try await tabletIsTold(asked)

        // Staff sees what the devices did. What is not yet answered is sent once more and waited for.
        _ = try await app.resume()
        #expect(try await app.pending().isEmpty)
        let metrics = try await centre.metrics().split(separator: "\n").map(String.init)
        let count = { (provider: String, kind: String) in
            metrics.first {
                $0.hasPrefix("ringback_push_receipts_total{") && $0.contains("\"\(provider)\"")
                    && $0.contains("\"\(kind)\"")
            }?.split(separator: " ").last
        }
        #expect(count("fcm", "received") == "2")
        #expect(count("apns", "opened") == "1")

        // The call goes on.
        let desk = try await centre.staff("GET", "agents/ada")["callback"]
        #expect(desk["number"].text == number.value)
        try await centre.staff("POST", "callbacks/\(asked.callback.id)/result", ["result": "connected"])
        #expect(try await app.callback(asked.callback.id).state == .processing)
    }

    @Test("In ten minutes")
    func snooze() async throws {
        let asked = try await ask()
        let rests = try await act(asked.onPhone, NotificationAction.snooze).callback
        #expect(rests.state == .queued)
        let seconds = try #require(rests.notBefore).timeIntervalSinceNow
        #expect((590...600).contains(seconds))
        try await tabletIsTold(asked)
    }

    @Test("On another number")
    func anotherNumber() async throws {
        let asked = try await ask()
        let refused = try await failure {
            _ = try await act(asked.onPhone, NotificationAction.otherNumber, "no number")
        }
        #expect(refused?.code == "number_not_e164")

        // A mistyped number spends nothing: the person types again, in groups this time.
        let grouped = " \(otherNumber.value.prefix(3)) \(otherNumber.value.dropFirst(3)) "
        let confirmation = try await act(asked.onPhone, NotificationAction.otherNumber, grouped)
        #expect(confirmation.callback.phase == .confirmed)
        let shown = try await centre.staff("GET", "callbacks/\(asked.callback.id)")
        #expect(shown["number"].text == otherNumber.value)
        try await tabletIsTold(asked)
    }

    @Test("No longer needed")
    func cancel() async throws {
        let asked = try await ask()
        let ended = try await act(asked.onPhone, NotificationAction.cancel).callback
        #expect(ended.reason == .cancelledByCustomer)
        try await tabletIsTold(asked)

        // A device that was unregistered is asked no more.
        let tablet = try #require(try await app.devices().last)
        try await app.unregisterPush(tablet.id)
        #expect(try await app.devices().count == 1)
    }

    @Test("Actions and categories are those of the core")
    func identifiers() async throws {
        let here = [
            NotificationCategory.agentReady, NotificationCategory.callbackReminder,
            NotificationAction.ready, NotificationAction.snooze, NotificationAction.otherNumber,
            NotificationAction.cancel,
        ]
        #expect(try TestHooks().notificationIdentifiers() == here)
        #expect(try NotificationAction.answer(to: NotificationAction.ready) == .ready)
        #expect(try NotificationAction.answer(to: "chat.reply", text: "hello") == nil)
        let error = try await failure {
            _ = try NotificationAction.answer(to: NotificationAction.otherNumber)
        }
        #expect(error?.code == "number_not_e164")
    }

    @Test("Only an open question of ours is answered")
    func notOurs() async throws {
        let error = try await failure { _ = try await app.answerPush(["chat": "hello"], answer: .ready) }
        #expect(error?.code == "push_not_ours")
        try await app.pushOpened(["chat": "hello"])
        #expect(try await app.pending().isEmpty, "nothing was kept")
    }

    private struct Asked {
        let callback: Callback
        let onPhone: [String: String]
        let onTablet: [String: String]
    }

    /// A person with an iPhone and an Android tablet is asked whether they are ready.
    private func ask() async throws -> Asked {
        let iphone = PushTarget.apns(
            token: PushToken(String(repeating: "0a", count: 32)), environment: .sandbox,
            topic: try centre.topic)
        let tablet = PushTarget.fcm(token: PushToken("a-tablet"), kind: .token)
        _ = try await app.registerPush(iphone, name: "phone", locale: "de-AT", appVersion: "7.1")
        _ = try await app.registerPush(tablet, name: "tablet", hasTexts: true)
        #expect(try await app.devices().count == 2)
        let callback = try await app.requestCallback(CallbackRequest(service: "billing", number: number))
        try await centre.staff("PUT", "agents/ada/state", ["state": "ready"])
        return Asked(
            callback: callback,
            onPhone: Ringback.pushData(in: try await centre.pushOverApns()),
            onTablet: fcmData(try await centre.received("fcm", 1)[0]))
    }

    /// The person taps one of the notification's actions.
    private func act(
        _ push: [String: String], _ action: String, _ typed: String? = nil
    ) async throws -> RingbackGenerated.Confirmation {
        let answer = try #require(try NotificationAction.answer(to: action, text: typed))
        return try await app.answerPush(push, answer: answer)
    }

    /// The tablet's question is taken back, and can no longer be answered.
    private func tabletIsTold(_ asked: Asked) async throws {
        let pushes = try await centre.received("fcm", 2)
        let tag = { (push: Json) in push["payload"]["message"]["android"]["notification"]["tag"].text }
        #expect(tag(pushes[0]) == asked.callback.id)
        #expect(tag(pushes[1]) == asked.callback.id, "it takes the question's place")
        #expect(
            try await app.handlePush(fcmData(pushes[1])) == .withdrawn(callbackId: asked.callback.id))
        let late = try await failure { _ = try await act(asked.onTablet, NotificationAction.ready) }
        #expect(late?.code == "action_token_spent")
    }

    private func fcmData(_ push: Json) -> [String: String] {
        Ringback.pushData(in: push["payload"]["message"]["data"].fields)
    }
}
