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
                if model.fallback == nil {
                    Text("The code says who you are, so you need not explain anything again.")
                        .foregroundStyle(.secondary)
                }
                TroubleNotice(trouble: model.trouble, again: model.request)
                if let fallback = model.fallback {
                    FallbackView(fallback: fallback)
                } else if let ticket = model.ticket {
                    TicketView(ticket: ticket)
                } else if model.busy {
                    ProgressView().frame(maxWidth: .infinity)
                }
            } done: {
                if let fallback = model.fallback {
                    DialButton(uri: fallback.telUri) { await model.callsFallback() }
                } else {
                    if let ticket = model.ticket { DialButton(uri: ticket.telUri) }
                    WideButton(title: "New code") { await model.request() }.disabled(model.busy)
                }
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
                DialButton(uri: ticket.telUri)
            }
        }
    }

    private struct DialButton: View {
        let uri: PhoneNumber
        var dialed: @MainActor () async -> Void = {}
        @Environment(\.openURL) private var openURL

        var body: some View {
            WideButton(title: "Call", symbol: "phone") {
                if let url = URL(string: uri.value) { openURL(url) }
                await dialed()
            }
            .buttonStyle(.borderedProminent)
        }
    }

    /// The number from before, for want of a server: nobody there knows who calls.
    private struct FallbackView: View {
        let fallback: FallbackNumber

        var body: some View {
            VStack(spacing: 12) {
                Text("Our own number").font(.headline)
                Text(verbatim: fallback.number.value).font(.title.bold()).foregroundStyle(.tint)
                Text(
                    "There is no connection for a code. You can call this number; whoever answers will ask who you are."
                )
                .foregroundStyle(.secondary)
                Text("Last confirmed: \(fallback.asOf.moment)").font(.footnote).foregroundStyle(.secondary)
            }
            .multilineTextAlignment(.center)
            .frame(maxWidth: .infinity)
            .padding(20)
            .background(.background.secondary, in: .rect(cornerRadius: 24))
        }
    }

    private struct TicketView: View {
        let ticket: CallTicket

        var body: some View {
            VStack(spacing: 12) {
                Text(verbatim: ticket.number.value).font(.title3)
                Text("Code").foregroundStyle(.secondary)
                Text(verbatim: ticket.accessCode.value)
                    .speechSpellsOutCharacters()
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
