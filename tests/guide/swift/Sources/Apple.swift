// What snippets name of Apple's frameworks, declared as there, for where these are missing.

#if !canImport(UserNotifications)
    final class UNUserNotificationCenter {}

    final class UNNotificationContent {
        let userInfo: [AnyHashable: Any]

        init(_ userInfo: [AnyHashable: Any]) { self.userInfo = userInfo }
    }

    final class UNNotificationRequest {
        let content: UNNotificationContent

        init(_ content: UNNotificationContent) { self.content = content }
    }

    final class UNNotification {
        let request: UNNotificationRequest

        init(_ request: UNNotificationRequest) { self.request = request }
    }

    class UNNotificationResponse {
        let notification: UNNotification
        let actionIdentifier: String

        init(_ userInfo: [AnyHashable: Any], _ action: String) {
            notification = UNNotification(UNNotificationRequest(UNNotificationContent(userInfo)))
            actionIdentifier = action
        }
    }

    final class UNTextInputNotificationResponse: UNNotificationResponse {
        let userText: String

        init(_ userInfo: [AnyHashable: Any], _ action: String, _ text: String) {
            userText = text
            super.init(userInfo, action)
        }
    }
#endif

#if !canImport(ActivityKit)
    protocol ActivityAttributes: Codable {
        associatedtype ContentState: Codable, Hashable
    }
#endif
