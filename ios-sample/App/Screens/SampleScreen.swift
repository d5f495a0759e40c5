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
            case .connecting(let callback, nil): ConnectingScreen(model: model, callback: callback)
            case .talking:
                CalmScreen(
                    symbol: "phone.fill", title: "You are talking",
                    text: "The agent has all that you told us."
                )
                .safeAreaInset(edge: .top) { Notices(model: model).padding(20) }
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
#endif
