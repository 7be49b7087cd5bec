import Foundation
import LibInterpreter
import SegmentationCore

/// What the app already has: a model behind its own interface, which scales images by picking pixels.
public final class PersonFinder {
    private let side: Int
    private let engine: InterpreterSegmenter

    /// Loads the model.
    public init(model: Model, threads: Int) throws {
        side = model.input.width
        engine = try InterpreterSegmenter(model: model, options: SegmenterOptions(threads: threads))
    }

    /// The class of each pixel of a square, row by row.
    public func find(pixels: [UInt8], width: Int, height: Int) throws -> [[UInt8]] {
        let nearest = (0..<(side * side)).flatMap { index -> ArraySlice<UInt8> in
            let (y, x) = (index / side * height / side, index % side * width / side)
            return pixels[(3 * (y * width + x))..<(3 * (y * width + x) + 3)]
        }
        let mask = try engine.segment(RGBImage(width: side, height: side, pixels: nearest)).mask
        return (0..<side).map { Array(mask.classes[($0 * side)..<(($0 + 1) * side)]) }
    }
}
