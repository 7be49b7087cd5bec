import CoreGraphics
import Foundation
import SegmentationCore
import TensorFlowLiteTaskVision
import UIKit

/// `Segmenter` on the Task Library's ImageSegmenter, which itself resizes, normalises and takes the argmax, by the
/// model's metadata.
///
/// The app and its golden test both compile this file, because the pod is a static library of the app.
final class TaskSegmenter: Segmenter {
    /// The pod's version, which the library does not expose.
    private static let version = "0.4.3"

    let runtime: RuntimeInfo

    private let segmenter: ImageSegmenter

    /// Loads a model.
    ///
    /// - Throws: `SegmenterError` of stage `init` for a model that does not load or an option that the library lacks.
    init(model: Model, options: SegmenterOptions) throws {
        if model.input.type == .int8 {
            throw Self.failure("the Task Library takes float32 and uint8 images, not int8")
        }
        if options.resize != .fixed {
            throw Self.failure("the Task Library resizes by itself; there is no other resize to choose")
        }
        let settings = ImageSegmenterOptions(modelPath: model.file.path)
        settings.outputType = .categoryMask
        settings.baseOptions.computeSettings.cpuSettings.numThreads = .init(options.threads)
        switch options.delegate {
        case .xnnpack: break
        case .cpu: throw Self.failure("the Task Library chooses XNNPACK by itself, and has no switch to leave it out")
        case .coreml, .metal: throw Self.failure("lib_task_api has no \(options.delegate.rawValue) here")
        }
        do {
            segmenter = try ImageSegmenter.segmenter(options: settings)
        } catch {
            let name = model.file.lastPathComponent
            throw Self.failure("the Task Library refuses \(name): \(error.localizedDescription)")
        }
        runtime = RuntimeInfo(
            name: "Task Library", version: Self.version, delegate: options.delegate.rawValue, threads: options.threads
        )
    }

    func segment(_ image: RGBImage) throws -> SegmentationCore.Segmentation {
        let began = DispatchTime.now()
        guard let picture = image.cgImage, let input = MLImage(image: UIImage(cgImage: picture)) else {
            throw SegmenterError(stage: "preprocess", message: "no MLImage of \(image.width)×\(image.height) pixels")
        }
        let preprocessMs = msSince(began)
        let prepared = DispatchTime.now()
        let result: SegmentationResult
        do {
            result = try segmenter.segment(mlImage: input)
        } catch {
            throw SegmenterError(stage: "inference", message: error.localizedDescription)
        }
        let inferenceMs = msSince(prepared)
        let inferred = DispatchTime.now()
        guard let category = result.segmentations.first?.categoryMask else {
            throw SegmenterError(stage: "postprocess", message: "the Task Library returned no category mask")
        }
        let size = (width: Int(category.width), height: Int(category.height))
        let classes = [UInt8](UnsafeMutableBufferPointer(start: category.mask, count: size.width * size.height))
        return SegmentationCore.Segmentation(
            mask: Mask(width: size.width, height: size.height, classes: classes),
            preprocessMs: preprocessMs,
            inferenceMs: inferenceMs,
            postprocessMs: msSince(inferred)
        )
    }

    private static func failure(_ message: String) -> SegmenterError {
        SegmenterError(stage: "init", message: message)
    }
}
