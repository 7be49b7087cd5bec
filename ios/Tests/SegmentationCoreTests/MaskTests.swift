import XCTest

@testable import SegmentationCore

/// Masks out of what apps have.
final class MaskTests: XCTestCase {
    private let mask = Mask(width: 3, height: 2, classes: [0, 1, 0, 1, 0, 0])

    func testRowsOfClasses() {
        XCTAssertEqual(Mask(rows: [[0, 1, 0], [1, 0, 0]]), mask)
        XCTAssertEqual(Mask(rows: [[UInt8(255)]]).classes, [255])
    }

    func testBytesInMemory() {
        XCTAssertEqual(mask.classes.withUnsafeBytes { Mask(width: 3, height: 2, bytes: $0) }, mask)
    }

    func testScoresOfWhichTheLowestClassWinsATie() throws {
        let scores: [Float] = [1, 0, 0, 1, 1, 1, -2, -1, 0, 0, 5, -5]
        XCTAssertEqual(try Mask(width: 3, height: 2, scores: scores), mask)
        XCTAssertThrowsError(try Mask(width: 5, height: 1, scores: scores)) {
            XCTAssertEqual(($0 as? SegmenterError)?.message, "12 scores are not those of 5×1 pixels")
        }
        XCTAssertThrowsError(try Mask(width: 1, height: 1, scores: [1, .nan]))
        XCTAssertThrowsError(try Mask(width: 1, height: 1, scores: []))
    }

    func testFloatsAsTheBytesOfATensor() {
        XCTAssertEqual(tensorBytes(of: [1, -1]), [0, 0, 128, 63, 0, 0, 128, 191])
    }

    func testAKernelHasTheNameOfTheContract() {
        XCTAssertEqual(Scaling.allCases.count, 8)
        XCTAssertEqual(Scaling(rawValue: "pillow lanczos"), .pillowLanczos)
    }
}
