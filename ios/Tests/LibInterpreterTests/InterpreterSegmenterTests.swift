import SegmentationCore
import XCTest

@testable import LibInterpreter

/// The bundled model on TensorFlow Lite's own library.
final class InterpreterSegmenterTests: XCTestCase {
    private let models = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../models/shapes")
        .standardized
    private let gray = RGBImage(width: 40, height: 30, pixels: [UInt8](repeating: 128, count: 3 * 40 * 30))

    private func model(
        _ name: String = "shapes.tflite", side: Int = 129, type: TensorType = .float32, output: Int = 0,
        kind: OutputKind = .logits
    ) -> Model {
        Model(
            file: models.appendingPathComponent(name),
            labels: [],
            input: ImageInput(height: side, width: side, type: type, mean: [127.5], std: [127.5]),
            output: MaskOutput(index: output, kind: kind)
        )
    }

    private func failure(of model: Model, _ options: SegmenterOptions = SegmenterOptions()) -> SegmenterError? {
        do {
            _ = try InterpreterSegmenter(model: model, options: options)
            return nil
        } catch {
            return error as? SegmenterError
        }
    }

    func testAMaskWithItsStagesAndTimes() throws {
        let segmenter = try InterpreterSegmenter(model: model(), options: SegmenterOptions())
        let predicted = try segmenter.segment(gray)
        XCTAssertEqual([predicted.mask.width, predicted.mask.height], [129, 129])
        XCTAssertEqual(predicted.resized, [UInt8](repeating: 128, count: 3 * 129 * 129))
        XCTAssertEqual(predicted.tensor?.count, 4 * 3 * 129 * 129)
        XCTAssertGreaterThan(predicted.inferenceMs, 0)
        XCTAssertEqual(try segmenter.segment(gray).mask, predicted.mask)
    }

    func testWhatRanIsNamed() throws {
        for delegate in [Delegate.cpu, .xnnpack] {
            let options = SegmenterOptions(threads: 1, delegate: delegate)
            let runtime = try InterpreterSegmenter(model: model(), options: options).runtime
            XCTAssertEqual([runtime.delegate, runtime.name], [delegate.rawValue, "TensorFlow Lite C API"])
            XCTAssertEqual(runtime.threads, 1)
            XCTAssertFalse(runtime.version.isEmpty)
        }
    }

    func testTheNodesThatADelegateTookAreCounted() throws {
        func nodes(_ model: Model, _ delegate: Delegate) throws -> DelegatedNodes? {
            try InterpreterSegmenter(model: model, options: SegmenterOptions(delegate: delegate)).runtime.nodes
        }
        XCTAssertEqual(try nodes(model(), .xnnpack), DelegatedNodes(delegated: 57, of: 57))
        // As in Python and on Android: XNNPACK leaves the two nodes that change the type of the image and the scores.
        let quantised = model("shapes_int8.tflite", type: .uint8)
        XCTAssertEqual(try nodes(quantised, .xnnpack), DelegatedNodes(delegated: 57, of: 59))
        XCTAssertNil(try nodes(model(), .cpu))
    }

    func testXnnpackAndTheCpuKernelsAgree() throws {
        let pixels = (0..<(3 * 40 * 30)).map { UInt8($0 * 7 % 256) }
        let image = RGBImage(width: 40, height: 30, pixels: pixels)
        let masks = try [Delegate.cpu, .xnnpack].map {
            try InterpreterSegmenter(model: model(), options: SegmenterOptions(delegate: $0)).segment(image).mask
        }
        XCTAssertEqual(masks[0], masks[1])
    }

    func testTwoSegmentersAtOnce() throws {
        let first = try InterpreterSegmenter(model: model(), options: SegmenterOptions())
        let second = try InterpreterSegmenter(
            model: model("shapes_int8.tflite", type: .uint8), options: SegmenterOptions())
        XCTAssertEqual(try second.segment(gray).tensor?.count, 3 * 129 * 129)
        XCTAssertEqual(try first.segment(gray).mask.classes.count, 129 * 129)
    }

    func testAFileThatIsNotAModel() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).tflite")
        try Data("no model".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let input = model().input
        let broken = Model(file: file, labels: [], input: input, output: MaskOutput(index: 0, kind: .logits))
        XCTAssertEqual(failure(of: broken)?.stage, "init")
        XCTAssertEqual(failure(of: model("gone.tflite"))?.stage, "init")
    }

    func testAModelThatIsNotTheDeclaredOne() {
        for (wrong, message) in [
            (model(side: 128), "not float32 [1, 128, 128, 3]"), (model(type: .int8), "the input is float32"),
            (model(output: 1), "there is no output 1"), (model(kind: .classes), "rows and columns of kind classes"),
        ] {
            let error = failure(of: wrong)
            XCTAssertEqual(error?.stage, "init")
            XCTAssertTrue(error?.message.contains(message) == true, error?.message ?? "nothing was wrong")
        }
    }

    #if !canImport(Darwin)
        func testWhatOnlyApplesPlatformsHave() {
            for (options, message) in [
                (SegmenterOptions(delegate: .coreml), "no Core ML delegate"),
                (SegmenterOptions(delegate: .metal), "no Metal delegate"),
                (SegmenterOptions(resize: .platform), "no resize of its own"),
            ] {
                let error = failure(of: model(), options)
                XCTAssertEqual(error?.stage, "init")
                XCTAssertTrue(error?.message.contains(message) == true, error?.message ?? "nothing was wrong")
            }
        }
    #endif
}
