import XCTest

@testable import SegmentationCore

/// What is handed to a decoder, and BMP files, held against what Python makes of the same files.
final class ImageFileTests: XCTestCase {
    private struct Vectors: Decodable {
        let files: [File]
    }

    private struct File: Decodable {
        let name: String
        let file: String
        let refused: String?
        let pixels: String?
        let stripped: String?
        let width: Int?
        let height: Int?
        let orientation: Int?
    }

    private func files() throws -> [(file: File, data: [UInt8])] {
        try JSONDecoder().decode(Vectors.self, from: sample("vectors/images.json")).files.map {
            ($0, [UInt8](try XCTUnwrap(Data(base64Encoded: $0.file))))
        }
    }

    func testTheVectors() throws {
        var kinds: [String: Int] = [:]
        for (file, data) in try files() {
            if let refused = file.refused {
                XCTAssertThrowsError(try ImageFile.decode(name: "it", data: data), file.name) {
                    XCTAssertEqual($0 as? SegmenterError, SegmenterError(stage: "decode", message: refused), file.name)
                }
                kinds["refused", default: 0] += 1
            } else if let pixels = file.pixels {
                XCTAssertEqual(sha256(try ImageFile.decode(name: "it", data: data).pixels), pixels, file.name)
                kinds["BMP", default: 0] += 1
            } else {
                let stripped = try ImageFile.strip(data)
                XCTAssertEqual(
                    [stripped.width, stripped.height, stripped.orientation],
                    [file.width, file.height, file.orientation], file.name)
                XCTAssertEqual(sha256(stripped.data), file.stripped, file.name)
                XCTAssertEqual(ImageFile.orientation(of: data), file.orientation, file.name)
                kinds["stripped", default: 0] += 1
            }
        }
        XCTAssertTrue(kinds.values.allSatisfy { $0 > 15 } && kinds.count == 3, "\(kinds)")
    }

    func testABmpIsTurnedAsItsCaseSays() throws {
        let first = try XCTUnwrap(files().first { $0.file.name == "bmp24" })
        let upright = try ImageFile.decode(name: "it", data: first.data)
        let turned = try ImageFile.decode(name: "it", data: first.data, orientation: 6)
        XCTAssertEqual(turned, upright.upright(from: 6))
        XCTAssertEqual(ImageFile.orientation(of: first.data), 1)
    }

    func testMoreIsPutBehindEachScanOfAJpeg() throws {
        let jpegs = try files().filter { $0.file.name.hasPrefix("jpeg") && $0.file.stripped != nil }
        XCTAssertGreaterThan(jpegs.count, 5)
        for (file, data) in jpegs {
            let stripped = try ImageFile.strip(data).data
            let more = try Jpeg.withNoise(stripped)
            XCTAssertGreaterThan(more.count, stripped.count, file.name)
            XCTAssertTrue((more.count - stripped.count).isMultiple(of: 508), file.name)
            XCTAssertTrue(more.holds([0xff, 0xd9], at: more.count - 2), file.name)
        }
    }
}
