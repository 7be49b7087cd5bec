import XCTest

@testable import SegmentationCore

final class MaskPngTests: XCTestCase {
    func testThePaletteIsThatOfTheSampleMask() throws {
        // Python wrote the sample; its palette chunk follows the header, which has 33 bytes with the signature.
        let file = [UInt8](try sample("samples/masks/flag.png"))
        XCTAssertEqual(Array(file[37..<41]), Array("PLTE".utf8))
        XCTAssertEqual(Array(file[41..<(41 + 768)]), MaskPng.palette)
    }

    func testSizesThatNeedMoreThanOneBlock() {
        // Python's tests read these files; here is what they cannot see: that the blocks add up.
        let small = MaskPng.encode(Mask(width: 4, height: 2, classes: [0, 0, 0, 0, 1, 1, 2, 2]))
        let large = MaskPng.encode(Mask(width: 300, height: 300, classes: [UInt8](repeating: 7, count: 90000)))
        XCTAssertEqual(small.count, 8 + 25 + 12 + 768 + 12 + 2 + 5 + 10 + 4 + 12)
        XCTAssertEqual(large.count, 8 + 25 + 12 + 768 + 12 + 2 + 2 * 5 + 90300 + 4 + 12)
    }
}
