#if canImport(SwiftUI)
    import Ringback
    import SampleModel
    import SwiftUI

    /// The app over its model.
    struct SampleScreen: View {
        let model: SampleModel

        var body: some View {
            NavigationStack {
                home
                    .navigationTitle("Ringback")
                    .navigationBarTitleDisplayMode(.inline)
                    .toolbar {
                        Button("Settings", systemImage: "slider.horizontal.3") {
                            Task { await model.show(.settings) }
                        }
                    }
                    .navigationDestination(isPresented: showing(.callIn)) {
                        CallInScreen(model: model.callIn)
                    }
                    .navigationDestination(isPresented: showing(.settings)) {
                        SettingsScreen(model: model.settings)
                    }
            }
            .tint(.teal)
        }

        @ViewBuilder private var home: some View {
            switch model.watch.known.standing {
            case .idle: AskScreen(model: model)
            case .notSent(let key, let since): NotSentScreen(model: model, key: key, since: since)
            case .lapsed(let key, let detail): LapsedScreen(model: model, key: key, detail: detail)
            case .promised(let callback): PromisedScreen(model: model, callback: callback)
            case .inLine(_, let position, let wait, let restsUntil):
                LineScreen(model: model, position: position, wait: wait, restsUntil: restsUntil)
            case .asked(_, let until): ReadyScreen(model: model, until: until)
            case .connecting(_, let ticket?): DialScreen(ticket: ticket)
            case .connecting(let callback, nil): ConnectingScreen(callback: callback)
            case .talking:
                CalmScreen(
                    symbol: "phone.fill", title: "You are talking",
                    text: "The agent has all that you told us.")
            case .over(let callback): OverScreen(model: model, callback: callback)
            }
        }

        private func showing(_ page: Page) -> Binding<Bool> {
            Binding {
                model.page == page
            } set: { isShown in
                if !isShown, model.page == page { Task { await model.show(.home) } }
            }
        }
    }

    /// What is told above, what can be done below and always in reach.
    struct Sheet<Told: View, Done: View>: View {
        @ViewBuilder let told: Told
        @ViewBuilder let done: Done

        var body: some View {
            ScrollView {
                VStack(alignment: .leading, spacing: 16) { told }
                    .frame(maxWidth: 560)
                    .padding(20)
                    .frame(maxWidth: .infinity)
            }
            .safeAreaInset(edge: .bottom) {
                VStack(spacing: 8) { done }
                    .controlSize(.large)
                    .frame(maxWidth: 560)
                    .padding(.horizontal, 20)
                    .padding(.vertical, 12)
                    .frame(maxWidth: .infinity)
                    .background(.bar)
            }
        }
    }

    /// Little is told: it stands in the middle.
    struct CalmScreen: View {
        let symbol: String
        let title: LocalizedStringKey
        let text: LocalizedStringKey

        var body: some View {
            ContentUnavailableView {
                Label(title, systemImage: symbol)
            } description: {
                Text(text)
            }
        }
    }

    struct WideButton: View {
        let title: LocalizedStringKey
        var symbol: String?
        let action: @MainActor () async -> Void

        var body: some View {
            Button {
                Task { await action() }
            } label: {
                Group {
                    if let symbol { Label(title, systemImage: symbol) } else { Text(title) }
                }
                .frame(maxWidth: .infinity)
            }
        }
    }

    /// What did not work, or is not yet sent.
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
                    Button(action.title) { Task { await action.run() } }.font(.subheadline.bold())
                }
            }
            .padding()
            .background(.orange.opacity(0.15), in: .rect(cornerRadius: 16))
            .accessibilityElement(children: .contain)
        }
    }

    struct TroubleNotice: View {
        let trouble: Trouble?
        let again: @MainActor () async -> Void

        var body: some View {
            if let trouble {
                if trouble.offline {
                    Notice(text: "No connection", symbol: "wifi.slash", action: ("Try again", again))
                } else {
                    Notice(text: "\(trouble.detail)", symbol: "exclamationmark.circle")
                }
            }
        }
    }
#endif
