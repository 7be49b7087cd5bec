import XCTest

@testable import SegmentationCore

/// Every kind of image tensor and of output, byte for byte as Python fills and reads it.
final class TensorVectorsTests: XCTestCase {
    func testImages() throws {
        let vectors = try TensorVectors.read()
        XCTAssertFalse(vectors.inputs.isEmpty)
        for each in vectors.inputs {
            let type = try XCTUnwrap(TensorType(rawValue: each.dtype))
            var input = ImageInput(
                height: vectors.height, width: vectors.width, type: type, mean: each.mean, std: each.std
            )
            input.layout = try XCTUnwrap(Layout(rawValue: each.layout ?? "nhwc"))
            input.colours = try XCTUnwrap(Colours(rawValue: each.channels ?? "rgb"))
            input.fourth = each.fourth.flatMap(Fourth.init(rawValue:))
            input.steps = try XCTUnwrap(Steps(rawValue: each.steps ?? "pixels"))
            let tensor = InputTensor(input, scale: Float(bitPattern: each.scale_bits), zeroPoint: each.zero_point)
            XCTAssertEqual(hexadecimal(tensor.bytes(of: vectors.pixels)), each.bytes, "\(each)")
        }
    }

    func testMasks() throws {
        let vectors = try TensorVectors.read()
        XCTAssertFalse(vectors.outputs.isEmpty)
        for each in vectors.outputs {
            var output = MaskOutput(index: 0, kind: try XCTUnwrap(OutputKind(rawValue: each.kind)))
            output.layout = try XCTUnwrap(Layout(rawValue: each.layout ?? "nhwc"))
            (output.height, output.width) = (each.height, each.width)
            (output.classes, output.ignore) = (each.classes, each.ignore)
            let type = try XCTUnwrap(OutputType(rawValue: each.dtype))
            func read() throws -> Mask {
                try bytes(each.bytes).withUnsafeBytes {
                    try OutputMask(output, shape: each.shape, type: type).read($0)
                }
            }
            if let word = each.error {
                XCTAssertThrowsError(try read(), "\(each)") { error in
                    XCTAssertTrue((error as? SegmenterError)?.message.contains(word) == true, "\(error): \(each)")
                }
                continue
            }
            let mask = try read()
            XCTAssertEqual([mask.width, mask.height], each.size)
            XCTAssertEqual(mask.depth, each.depth)
            let wanted = try XCTUnwrap(each.mask).flatMap {
                mask.depth == 8 ? [UInt8($0)] : [UInt8($0 >> 8), UInt8($0 & 0xff)]
            }
            XCTAssertEqual(mask.classes, wanted, "\(each)")
        }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { String(UInt16($0) | 0x100, radix: 16).dropFirst() }.joined()
    }

    private func bytes(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

/// tests/vectors/tensors.json.
private struct TensorVectors: Decodable {
    struct Input: Decodable {
        let dtype: String
        let mean: [Float]
        let std: [Float]
        let layout: String?
        let channels: String?
        let fourth: String?
        let steps: String?
        let scale_bits: UInt32
        let zero_point: Int
        let bytes: String
    }
    struct Output: Decodable {
        let kind: String
        let layout: String?
        let height: Int?
        let width: Int?
        let classes: Int?
        let ignore: Int?
        let shape: [Int]
        let dtype: String
        let bytes: String
        let depth: Int?
        let size: [Int]?
        let mask: [Int]?
        let error: String?
    }
    let height: Int
    let width: Int
    let pixels: [UInt8]
    let inputs: [Input]
    let outputs: [Output]

    static func read() throws -> TensorVectors {
        try JSONDecoder().decode(TensorVectors.self, from: sample("vectors/tensors.json"))
    }
}
