import XCTest

@testable import GoldenTestKit

/// The run that goldmask has copied into an app's container.
final class ContainerRunTests: XCTestCase {
    private var documents = URL(fileURLWithPath: "/")

    override func setUpWithError() throws { documents = try newFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: documents) }

    private func put(_ name: String) throws -> URL {
        let folder = documents.appendingPathComponent("goldmask").appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let request = try Data(contentsOf: sample("samples/request.json"))
        try request.write(to: folder.appendingPathComponent("request.json"))
        return folder
    }

    private func message(_ run: () throws -> GoldenRun) -> String {
        do {
            _ = try run()
            return "nothing was thrown"
        } catch {
            return "\(error)"
        }
    }

    func testTheBundleGoesBesideItsRequestAndOlderRunsAreRemoved() throws {
        let old = try put("0123")
        let folder = try put("89ab")
        let run = try GoldenRun(inContainer: "89ab", documents: documents)
        XCTAssertEqual(run.out.path, folder.appendingPathComponent("bundle").path)
        XCTAssertEqual(run.request.model.name, "tiny")
        XCTAssertFalse(FileManager.default.fileExists(atPath: old.path))
    }

    func testANameThatLeadsElsewhereIsRefusedAndRemovesNothing() throws {
        let folder = try put("89ab")
        for name in ["../89ab", "/", ".", ""] {
            let error = message { try GoldenRun(inContainer: name, documents: documents) }
            XCTAssertTrue(error.contains("is not a name"), error)
        }
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder.path))
    }

    func testTheEnvironmentNamesTheRun() {
        let error = message { try GoldenRun(environment: ["GOLDMASK_RUN": "../89ab"]) }
        XCTAssertEqual(error, "GOLDMASK_RUN: '../89ab' is not a name (a-z, 0-9, '.', '_', '-')")
    }

    func testAMissingRequestIsAnError() {
        let error = message { try GoldenRun(inContainer: "89ab", documents: documents) }
        XCTAssertTrue(error.contains("request.json cannot be read"), error)
    }
}
