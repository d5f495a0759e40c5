#if canImport(SwiftUI)
    import Ringback
    import SampleModel
    import SwiftUI

    /// What is wrong or not yet sent. Looked at again every few seconds: silence tells, too.
    struct Notices: View {
        let model: SampleModel

        var body: some View {
            TimelineView(.periodic(from: .now, by: 5)) { context in
                if let unsent = model.watch.known.unsentChange {
                    Notice(text: unsent.notSent, symbol: "icloud.slash", action: ("Send now", again))
                } else if model.watch.known.isOffline(at: context.date) {
                    Notice(text: offline, symbol: "wifi.slash", action: ("Try again", again))
                } else {
                    TroubleNotice(trouble: model.callback.trouble, again: again)
                }
            }
        }

        private var offline: LocalizedStringKey {
            guard let age = model.watch.known.age else { return "No connection" }
            return "No connection. As of \(age.moment); it may have changed since."
        }

        private func again() async {
            await model.callback.sendAgain()
        }
    }

    /// How old it is, where nothing else says so.
    struct AsOf: View {
        let known: Known

        var body: some View {
            TimelineView(.periodic(from: .now, by: 5)) { context in
                if let age = known.age, !known.isOffline(at: context.date) {
                    Text("As of \(age.moment)").font(.footnote).foregroundStyle(.secondary)
                }
            }
        }
    }

    struct Notice: View {
        let text: LocalizedStringKey
        let symbol: String
        var action: (title: LocalizedStringKey, run: @MainActor () async -> Void)?

        var body: some View {
            VStack(alignment: .trailing) {
                Label(text, systemImage: symbol)
                    .font(.subheadline)
                    .frame(maxWidth: .infinity, alignment: .leading)
                if let action {
                    Button {
                        Task { await action.run() }
                    } label: {
                        Text(action.title).font(.subheadline.bold()).frame(minHeight: 44)
                    }
                }
            }
            .padding()
            .background(.orange.opacity(0.15), in: .rect(cornerRadius: 16))
            .accessibilityElement(children: .contain)
        }
    }

    /// What did not work, in this language where there are words for it.
    struct TroubleNotice: View {
        let trouble: Trouble?
        let again: @MainActor () async -> Void

        var body: some View {
            if let trouble {
                if trouble.offline {
                    Notice(text: "No connection", symbol: "wifi.slash", action: ("Try again", again))
                } else {
                    Notice(text: trouble.words, symbol: "exclamationmark.circle")
                }
            }
        }
    }

    extension Date {
        /// The time, and the day if it is not today.
        var moment: String {
            if Calendar.current.isDateInToday(self) { return formatted(date: .omitted, time: .shortened) }
            return formatted(.dateTime.weekday(.wide).day().month(.wide).hour().minute())
        }
    }

    extension Trouble {
        fileprivate var words: LocalizedStringKey {
            switch code {
            case "number_not_e164", "number_invalid": "This number cannot be called. Please check it."
            case "callback_already_open": "You are in line with this number already."
            case "slot_full", "slot_closed": "Somebody was faster. These times are still free:"
            case "action_token_spent": "You answered on another device."
            case "confirm_expired": "The time to answer is over."
            case "challenge_required": "We could not make sure that you are a person."
            // The server's own sentence, in English.
            default: "\(detail)"
            }
        }
    }

    extension PendingKind {
        fileprivate var notSent: LocalizedStringKey {
            switch self {
            case .cancel: "Taking it back is not sent yet."
            case .confirm: "Your answer is not sent yet."
            case .reschedule: "The new time is not sent yet."
            case .snooze: "The pause is not sent yet."
            case .changeNumber: "The new number is not sent yet."
            default: "Your change is not sent yet."
            }
        }
    }
#endif
