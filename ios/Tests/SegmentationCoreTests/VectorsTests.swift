import XCTest

@testable import SegmentationCore

/// Bit for bit equal to Python and Kotlin.
final class VectorsTests: XCTestCase {
    func testResize() throws {
        let cases = try Vectors.read().resize
        XCTAssertFalse(cases.isEmpty)
        for each in cases {
            let image = RGBImage(width: each.width, height: each.height, pixels: each.source)
            let resize = FixedResize(
                sourceWidth: each.width, sourceHeight: each.height, width: each.target_width, height: each.target_height
            )
            XCTAssertTrue(resize.fits(image))
            let place = "\(each.width)×\(each.height) to \(each.target_width)×\(each.target_height)"
            XCTAssertEqual(resize.resize(image), each.resized, place)
        }
    }

    func testTensor() throws {
        let cases = try Vectors.read().tensor.cases
        XCTAssertEqual(Set(cases.map(\.dtype)), ["float32", "uint8", "int8"])
        let gray = (0..<256).flatMap { [UInt8](repeating: UInt8($0), count: 3) }
        for each in cases {
            let type = try XCTUnwrap(TensorType(rawValue: each.dtype))
            let input = ImageInput(height: 1, width: 256, type: type, mean: each.mean, std: each.std)
            let scale = Float(bitPattern: each.scale_bits)
            let bytes = InputTensor(input, scale: scale, zeroPoint: each.zero_point).bytes(of: gray)
            let values: [Int64] = bytes.withUnsafeBytes { raw in
                switch type {
                case .float32: return raw.bindMemory(to: UInt32.self).map { Int64($0) }
                case .uint8: return raw.map { Int64($0) }
                case .int8: return raw.bindMemory(to: Int8.self).map { Int64($0) }
                default: return []  // tensors.json has these
                }
            }
            XCTAssertEqual(values, each.values, "\(type)")
        }
    }

    func testOrientations() throws {
        let turns = try Vectors.read().orient
        XCTAssertEqual(turns.cases.map(\.orientation), Array(1...8))
        let image = RGBImage(width: turns.width, height: turns.height, pixels: turns.source)
        for turn in turns.cases {
            XCTAssertEqual(image.upright(from: turn.orientation).pixels, turn.upright, "\(turn.orientation)")
        }
        XCTAssertEqual(image.upright(from: 9), image)
    }
}
