import PhotosUI
import SwiftUI
import UniformTypeIdentifiers

/// The system's photo picker. It needs no permission, because the app only gets the picked photo.
struct PhotoPicker: UIViewControllerRepresentable {
    /// The bytes of the picked file, nil if the user picked nothing, or why the file cannot be read.
    let onPick: (Result<Data, Error>?) -> Void

    func makeUIViewController(context: Context) -> PHPickerViewController {
        var configuration = PHPickerConfiguration()
        configuration.filter = .images
        // The picker then converts HEIC to JPEG.
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
