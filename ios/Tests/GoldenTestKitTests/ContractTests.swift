import SegmentationCore
import XCTest

@testable import GoldenTestKit

/// On the same sample files as Python's and Kotlin's tests.
final class ContractTests: XCTestCase {
    private var folder = URL(fileURLWithPath: "/")

    override func setUpWithError() throws { folder = try newFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func edited(_ name: String, _ old: String, _ new: String) throws -> URL {
        let text = try String(contentsOf: sample("samples/\(name)"), encoding: .utf8)
        let place = try XCTUnwrap(text.range(of: old), "\(name) has no \(old)")
        let file = folder.appendingPathComponent(name)
        try Data(text.replacingCharacters(in: place, with: new).utf8).write(to: file)
        return file
    }

    private func assertRefused(_ word: String, _ act: () throws -> Any) {
        XCTAssertThrowsError(try act(), word) {
            XCTAssertTrue(($0 as? ContractError)?.message.contains(word) == true, "\(word): \($0)")
        }
    }

    func testTheSampleRequestIsRead() throws {
        var request = try Request.read(sample("samples/request.json"))
        XCTAssertEqual(request.cases.map(\.id), ["flag", "broken"])
        XCTAssertEqual(request.cases[1].orientation, 6)
        let model = try request.model.model(in: URL(fileURLWithPath: "/models"))
        XCTAssertEqual(model.file.path, "/models/tiny.tflite")
        XCTAssertEqual(model.input.type, .float32)
        XCTAssertEqual(model.output.kind, .logits)
        XCTAssertEqual(model.labels, ["red", "green", "blue"])
        request.options.taps = []
        let options = try request.options.segmenterOptions()
        XCTAssertEqual(options.delegate, .xnnpack)
        XCTAssertEqual(options.threads, 2)
        XCTAssertEqual(request.options.warmup + request.options.runs, 4)
    }

    func testIntermediateOutputsAndDelegatesThatIosDoesNotHaveAreRefused() throws {
        var options = try Request.read(sample("samples/request.json")).options
        assertRefused("margin") { try options.segmenterOptions() }
        options.taps = []
        options.delegate = "nnapi"
        assertRefused("nnapi") { try options.segmenterOptions() }
    }

    func testTheSampleBundleSurvivesReadingAndWriting() throws {
        let bundle = try MaskBundle.read(sample("samples"))
        try bundle.write(folder)
        XCTAssertEqual(try MaskBundle.read(folder), bundle)
        let objects = try [folder, sample("samples")].map {
            try JSONSerialization.jsonObject(with: Data(contentsOf: $0.appendingPathComponent("bundle.json")))
        }
        XCTAssertEqual(objects[0] as? NSDictionary, objects[1] as? NSDictionary)
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["bundle.json"])
    }

    func testWhatMayBeLeftOut() throws {
        var bundle = try MaskBundle.read(sample("samples"))
        XCTAssertEqual(bundle.runtime.nodes, DelegatedNodes(delegated: 69, of: 70))
        bundle.runtime.nodes = nil
        try bundle.write(folder)
        XCTAssertNil(try MaskBundle.read(folder).runtime.nodes)
        let options = try JSONDecoder().decode(
            RequestOptions.self, from: Data(#"{"pipeline": "lib_interpreter"}"#.utf8))
        XCTAssertEqual([options.delegate, options.resize], ["xnnpack", "fixed"])
        XCTAssertEqual([options.threads, options.warmup, options.runs], [2, 0, 1])
        let request = try edited("request.json", "\"orientation\": 6", "\"orientation\": null")
        XCTAssertNil(try Request.read(request).cases[1].orientation)
    }

    func testARequestThatBreaksTheContractIsRefusedWithItsKey() throws {
        for (old, new, word) in [
            ("\"schema\": 1", "\"schema\": 2", "schema"),
            ("\"threads\": 2", "\"threads\": 0", "threads"),
            ("\"threads\": 2", "\"thread\": 2", "options.thread: unknown key"),
            ("\"threads\": 2", "\"threads\": \"2\"", "options.threads"),
            ("\"orientation\": 6", "\"orientation\": 9", "orientation"),
            ("\"id\": \"broken\"", "\"id\": \"flag\"", "twice"),
            ("\"id\": \"broken\"", "\"id\": \"../flag\"", "name"),
            ("\"id\": \"broken\",", "", "cases.1.id: missing"),
            ("\"dtype\": \"float32\"", "\"dtype\": \"float64\"", "dtype"),
            ("\"kind\": \"logits\"", "\"kind\": \"boxes\"", "kind"),
            ("\"sha256\": \"9372", "\"sha256\": \"x372", "sha256"),
            ("127.5\n      ],\n      \"std\": [\n        127.5", "127.5\n ],\n \"std\": [\n 0", "std"),
        ] {
            let file = try edited("request.json", old, new)
            assertRefused(word) { try Request.read(file) }
        }
    }

    func testABundleThatBreaksTheContractIsRefusedWithItsKey() throws {
        for (old, new, word) in [
            ("\"status\": \"ok\"", "\"status\": \"fine\"", "results.0.status"),
            ("\"mask\": \"masks/flag.png\",", "", "mask"),
            (
                "\"status\": \"ok\",", "\"status\": \"ok\", \"error\": {\"stage\": \"a\", \"message\": \"b\"},",
                "exclude"
            ),
            ("\"status\": \"error\",", "\"status\": \"error\", \"mask\": \"masks/broken.png\",", "exclude"),
            ("\"case\": \"broken\"", "\"case\": \"flag\"", "two"),
            ("\"kind\": \"device\"", "\"kindd\": \"device\"", "kind"),
            ("\"kind\": \"device\"", "\"kind\": \"toaster\"", "toaster"),
            ("\"delegated\": 69", "\"delegated\": 71", "71 of 70"),
            ("\"delegated\": 69", "\"delegated\": 0", "xnnpack cannot have 0 of 70"),
            ("\"delegate\": \"xnnpack\"", "\"delegate\": \"cpu\"", "cpu cannot have 69 of 70"),
        ] {
            let file = try edited("bundle.json", old, new)
            assertRefused(word) { try MaskBundle.read(file.deletingLastPathComponent()) }
        }
    }

    func testNoFileAndNoJson() throws {
        assertRefused("cannot be read") { try Request.read(folder.appendingPathComponent("none.json")) }
        let file = folder.appendingPathComponent("half.json")
        try Data("{".utf8).write(to: file)
        assertRefused("half.json") { try Request.read(file) }
    }

    func testAResultWithoutAMaskIsWrittenWithoutTheMasksKeys() throws {
        let failed = CaseResult(
            case: "a", imageSha256: String(repeating: "0", count: 64), status: .error,
            error: Failure(stage: "init", message: "no")
        )
        XCTAssertFalse(String(decoding: try JSONEncoder().encode(failed), as: UTF8.self).contains("mask"))
    }
}
