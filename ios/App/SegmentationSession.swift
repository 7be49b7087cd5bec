import CoreGraphics
import SegmentationCore
import SwiftUI

/// The screen's state, and the work behind it.
@MainActor
final class SegmentationSession: ObservableObject {
    /// An image with its mask.
    struct Shown {
        let image: CGImage
        let mask: CGImage
        let legend: [LegendEntry]
        let outcome: Outcome
    }

    @Published private(set) var models: [ListedModel] = []
    @Published var settings: Settings? {
        didSet { if settings != oldValue, let last { show(last) } }
    }
    @Published private(set) var shown: Shown?
    @Published private(set) var problem: String?
    @Published private(set) var isBusy = false
    @Published private(set) var isLive = false

    private let worker = SegmentationWorker()
    private let camera = Camera()
    private var last: RGBImage?
    private var live: Task<Void, Never>?

    init() {
        do {
            models = try ListedModel.available()
            settings = models.first.map { Settings(model: $0) }
            if models.isEmpty { problem = "The app has no model." }
        } catch {
            problem = error.localizedDescription
        }
    }

    /// Predicts the mask of a picked file.
    func pick(_ picked: Result<Data, Error>?) {
        guard let picked else { return }
        stopCamera()
        Task {
            do {
                let data = try picked.get()
                let decoding = Task.detached { try ImageFile.decode(name: "the photo", data: [UInt8](data)) }
                show(try await decoding.value)
            } catch {
                report(error)
            }
        }
    }

    /// Predicts the masks of frames until `stopCamera`.
    func startCamera() {
        stopCamera()
        isLive = true
        live = Task {
            do {
                for try await frame in camera.frames() {
                    last = frame
                    await segment(frame)
                }
            } catch {
                report(error)
            }
            if !Task.isCancelled { isLive = false }  // otherwise another one may be live by now
        }
    }

    /// Stops the frames; the last one stays on the screen.
    func stopCamera() {
        live?.cancel()
        live = nil
        isLive = false
    }

    private func show(_ image: RGBImage) {
        last = image
        if isLive { return }  // the next frame is on its way
        Task { await segment(image) }
    }

    private func segment(_ image: RGBImage) async {
        guard let settings else { return }
        isBusy = true
        defer { isBusy = false }
        do {
            let outcome = try await worker.segment(image, settings: settings)
            guard let picture = image.cgImage, let mask = outcome.segmentation.mask.picture else {
                throw SegmenterError(stage: "display", message: "The mask cannot be shown.")
            }
            guard settings == self.settings else { return }  // a result for earlier settings
            let legend = outcome.segmentation.mask.legend(labels: settings.model.labels)
            shown = Shown(image: picture, mask: mask, legend: legend, outcome: outcome)
            problem = nil
        } catch {
            guard settings == self.settings else { return }
            report(error)
        }
    }

    private func report(_ error: any Error) {
        let known = error as? SegmenterError
        problem = known.map { "\($0.stage): \($0.message)" } ?? error.localizedDescription
        shown = nil  // do not show an old mask beside a new error
    }
}
