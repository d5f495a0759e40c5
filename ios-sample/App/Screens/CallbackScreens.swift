#if canImport(SwiftUI)
    import Ringback
    import SampleModel
    import SwiftUI

    /// The request lies on the phone.
    struct NotSentScreen: View {
        let model: SampleModel
        let key: String
        let since: Date

        var body: some View {
            CalmScreen(
                symbol: "icloud.slash", title: "Not sent yet",
                text:
                    "Your request is kept on this phone and goes out by itself as soon as there is a connection. You are not in line yet."
            )
            .safeAreaInset(edge: .bottom) {
                VStack(spacing: 8) {
                    Text("Asked for at \(since.formatted(date: .omitted, time: .shortened))")
                        .foregroundStyle(.secondary)
                    WideButton(title: "Send now") { await model.callback.sendAgain() }
                        .buttonStyle(.borderedProminent)
                    WideButton(title: "I would rather call myself") { await model.show(.callIn) }
                        .buttonStyle(.bordered)
                    WideButton(title: "Forget it") { await model.callback.forget(key) }
                }
                .controlSize(.large)
                .disabled(model.callback.busy)
                .padding(20)
            }
        }
    }

    /// It was not sent in time, or was refused while nobody looked.
    struct LapsedScreen: View {
        let model: SampleModel
        let key: String
        let detail: String?

        var body: some View {
            CalmScreen(
                symbol: "exclamationmark.circle", title: "Not sent in time",
                text: detail.map { "\($0)" } ?? "There was no connection for too long. Please ask again."
            )
            .safeAreaInset(edge: .bottom) {
                WideButton(title: "Done") { await model.callback.forget(key) }
                    .buttonStyle(.borderedProminent)
                    .controlSize(.large)
                    .padding(20)
            }
        }
    }

    /// The call is being made to the person.
    struct ConnectingScreen: View {
        let model: SampleModel
        let callback: Callback

        var body: some View {
            CalmScreen(
                symbol: "phone.arrow.down.left", title: "We are calling you",
                text: "Your phone rings in a moment."
            )
            .safeAreaInset(edge: .top) { Notices(model: model).padding(20) }
            .safeAreaInset(edge: .bottom) {
                if let code = callback.spokenCode {
                    VStack(spacing: 8) {
                        Text("Whoever calls says this first. If not, hang up.").foregroundStyle(.secondary)
                        Text(verbatim: code.value)
                            .speechSpellsOutCharacters()
                            .font(.system(.largeTitle, design: .rounded, weight: .bold))
                            .monospacedDigit()
                            .foregroundStyle(.tint)
                    }
                    .padding(20)
                }
            }
        }
    }

    /// Place and wait, live.
    struct LineScreen: View {
        let model: SampleModel
        let position: UInt32?
        let wait: WaitEstimate?
        let restsUntil: Date?

        var body: some View {
            Sheet {
                Notices(model: model)
                VStack(spacing: 12) {
                    if let restsUntil {
                        Text("You pause until").foregroundStyle(.secondary)
                        Text(restsUntil.moment).font(.largeTitle.bold()).foregroundStyle(.tint)
                    } else if let position {
                        Text(position == 1 ? "You are next" : "Your place in line").foregroundStyle(
                            .secondary)
                        Text(verbatim: "\(position)")
                            .font(.system(.largeTitle, design: .rounded, weight: .bold))
                            .foregroundStyle(.tint)
                            .contentTransition(.numericText())
                        WaitText(wait: wait).font(.title3)
                    } else {
                        // Known from before, and the line has not spoken yet.
                        Image(systemName: "clock").font(.largeTitle).foregroundStyle(.tint)
                            .accessibilityHidden(true)
                        Text("You are in line").font(.title3)
                        Text("Your place appears here as soon as we know it.").foregroundStyle(.secondary)
                    }
                    AsOf(known: model.watch.known)
                }
                .multilineTextAlignment(.center)
                .accessibilityElement(children: .combine)
                .frame(maxWidth: .infinity)
                .padding(20)
                .background(.background.secondary, in: .rect(cornerRadius: 24))
                Text("You can close the app. We tell you when an agent is ready.").foregroundStyle(.secondary)
            } done: {
                Changes(model: model)
            }
        }
    }

    /// A chosen time.
    struct PromisedScreen: View {
        let model: SampleModel
        let callback: Callback

        var body: some View {
            Sheet {
                Notices(model: model)
                Text("We will call you").foregroundStyle(.secondary)
                if let chosen = callback.scheduled {
                    Text(chosen.at, format: .dateTime.hour().minute())
                        .font(.largeTitle.bold())
                        .foregroundStyle(.tint)
                    Text(chosen.at, format: .dateTime.weekday(.wide).day().month(.wide)).font(.title3)
                }
                AsOf(known: model.watch.known)
                Text("Shortly before, we ask whether it still suits you.").foregroundStyle(.secondary)
            } done: {
                WideButton(title: "As soon as possible") { await model.callback.reschedule(nil) }
                    .buttonStyle(.bordered)
                Changes(model: model)
            }
        }
    }

    /// "Your agent is ready, are you?"
    struct ReadyScreen: View {
        let model: SampleModel
        let until: Date
        @State private var typing = false

        var body: some View {
            Sheet {
                Notices(model: model)
                Text(timerInterval: Date()...max(Date(), until), countsDown: true)
                    .font(.system(.largeTitle, design: .rounded, weight: .bold))
                    .monospacedDigit()
                    .frame(maxWidth: .infinity)
                Text("Your agent is ready").font(.title.bold()).frame(maxWidth: .infinity)
                Text("Are you, too?").foregroundStyle(.secondary).frame(maxWidth: .infinity)
            } done: {
                WideButton(title: "Connect me", symbol: "phone") { await model.callback.ready() }
                    .buttonStyle(.borderedProminent)
                WideButton(title: "In 10 minutes") { await model.callback.inTenMinutes() }.buttonStyle(
                    .bordered)
                WideButton(title: "Another number") { typing = true }.buttonStyle(.bordered)
                WideButton(title: "No longer needed") { await model.callback.cancel() }
            }
            .disabled(model.callback.busy)
            .otherNumber(isPresented: $typing, model: model.callback)
        }
    }

    /// How it ended.
    struct OverScreen: View {
        let model: SampleModel
        let callback: Callback

        var body: some View {
            CalmScreen(symbol: "checkmark", title: words.title, text: words.text)
                .safeAreaInset(edge: .bottom) {
                    WideButton(title: "Done") {
                        model.watch.dismiss()
                        await model.ask.refresh()
                    }
                    .buttonStyle(.borderedProminent)
                    .controlSize(.large)
                    .padding(20)
                }
        }

        private var words: (title: LocalizedStringKey, text: LocalizedStringKey) {
            switch callback.reason {
            case .handled?: ("That was it", "Thank you for calling with us.")
            case .cancelledByCustomer?: ("Taken back", "You are no longer in line.")
            case .cancelledByStaff?: ("We had to cancel", "We are sorry. Please ask again.")
            case .noAnswer?: ("We did not reach you", "You can ask for another call.")
            case .unreachable?: ("Your number cannot be reached", "Please check it and ask again.")
            case .resolvedByInbound?: ("You called us first", "There is nothing more to do.")
            default: ("The call did not come about", "You can ask for another call.")
            }
        }
    }

    /// What can be changed while nobody asks.
    private struct Changes: View {
        let model: SampleModel
        @State private var typing = false
        @State private var leaving = false

        var body: some View {
            Group {
                // Below each other where words are long or letters large.
                ViewThatFits(in: .horizontal) {
                    HStack { pauseAndNumber }
                    VStack(spacing: 8) { pauseAndNumber }
                }
                .buttonStyle(.bordered)
                WideButton(title: "I no longer need the call") { leaving = true }
            }
            .disabled(model.callback.busy)
            .otherNumber(isPresented: $typing, model: model.callback)
            .confirmationDialog("Give up your place?", isPresented: $leaving, titleVisibility: .visible) {
                Button("Give up", role: .destructive) { Task { await model.callback.cancel() } }
                Button("Keep it", role: .cancel) {}
            } message: {
                Text("If you ask again later, you start at the end of the line.")
            }
        }

        @ViewBuilder private var pauseAndNumber: some View {
            WideButton(title: "In 10 minutes") { await model.callback.inTenMinutes() }
            WideButton(title: "Another number") { typing = true }
        }
    }

    extension View {
        /// Asks for another number.
        fileprivate func otherNumber(isPresented: Binding<Bool>, model: CallbackModel) -> some View {
            modifier(OtherNumber(isPresented: isPresented, model: model))
        }
    }

    private struct OtherNumber: ViewModifier {
        @Binding var isPresented: Bool
        let model: CallbackModel
        @State private var typed = ""

        func body(content: Content) -> some View {
            content.alert("Which number shall we call?", isPresented: $isPresented) {
                TextField("+49 30 …", text: $typed).keyboardType(.phonePad)
                Button("Save") { Task { await model.onOtherNumber(typed) } }
                Button("Close", role: .cancel) {}
            }
        }
    }
#endif
