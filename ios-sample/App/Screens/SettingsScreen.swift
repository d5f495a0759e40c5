#if canImport(SwiftUI)
    import Ringback
    import SampleModel
    import SwiftUI

    /// Who is called, and where the person is asked.
    struct SettingsScreen: View {
        @Bindable var model: SettingsModel
        @Environment(\.dismiss) private var dismiss

        var body: some View {
            Form {
                TroubleNotice(trouble: model.trouble, again: model.open)
                Section("You") {
                    TextField("Your number", text: $model.number)
                        .keyboardType(.phonePad)
                        .textContentType(.telephoneNumber)
                    TextField("Your name", text: $model.name).textContentType(.name)
                }
                Section {
                    ForEach(model.devices ?? [], id: \.id) { device in
                        LabeledContent {
                            Button("Remove", role: .destructive) { Task { await model.unregister(device) } }
                                .disabled(model.busy)
                                .accessibilityHint(Text(device.registeredAt, style: .date))
                        } label: {
                            Text(device.registeredAt, style: .date)
                        }
                    }
                    if model.devices?.isEmpty == true {
                        Text("None. Allow notifications, so that we can ask you.").foregroundStyle(.secondary)
                    }
                } header: {
                    Text("Devices that are asked")
                } footer: {
                    Text("When an agent is ready, we ask you on these.")
                }
            }
            .navigationTitle("Settings")
            .toolbar {
                Button("Save") {
                    model.save()
                    dismiss()
                }
                .disabled(!model.canSave)
            }
        }
    }
#endif
