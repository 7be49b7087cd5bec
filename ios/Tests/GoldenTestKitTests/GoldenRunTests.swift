import SegmentationCore
import XCTest

@testable import GoldenTestKit

/// The golden run on segmenters that fail in every way.
final class GoldenRunTests: XCTestCase {
    private var folder = URL(fileURLWithPath: "/")
    private var out: URL { folder.appendingPathComponent("bundle") }

    override func setUpWithError() throws { folder = try newFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    /// Says class 1 of everything; `fails` is asked before each image.
    private final class Fake: Segmenter {
        let runtime = RuntimeInfo(
            name: "fake", version: "1", delegate: "xnnpack", threads: 1, nodes: DelegatedNodes(delegated: 1, of: 2)
        )
        private let fails: (Int) -> (any Error)?
        private(set) var images = 0

        init(fails: @escaping (Int) -> (any Error)? = { _ in nil }) { self.fails = fails }

        func segment(_ image: RGBImage) throws -> Segmentation {
            defer { images += 1 }
            if let error = fails(images) { throw error }
            let mask = Mask(width: 2, height: 1, classes: [1, 1])
            return Segmentation(mask: mask, preprocessMs: 1, inferenceMs: 2, postprocessMs: 3)
        }
    }

    /// Hands on one pixel, its tensor, and the name of its kernel.
    private final class HandingOn: Segmenter {
        let runtime = RuntimeInfo(name: "fake", version: "1", delegate: "cpu", threads: 1)

        func segment(_ image: RGBImage) throws -> Segmentation {
            Segmentation(
                mask: Mask(width: 2, height: 1, classes: [1, 1]), preprocessMs: 1, inferenceMs: 2, postprocessMs: 3,
                resized: [1, 2, 3], tensor: tensorBytes(of: [1, -1]), scaling: .openCVArea
            )
        }
    }

    private struct Strange: Error {}

    func testWhatIsAskedForAndHandedOnIsInTheBundle() throws {
        try goldenRun { $0.options.taps = ["resized", "tensor"] }.run { _, _ in HandingOn() }
        let result = try written().results[0]
        XCTAssertEqual(result.scaling, "opencv area")
        let bytes = try ["resized", "tensor"].map {
            [UInt8](try Data(contentsOf: out.appendingPathComponent(try XCTUnwrap(result.taps[$0]).file)))
        }
        XCTAssertEqual(bytes, [[1, 2, 3], [0, 0, 128, 63, 0, 0, 128, 191]])
        XCTAssertEqual(result.stages.tensor, sha256(bytes[1]))
        XCTAssertEqual(result.taps["tensor"]?.sha256, sha256(bytes[1]))
    }

    func testNothingIsWrittenThatWasNotAskedForOrThatAnAppDoesNotHave() throws {
        try goldenRun().run { _, _ in HandingOn() }
        XCTAssertEqual(try written().results[0].taps, [:])
        try goldenRun { $0.options.taps = ["resized"] }.run { _, _ in HandingOn() }
        XCTAssertEqual(try written().results[0].taps.keys.sorted(), ["resized"])
        try goldenRun { $0.options.taps = ["resized"] }.run { _, _ in Fake() }
        XCTAssertEqual(try written().results[0].taps, [:])
        XCTAssertNil(try written().results[0].scaling)
    }

    /// A run of three images that decode to one pixel.
    private func goldenRun(_ edit: (inout Request) -> Void = { _ in }) throws -> GoldenRun {
        let (model, image) = (Array("model".utf8), Array("image".utf8))
        try Data(model).write(to: folder.appendingPathComponent("model.tflite"))
        try Data(image).write(to: folder.appendingPathComponent("image.png"))
        var request = try Request.read(sample("samples/request.json"))
        request.model.file = "model.tflite"
        request.model.sha256 = sha256(model)
        request.options.taps = []
        request.options.warmup = 1
        request.options.runs = 2
        request.cases = ["one", "two", "three"].map { RequestCase(id: $0, file: "image.png", sha256: sha256(image)) }
        edit(&request)
        let file = folder.appendingPathComponent("request.json")
        try writeContract(request, to: file)
        var run = try GoldenRun(request: file, out: out)
        run.decode = { _, _ in RGBImage(width: 1, height: 1, pixels: [1, 2, 3]) }
        run.onResult = { _ in }
        return run
    }

    /// The bundle on disk, once it is sure that its masks are there.
    private func written() throws -> MaskBundle {
        let bundle = try MaskBundle.read(out)
        for mask in bundle.results.compactMap(\.mask) {
            XCTAssertTrue(FileManager.default.fileExists(atPath: out.appendingPathComponent(mask).path))
        }
        return bundle
    }

    func testEveryCaseHasAMaskItsTimesAndItsHashes() throws {
        let fake = Fake()
        var run = try goldenRun()
        run.environment = ["thermal": "none"]
        XCTAssertEqual(try run.run { _, _ in fake }, try written())
        let bundle = try written()
        XCTAssertEqual(bundle.results.map(\.status), [.ok, .ok, .ok])
        XCTAssertEqual(bundle.results[0].latency?.inferenceMs, [2, 2])
        XCTAssertEqual(bundle.results[0].latency?.preprocessMs, [1, 1])
        XCTAssertEqual(bundle.results[0].latency?.firstMs, 2)
        XCTAssertEqual(fake.images, 9)  // one warm-up and two runs of three cases
        XCTAssertEqual(bundle.results[0].stages.decoded, sha256([1, 2, 3]))
        XCTAssertNil(bundle.results[0].stages.tensor)
        XCTAssertEqual(bundle.results[0].maskSize, [2, 1])
        XCTAssertEqual(bundle.results[0].latency?.warmupMs, [2])
        XCTAssertEqual(bundle.results[0].latency?.totalMs?.count, 2)
        let peak = try XCTUnwrap(bundle.results[0].memoryPeakMb)
        for memory in [bundle.results[0].memoryInitMb, bundle.results[0].memorySteadyMb] {
            XCTAssertGreaterThan(try XCTUnwrap(memory), 1)
            XCTAssertLessThanOrEqual(try XCTUnwrap(memory), peak + 1)  // the kernel counts them at different moments
        }
        let nodes = DelegatedNodes(delegated: 1, of: 2)
        XCTAssertEqual(
            bundle.runtime, BundleRuntime(name: "fake", version: "1", delegate: "xnnpack", threads: 1, nodes: nodes))
        XCTAssertEqual(bundle.environment, ["thermal": "none"])
    }

    func testAnAppThatCannotOpenTheModelSaysSoForEveryCase() throws {
        for (error, words) in [
            (SegmenterError(stage: "init", message: "no such\n  delegate") as any Error, "no such delegate"),
            (Strange(), "Strange: Strange()"),
        ] {
            try goldenRun().run { _, _ in throw error }
            let failure = Failure(stage: "init", message: words)
            XCTAssertEqual(try written().results.map(\.error), [failure, failure, failure])
        }
    }

    func testAnImageThatFailsLeavesTheOthersAlone() throws {
        let unlucky = SegmenterError(stage: "postprocess", message: "bad luck")
        try goldenRun().run { _, _ in Fake { $0 == 3 ? unlucky : nil } }
        XCTAssertEqual(try written().results.map(\.status), [.ok, .error, .ok])
        XCTAssertEqual(try written().results[1].error, Failure(stage: "postprocess", message: "bad luck"))
        try goldenRun().run { _, _ in Fake { $0 == 3 ? Strange() : nil } }
        XCTAssertEqual(try written().results[1].error?.stage, "inference")
    }

    func testOtherFilesThanAskedForAreRefused() throws {
        let zeros = String(repeating: "0", count: 64)
        try goldenRun { $0.model.sha256 = zeros }.run { _, _ in Fake() }
        XCTAssertEqual(try written().results[0].error?.stage, "init")
        try goldenRun { $0.model.file = "gone.tflite" }.run { _, _ in Fake() }
        XCTAssertEqual(try written().results[0].error?.message, "gone.tflite does not exist")
        try goldenRun {
            $0.cases[0].sha256 = zeros
            $0.cases[1].file = "gone.png"
        }.run { _, _ in Fake() }
        let results = try written().results
        XCTAssertEqual(results.map { $0.error?.stage }, ["decode", "decode", nil])
        XCTAssertTrue(results[0].error?.message.contains("sha256 differs") == true)
        XCTAssertTrue(results[1].error?.message.contains("gone.png cannot be read") == true)
    }

    func testAnImageThatDoesNotDecode() throws {
        var run = try goldenRun()
        run.decode = { each, _ in
            if each.id == "one" { throw Strange() }
            throw SegmenterError(stage: "decode", message: "a CMYK image")
        }
        try run.run { _, _ in Fake() }
        let errors = try written().results.map(\.error)
        XCTAssertEqual(errors[0]?.message, "image.png cannot be decoded: Strange()")
        XCTAssertEqual(errors[1], Failure(stage: "decode", message: "a CMYK image"))
    }

    func testPixelsThatTheHostHasDecoded() throws {
        var run = try goldenRun()
        run.hostPixels = folder
        try Data("P6 2 1 255 abcdef".utf8).write(to: folder.appendingPathComponent("one.ppm"))
        try run.run { _, _ in Fake() }
        XCTAssertEqual(try written().results[0].stages.decoded, sha256(Array("abcdef".utf8)))
        XCTAssertEqual(try written().results[0].decodedBy, "host")
        XCTAssertEqual(
            try written().results[1].error, Failure(stage: "decode", message: "the host could not decode it"))
    }

    func testABmpIsDecodedHereWhateverTheHostHasDecoded() throws {
        let image = Array("BM".utf8)
        try Data(image).write(to: folder.appendingPathComponent("image.bmp"))
        var run = try goldenRun { $0.cases = [RequestCase(id: "one", file: "image.bmp", sha256: sha256(image))] }
        run.hostPixels = folder
        try run.run { _, _ in Fake() }
        XCTAssertEqual(try written().results[0].stages.decoded, sha256([1, 2, 3]))
        XCTAssertNil(try written().results[0].decodedBy)
    }

    func testTapsAreRefusedInTheBundle() throws {
        try goldenRun { $0.options.taps = ["margin"] }.run { _, _ in Fake() }
        XCTAssertTrue(try written().results[0].error?.message.contains("margin") == true)
    }

    func testWhatWasDoneBeforeACrashIsInTheBundleAlready() throws {
        var seen: [Int] = []
        var run = try goldenRun()
        run.onResult = { [out] _ in seen.append((try? MaskBundle.read(out).results.count) ?? -1) }
        try run.run { _, _ in Fake() }
        XCTAssertEqual(seen, [1, 2, 3])
    }

    func testACaseThatIsRepeatedReportsItsRuns() throws {
        var seen: [Int] = []
        var run = try goldenRun { $0.cases = [$0.cases[0]] }
        run.onRuns = { seen.append($0) }
        try run.run { _, _ in Fake() }
        XCTAssertEqual(seen, [])
        run.reportEveryMs = 0
        try run.run { _, _ in Fake() }
        XCTAssertEqual(seen, [1, 2, 3])
    }

    func testRunsGoOnUntilTheTimeIsUp() throws {
        let fake = Fake()
        try goldenRun {
            $0.options.minDurationS = 0.05
            $0.cases = [$0.cases[0]]
        }.run { _, _ in fake }
        XCTAssertGreaterThan(fake.images, 3)
        XCTAssertEqual(try written().results[0].latency?.inferenceMs.count, fake.images - 1)
    }

    func testARunWithoutARequestSaysWhatToGive() throws {
        XCTAssertThrowsError(try GoldenRun(environment: [:])) {
            XCTAssertTrue(($0 as? ContractError)?.message.contains("GOLDMASK_REQUEST") == true)
        }
        _ = try goldenRun()
        let request = folder.appendingPathComponent("request.json").path
        XCTAssertThrowsError(try GoldenRun(environment: ["GOLDMASK_REQUEST": request])) {
            XCTAssertTrue(($0 as? ContractError)?.message.contains("GOLDMASK_OUT") == true)
        }
        let run = try GoldenRun(environment: ["GOLDMASK_REQUEST": request, "GOLDMASK_OUT": out.path])
        XCTAssertEqual(run.request.cases.count, 3)
    }

    func testAFolderThatCannotBeMadeIsAnError() throws {
        let run = try goldenRun()
        try Data().write(to: out)
        XCTAssertThrowsError(try run.run { _, _ in Fake() })
    }
}
