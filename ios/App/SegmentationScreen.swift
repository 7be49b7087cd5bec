import SegmentationCore
import SwiftUI

/// The only screen: picture and mask, the classes in it, the latency, and the settings.
struct SegmentationScreen: View {
    @StateObject private var session = SegmentationSession()
    @State private var opacity = 0.6
    @State private var isPicking = false

    var body: some View {
        NavigationView {
            ScrollView {
                VStack(alignment: .leading, spacing: 16) {
                    picture
                    if let problem = session.problem {
                        Label(problem, systemImage: "exclamationmark.triangle")
                            .foregroundColor(.red)
                            .accessibilityIdentifier("problem")
                    }
                    sources
                    if let shown = session.shown {
                        LegendView(entries: shown.legend)
                        LatencyView(outcome: shown.outcome)
                    }
                    if let settings = Binding($session.settings) {
                        SettingsView(settings: settings, models: session.models)
                    }
                }
                .padding()
            }
            .navigationTitle("Goldmask")
        }
        .navigationViewStyle(.stack)
        .sheet(isPresented: $isPicking) {
            PhotoPicker { picked in
                isPicking = false
                session.pick(picked)
            }
        }
        .onDisappear { session.stopCamera() }
    }

    private var picture: some View {
        VStack {
            if let shown = session.shown {
                ZStack {
                    Image(decorative: shown.image, scale: 1).resizable()
                    Image(decorative: shown.mask, scale: 1).resizable().interpolation(.none).opacity(opacity)
                }
                .aspectRatio(CGFloat(shown.image.width) / CGFloat(shown.image.height), contentMode: .fit)
                .accessibilityElement()
                .accessibilityLabel("Segmented picture")
                HStack {
                    Text("Mask")
                    Slider(value: $opacity, in: 0...1).accessibilityLabel("Opacity of the mask")
                }
            } else {
                Text(session.isBusy ? "Working…" : "Pick a photo, or start the camera.").foregroundColor(.secondary)
            }
        }
    }

    private var sources: some View {
        HStack {
            Button("Photo") { isPicking = true }
            Spacer()
            Button(session.isLive ? "Stop camera" : "Camera") {
                if session.isLive { session.stopCamera() } else { session.startCamera() }
            }
        }
        .buttonStyle(.bordered)
    }
}

/// The classes in the mask, with their colours and names.
struct LegendView: View {
    let entries: [LegendEntry]

    var body: some View {
        VStack(alignment: .leading) {
            ForEach(entries) { entry in
                HStack {
                    RoundedRectangle(cornerRadius: 3)
                        .fill(Color(red: entry.red, green: entry.green, blue: entry.blue))
                        .frame(width: 18, height: 18)
                    Text(entry.name)
                    Spacer()
                    Text(String(format: "%.1f %%", entry.share * 100)).foregroundColor(.secondary)
                }
            }
        }
    }
}

/// Milliseconds by stage, and what really ran.
struct LatencyView: View {
    let outcome: Outcome

    var body: some View {
        VStack(alignment: .leading) {
            row("Open the model", outcome.initMs)
            row("Preprocess", outcome.segmentation.preprocessMs)
            row("Inference", outcome.segmentation.inferenceMs)
            row("Postprocess", outcome.segmentation.postprocessMs)
            let runtime = outcome.runtime
            Text("\(runtime.name) \(runtime.version), \(runtime.delegate), \(runtime.threads) threads")
                .font(.footnote)
                .foregroundColor(.secondary)
        }
    }

    private func row(_ name: String, _ milliseconds: Double) -> some View {
        HStack {
            Text(name)
            Spacer()
            Text(String(format: "%.1f ms", milliseconds)).monospacedDigit()
        }
    }
}

/// Pipeline, model, delegate and threads.
struct SettingsView: View {
    @Binding var settings: Settings
    let models: [ListedModel]

    var body: some View {
        VStack(alignment: .leading) {
            Picker("Pipeline", selection: $settings.pipeline) {
                ForEach(Pipeline.allCases) { Text($0.rawValue).tag($0) }
            }
            .pickerStyle(.segmented)
            HStack {
                Text("Model")
                Spacer()
                Picker("Model", selection: $settings.model) {
                    ForEach(models) { Text($0.name).tag($0) }
                }
            }
            HStack {
                Text("Delegate")
                Spacer()
                Picker("Delegate", selection: $settings.delegate) {
                    ForEach(Delegate.allCases, id: \.self) { Text($0.rawValue).tag($0) }
                }
            }
            Stepper("Threads: \(settings.threads)", value: $settings.threads, in: 1...8)
        }
    }
}
