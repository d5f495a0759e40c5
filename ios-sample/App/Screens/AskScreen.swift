#if canImport(SwiftUI)
    import Ringback
    import SampleModel
    import SwiftUI

    /// "Call me": now or later.
    struct AskScreen: View {
        let model: SampleModel

        var body: some View {
            @Bindable var ask = model.ask
            Sheet {
                Text("Talk to us without waiting on hold").font(.title.bold())
                Text("We call you when somebody has time for you.").foregroundStyle(.secondary)
                TroubleNotice(trouble: ask.trouble) { await ask.refresh() }
                Picker("When", selection: later) {
                    Text("As soon as possible").tag(false)
                    Text("At a time I choose").tag(true)
                }
                .pickerStyle(.inline)
                .labelsHidden()
                if !ask.later, let offer = ask.offer { OfferText(offer: offer) }
                TextField("Your number", text: $ask.number, prompt: Text(verbatim: "+49 30 …"))
                    .textFieldStyle(.roundedBorder)
                    .keyboardType(.phonePad)
                    .textContentType(.telephoneNumber)
                if ask.later { SlotsView(ask: ask) }
            } done: {
                WideButton(title: ask.later ? "Call me then" : "Call me", symbol: "phone") { await ask.ask() }
                    .buttonStyle(.borderedProminent)
                    .disabled(!ask.canAsk)
                WideButton(title: "I would rather call myself") { await model.show(.callIn) }
            }
        }

        private var later: Binding<Bool> {
            Binding {
                model.ask.later
            } set: { isLater in
                if isLater {
                    Task { await model.ask.chooseLater() }
                } else {
                    model.ask.chooseNow()
                }
            }
        }
    }

    /// Free times, by day.
    struct SlotsView: View {
        let ask: AskModel

        var body: some View {
            if ask.slots?.isEmpty == true { Text("No time is free in the next days.") }
            let days = Dictionary(grouping: ask.slots ?? []) { $0.wallTime.local.prefix(10) }
            ForEach(days.keys.sorted(), id: \.self) { day in
                if let slots = days[day], let first = slots.first {
                    Text(first.start, format: .dateTime.weekday(.wide).day().month(.wide)).font(.headline)
                    LazyVGrid(columns: [GridItem(.adaptive(minimum: 84))]) {
                        ForEach(slots, id: \.start) { slot in
                            Button {
                                ask.pick(slot)
                            } label: {
                                Text(slot.start, format: .dateTime.hour().minute())
                                    .frame(maxWidth: .infinity, minHeight: 30)
                            }
                            .buttonStyle(.bordered)
                            .tint(slot == ask.slot ? .teal : .secondary)
                            .accessibilityAddTraits(slot == ask.slot ? .isSelected : [])
                        }
                    }
                }
            }
        }
    }

    /// What there is now: a wait, or why there is none.
    private struct OfferText: View {
        let offer: Offer

        var body: some View {
            if offer.immediate.offered {
                WaitText(wait: offer.wait)
            } else if let opens = offer.opensAt {
                Text("Closed until \(opens.moment)")
            } else {
                Text("Not possible at the moment")
            }
        }
    }

    /// A wait in words: a number only where there is an honest one.
    struct WaitText: View {
        let wait: WaitEstimate?

        var body: some View {
            switch wait?.status {
            case .estimated?:
                let minutes = (Int(wait?.p90S ?? 0) + 59) / 60
                if minutes <= 1 { Text("In about a minute") } else { Text("In up to \(minutes) minutes") }
            case .noAgents?: Text("Nobody is there just now")
            case .closed?: Text("Closed just now")
            default: Text("We cannot say yet how long it takes")
            }
        }
    }
#endif
