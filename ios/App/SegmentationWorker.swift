import Foundation
import SegmentationCore

/// The result for one image.
struct Outcome: Sendable {
    let segmentation: Segmentation
    let runtime: RuntimeInfo
    /// The time for opening the model, which happens once for each change of the settings.
    let initMs: Double
}

/// Owns the open segmenter, and lets one caller at a time use it.
actor SegmentationWorker {
    private struct Opened {
        let settings: Settings
        let segmenter: any Segmenter
        let initMs: Double
    }

    private var opened: Opened?

    /// Throws `SegmenterError` with the stage that failed.
    func segment(_ image: RGBImage, settings: Settings) throws -> Outcome {
        let current = try open(settings)
        return Outcome(
            segmentation: try current.segmenter.segment(image),
            runtime: current.segmenter.runtime,
            initMs: current.initMs
        )
    }

    private func open(_ settings: Settings) throws -> Opened {
        if let opened, opened.settings == settings { return opened }
        opened = nil  // two models need not be in memory at once
        let started = DispatchTime.now()
        let segmenter = try settings.open()
        let made = Opened(settings: settings, segmenter: segmenter, initMs: msSince(started))
        opened = made
        return made
    }
}
