import PhotosUI
import SwiftUI
import UniformTypeIdentifiers

/// The system's photo picker; it needs no permission, as the app sees only what is picked.
struct PhotoPicker: UIViewControllerRepresentable {
    /// The bytes of the picked file, nil where nothing was picked, or why it cannot be had.
    let onPick: (Result<Data, Error>?) -> Void

    func makeUIViewController(context: Context) -> PHPickerViewController {
        var configuration = PHPickerConfiguration()
        configuration.filter = .images
        // HEIC comes as JPEG then.
        configuration.preferredAssetRepresentationMode = .compatible
        let picker = PHPickerViewController(configuration: configuration)
        picker.delegate = context.coordinator
        return picker
    }

    func updateUIViewController(_ controller: PHPickerViewController, context: Context) {}

    func makeCoordinator() -> Coordinator { Coordinator(onPick: onPick) }

    final class Coordinator: NSObject, PHPickerViewControllerDelegate {
        private let onPick: (Result<Data, Error>?) -> Void

        init(onPick: @escaping (Result<Data, Error>?) -> Void) { self.onPick = onPick }

        func picker(_ picker: PHPickerViewController, didFinishPicking results: [PHPickerResult]) {
            guard let provider = results.first?.itemProvider else {
                onPick(nil)
                return
            }
            let types: [UTType] = [.jpeg, .png, .webP, .bmp]
            let type = types.first { provider.hasItemConformingToTypeIdentifier($0.identifier) } ?? .image
            provider.loadDataRepresentation(forTypeIdentifier: type.identifier) { data, error in
                let picked: Result<Data, Error>
                if let data {
                    picked = .success(data)
                } else {
                    picked = .failure(error ?? CocoaError(.fileReadUnknown))
                }
                DispatchQueue.main.async { self.onPick(picked) }
            }
        }
    }
}
