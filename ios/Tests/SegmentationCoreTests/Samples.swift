import Foundation
import XCTest

/// A file that the tests of all platforms read, by its path in the repository's tests folder.
func sample(_ path: String) throws -> Data {
    let beside = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../tests").standardized
    let tests = ProcessInfo.processInfo.environment["GOLDMASK_TESTS"].map { URL(fileURLWithPath: $0) } ?? beside
    return try Data(contentsOf: tests.appendingPathComponent(path))
}

/// tests/vectors/preprocess.json.
struct Vectors: Decodable {
    struct Resized: Decodable {
        let width: Int
        let height: Int
        let target_width: Int
        let target_height: Int
        let source: [UInt8]
        let resized: [UInt8]
    }
    struct Tensors: Decodable {
        let cases: [Tensor]
    }
    struct Tensor: Decodable {
        let dtype: String
        let mean: [Float]
        let std: [Float]
        let scale_bits: UInt32
        let zero_point: Int
        let values: [Int64]
    }
    struct Turns: Decodable {
        let width: Int
        let height: Int
        let source: [UInt8]
        let cases: [Turn]
    }
    struct Turn: Decodable {
        let orientation: Int
        let upright: [UInt8]
    }
    let resize: [Resized]
    let tensor: Tensors
    let orient: Turns

    static func read() throws -> Vectors {
        try JSONDecoder().decode(Vectors.self, from: sample("vectors/preprocess.json"))
    }
}
