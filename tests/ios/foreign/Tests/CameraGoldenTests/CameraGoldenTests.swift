import Camera
import Dispatch
import GoldenTestKit
import SegmentationCore
import XCTest

final class CameraGoldenTests: XCTestCase {
    func testGolden() throws {
        try GoldenRun().run { model, options in
            CameraSegmenter(finder: try PersonFinder(model: model, threads: options.threads), threads: options.threads)
        }
    }
}

private final class CameraSegmenter: Segmenter {
    let runtime: RuntimeInfo
    private let finder: PersonFinder

    init(finder: PersonFinder, threads: Int) {
        self.finder = finder
        runtime = RuntimeInfo(name: "camera app", version: "1.0", delegate: "xnnpack", threads: threads)
    }

    func segment(_ image: RGBImage) throws -> Segmentation {
        let started = DispatchTime.now()
        let rows = try finder.find(pixels: image.pixels, width: image.width, height: image.height)
        let mask = Mask(width: rows[0].count, height: rows.count, classes: rows.flatMap { $0 })
        return Segmentation(mask: mask, preprocessMs: 0, inferenceMs: msSince(started), postprocessMs: 0)
    }
}
