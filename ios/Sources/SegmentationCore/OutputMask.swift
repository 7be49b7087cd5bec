/// The types of an output tensor that can be a mask.
public enum OutputType: String, Sendable {
    case float32, int8, uint8, int32, int64
}

/// The category mask of an output tensor: the class with the highest score of `[1, height, width, classes]` (of equal
/// scores the lowest index, as in TFLite's ARG_MAX), or the classes of `[1, height, width]` themselves.
public struct OutputMask {
    private let kind: OutputKind
    private let type: OutputType
    private let height: Int
    private let width: Int
    private let classes: Int

    /// For a tensor of `shape`.
    ///
    /// - Throws: `SegmenterError` of stage `init` for a tensor that is not a mask.
    public init(kind: OutputKind, shape: [Int], type: OutputType) throws {
        let rank = kind == .logits ? 4 : 3
        // A class map may keep a last axis of one.
        let fits = shape.count == rank || (kind == .classes && shape.count == 4 && shape[3] == 1)
        guard fits, shape[0] == 1, shape.allSatisfy({ $0 >= 1 }) else {
            throw SegmenterError(stage: "init", message: "output \(shape) is not a mask of kind \(kind.rawValue)")
        }
        self.kind = kind
        self.type = type
        height = shape[1]
        width = shape[2]
        classes = kind == .logits ? shape[3] : 1
        guard classes <= 256 else {
            throw SegmenterError(stage: "init", message: "the output has \(classes) classes; masks hold 256")
        }
    }

    /// The mask of a tensor's bytes.
    ///
    /// - Throws: `SegmenterError` of stage `postprocess` for scores that are NaN and classes beyond 255.
    public func read(_ bytes: UnsafeRawBufferPointer) throws -> Mask {
        // Scores as floats: exact for every 8-bit step, and for every class index that a mask can hold.
        switch type {
        case .float32: return try read(bytes, as: Float.self) { $0 }
        case .int8: return try read(bytes, as: Int8.self) { Float($0) }
        case .uint8: return try read(bytes, as: UInt8.self) { Float($0) }
        case .int32: return try read(bytes, as: Int32.self) { Float($0) }
        case .int64: return try read(bytes, as: Int64.self) { Float($0) }
        }
    }

    private func read<Value>(
        _ bytes: UnsafeRawBufferPointer, as: Value.Type, score: (Value) -> Float
    ) throws -> Mask {
        let values = bytes.bindMemory(to: Value.self)
        guard values.count == height * width * classes else {
            throw SegmenterError(
                stage: "postprocess",
                message: "the output has \(values.count) values, not \(height)×\(width)×\(classes)"
            )
        }
        let mask = try [UInt8](unsafeUninitializedCapacity: height * width) { mask, filled in
            for pixel in 0..<(height * width) {
                mask[pixel] =
                    kind == .classes
                    ? try index(score(values[pixel]))
                    : try best((pixel * classes)..<((pixel + 1) * classes)) { score(values[$0]) }
            }
            filled = height * width
        }
        return Mask(width: width, height: height, classes: mask)
    }

    private func best(_ indices: Range<Int>, _ score: (Int) -> Float) throws -> UInt8 {
        var winner = indices.lowerBound
        var highest = score(winner)
        var isNumber = !highest.isNaN
        for index in indices.dropFirst() {
            let score = score(index)
            if score > highest {
                highest = score
                winner = index
            }
            isNumber = isNumber && !score.isNaN
        }
        guard isNumber else { throw SegmenterError(stage: "postprocess", message: "the output has NaN scores") }
        return UInt8(winner - indices.lowerBound)
    }

    private func index(_ value: Float) throws -> UInt8 {
        guard value >= 0 && value < 256 else {
            throw SegmenterError(
                stage: "postprocess", message: "the class map has a value \(value); masks hold 0 to 255"
            )
        }
        return UInt8(value)
    }
}
