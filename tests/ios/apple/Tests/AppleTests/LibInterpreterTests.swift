import LibInterpreter
import SegmentationCore
import XCTest

/// The delegates and the resize that only Apple's platforms have.
final class LibInterpreterTests: XCTestCase {
    private let file = URL(fileURLWithPath: #filePath)
        .appendingPathComponent("../../../../../../models/shapes/shapes.tflite").standardized

    private func segmenter(_ options: SegmenterOptions) throws -> InterpreterSegmenter {
        let input = ImageInput(height: 129, width: 129, type: .float32, mean: [127.5], std: [127.5])
        let output = MaskOutput(index: 0, kind: .logits)
        return try InterpreterSegmenter(
            model: Model(file: file, labels: [], input: input, output: output), options: options)
    }

    func testADelegateThatTakesNothingIsNotNamed() throws {
        let runtime = try segmenter(SegmenterOptions(delegate: .metal)).runtime
        XCTAssertEqual([runtime.delegate, "\(runtime.threads)"], ["cpu", "2"])
        XCTAssertEqual(runtime.nodes, DelegatedNodes(delegated: 0, of: 57))
    }

    func testADeviceWithoutNeuralEngine() {
        XCTAssertThrowsError(try segmenter(SegmenterOptions(delegate: .coreml))) {
            let message = "this device has no Core ML with a Neural Engine for TensorFlow Lite"
            XCTAssertEqual($0 as? SegmenterError, SegmenterError(stage: "init", message: message))
        }
    }

    func testThePlatformsOwnResize() throws {
        let halves = (0..<4).flatMap { [UInt8](repeating: $0 < 2 ? 0 : 200, count: 3) }
        let predicted = try segmenter(SegmenterOptions(resize: .platform)).segment(
            RGBImage(width: 1, height: 4, pixels: halves))
        XCTAssertEqual(predicted.resized?.count, 3 * 129 * 129)
        XCTAssertEqual(predicted.resized?.first, 0)
        XCTAssertEqual(predicted.resized?.last, 200)
    }
}
