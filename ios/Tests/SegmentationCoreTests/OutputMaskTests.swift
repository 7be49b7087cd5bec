import XCTest

@testable import SegmentationCore

final class OutputMaskTests: XCTestCase {
    private func mask<Value>(_ kind: OutputKind, _ values: [Value], _ shape: [Int], _ type: OutputType) throws -> Mask {
        let output = try OutputMask(MaskOutput(index: 0, kind: kind), shape: shape, type: type)
        return try values.withUnsafeBytes { try output.read($0) }
    }

    func testTheLowestIndexOfEqualScoresWins() throws {
        let scores: [Float] = [1, 1, 1, 0, 0, 1, -2, -1, -1]
        XCTAssertEqual(try mask(.logits, scores, [1, 1, 3, 3], .float32).classes, [0, 2, 1])
    }

    func testNoClassWinsIfAScoreIsNaN() {
        for place in 0..<3 {
            var scores: [Float] = [0, 0, 0]
            scores[place] = .nan
            XCTAssertThrowsError(try mask(.logits, scores, [1, 1, 1, 3], .float32)) {
                XCTAssertEqual(
                    $0 as? SegmenterError, SegmenterError(stage: "postprocess", message: "the output has NaN scores"))
            }
        }
    }

    func testQuantisedScoresCompareAsSignedOrUnsigned() throws {
        XCTAssertEqual(try mask(.logits, [Int8(-1), 1], [1, 1, 1, 2], .int8).classes, [1])
        XCTAssertEqual(try mask(.logits, [UInt8(255), 1], [1, 1, 1, 2], .uint8).classes, [0])
    }

    func testClassMapsOfEveryTypeAndClassesThatDoNotFitAMask() throws {
        XCTAssertEqual(try mask(.classes, [Int32(200)], [1, 1, 1], .int32).classes, [200])
        XCTAssertEqual(try mask(.classes, [Int64(200)], [1, 1, 1, 1], .int64).classes, [200])
        XCTAssertEqual(try mask(.classes, [UInt8(200)], [1, 1, 1], .uint8).classes, [200])
        for value in [Int32(-1), 256] {
            XCTAssertThrowsError(try mask(.classes, [value], [1, 1, 1], .int32)) {
                XCTAssertEqual(($0 as? SegmenterError)?.stage, "postprocess")
            }
        }
    }

    func testAnOutputThatIsNotAMaskIsRefused() {
        for shape in [[1, 10], [2, 4, 4, 3], [1, 4, 4], [1, 0, 1, 3]] {
            XCTAssertThrowsError(
                try OutputMask(MaskOutput(index: 0, kind: .logits), shape: shape, type: .float32), "\(shape)"
            ) {
                XCTAssertEqual(($0 as? SegmenterError)?.stage, "init")
            }
        }
    }

    func testTooFewBytesAreAnError() {
        XCTAssertThrowsError(try mask(.logits, [Float(1)], [1, 1, 1, 2], .float32)) {
            XCTAssertEqual(($0 as? SegmenterError)?.stage, "postprocess")
        }
    }
}
