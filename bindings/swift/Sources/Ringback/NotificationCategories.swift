#if canImport(UserNotifications) && !os(tvOS)
    import Foundation
    import UserNotifications

    /// The words on the actions of a question's notification. Nothing about a person is in them.
    public struct NotificationWords: Sendable {
        /// "Connect me".
        public var ready: String
        /// "In ten minutes".
        public var snooze: String
        /// "On another number".
        public var otherNumber: String
        /// What stands in the field for it.
        public var otherNumberHint: String
        /// "I no longer need the call".
        public var cancel: String

        public init(
            ready: String, snooze: String, otherNumber: String, otherNumberHint: String, cancel: String
        ) {
            self.ready = ready
            self.snooze = snooze
            self.otherNumber = otherNumber
            self.otherNumberHint = otherNumberHint
            self.cancel = cancel
        }

        /// In this language: English, German, French or Spanish; English for all others.
        public init(language: String = Locale.preferredLanguages.first ?? "en") {
            switch language.prefix(2) {
            case "de":
                self.init(
                    ready: "Verbinden", snooze: "In 10 Minuten", otherNumber: "Andere Nummer",
                    otherNumberHint: "Mit Ländervorwahl", cancel: "Nicht mehr nötig")
            case "fr":
                self.init(
                    ready: "Me connecter", snooze: "Dans 10 minutes", otherNumber: "Autre numéro",
                    otherNumberHint: "Avec l’indicatif du pays", cancel: "Plus nécessaire")
            case "es":
                self.init(
                    ready: "Conectar", snooze: "En 10 minutos", otherNumber: "Otro número",
                    otherNumberHint: "Con prefijo del país", cancel: "Ya no hace falta")
            default:
                self.init(
                    ready: "Connect me", snooze: "In 10 minutes", otherNumber: "Another number",
                    otherNumberHint: "With country code", cancel: "No longer needed")
            }
        }
    }

    extension NotificationCategory {
        /// The category of the question, with its four actions; none of them opens the app.
        public static func question(_ words: NotificationWords = NotificationWords())
            -> UNNotificationCategory
        {
            UNNotificationCategory(
                identifier: agentReady,
                actions: [
                    UNNotificationAction(identifier: NotificationAction.ready, title: words.ready),
                    UNNotificationAction(identifier: NotificationAction.snooze, title: words.snooze),
                    UNTextInputNotificationAction(
                        identifier: NotificationAction.otherNumber, title: words.otherNumber, options: [],
                        textInputButtonTitle: words.ready, textInputPlaceholder: words.otherNumberHint),
                    UNNotificationAction(
                        identifier: NotificationAction.cancel, title: words.cancel, options: .destructive),
                ],
                intentIdentifiers: [])
        }

        /// Adds the question's category to those that the app has; replaces none but an earlier one of the same name.
        /// Asks for no permission: when to do that is the app's to decide.
        public static func merge(
            into center: UNUserNotificationCenter = .current(), words: NotificationWords = NotificationWords()
        ) async {
            let others = await center.notificationCategories().filter { $0.identifier != agentReady }
            center.setNotificationCategories(others.union([question(words)]))
        }
    }
#endif
