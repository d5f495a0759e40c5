#if canImport(SwiftUI)
    import Ringback
    import SampleModel
    import SwiftUI

    /// Click-to-call.
    struct CallInScreen: View {
        let model: CallInModel

        var body: some View {
            Sheet {
                Text("I would rather call myself").font(.title.bold())
                Text("The code says who you are, so you need not explain anything again.")
                    .foregroundStyle(.secondary)
                TroubleNotice(trouble: model.trouble, again: model.request)
                if let ticket = model.ticket {
                    TicketView(ticket: ticket)
                } else if model.busy {
                    ProgressView().frame(maxWidth: .infinity)
                }
            } done: {
                if let ticket = model.ticket { DialButton(ticket: ticket) }
                WideButton(title: "New code") { await model.request() }.disabled(model.busy)
            }
            .onDisappear { model.close() }
        }
    }

    /// The agent is ready, and the person makes the call.
    struct DialScreen: View {
        let ticket: CallTicket

        var body: some View {
            Sheet {
                Text("Call now").font(.title.bold())
                Text("Your agent is waiting. The code is typed for you; it says who you are.")
                    .foregroundStyle(.secondary)
                TicketView(ticket: ticket)
            } done: {
                DialButton(ticket: ticket)
            }
        }
    }

    private struct DialButton: View {
        let ticket: CallTicket
        @Environment(\.openURL) private var openURL

        var body: some View {
            WideButton(title: "Call", symbol: "phone") {
                if let url = URL(string: ticket.telUri.value) { openURL(url) }
            }
            .buttonStyle(.borderedProminent)
        }
    }

    private struct TicketView: View {
        let ticket: CallTicket

        var body: some View {
            VStack(spacing: 12) {
                Text(verbatim: ticket.number.value).font(.title3)
                Text("Code").foregroundStyle(.secondary)
                Text(verbatim: ticket.accessCode.value)
                    .font(.system(.largeTitle, design: .rounded, weight: .bold))
                    .monospacedDigit()
                    .foregroundStyle(.tint)
                TimelineView(.periodic(from: .now, by: 1)) { context in
                    let left = ticket.secondsLeft(at: context.date)
                    if left > 0 {
                        Text("Valid for \(Duration.seconds(left).formatted(.time(pattern: .minuteSecond)))")
                    } else {
                        Text("This code is no longer valid.")
                    }
                }
                .foregroundStyle(.secondary)
            }
            .frame(maxWidth: .infinity)
            .padding(20)
            .background(.background.secondary, in: .rect(cornerRadius: 24))
        }
    }
#endif
