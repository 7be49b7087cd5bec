/// The types of an output tensor that can be a mask.
public enum OutputType: String, Sendable {
    case float32, float16, int8, uint8, int16, int32, int64
}

/// The category mask of an output tensor: the class with the highest score (of equal scores the lowest index, as in
/// TFLite's ARG_MAX), or the numbers of a class map themselves.
///
/// The values lie row by row, whatever the tensor's rank: the scores of a pixel side by side (`nhwc`), or those of a
/// class (`nchw`). A mask of more than 256 classes has 16 bits.
public struct OutputMask {
    private let isMap: Bool
    private let type: OutputType
    private let height: Int
    private let width: Int
    private let classes: Int
    private let isPlanar: Bool
    private let isWide: Bool

    /// For a tensor of `shape`.
    ///
    /// - Throws: `SegmenterError` of stage `init` for a tensor that is not a mask.
    public init(_ output: MaskOutput, shape: [Int], type: OutputType) throws {
        func refuse(_ what: String) -> SegmenterError {
            SegmenterError(stage: "init", message: "the output is \(type.rawValue) \(shape), and \(what)")
        }
        guard output.kind == .logits || output.kind == .classes else {
            throw refuse("is not a category mask, but \(output.kind.rawValue)")
        }
        guard shape.allSatisfy({ $0 >= 1 }) else { throw refuse("has no size") }
        let isMap = output.kind == .classes
        let values = shape.reduce(1, *)
        let sides: (height: Int, width: Int, classes: Int)
        if let height = output.height, let width = output.width {
            sides = (height, width, output.classes ?? values / (height * width))
        } else if let own = Self.sides(of: shape, isMap: isMap, layout: output.layout) {
            sides = own
        } else {
            throw refuse("has no rows and columns of kind \(output.kind.rawValue) that it names")
        }
        height = sides.height
        width = sides.width
        classes = isMap ? 1 : sides.classes
        let asked = isMap ? 1 : output.classes ?? classes
        guard values == height * width * classes, asked == classes else {
            let numbers = isMap ? "\(height)×\(width) class numbers" : "\(height)×\(width)×\(asked) scores"
            throw refuse("is not \(numbers)")
        }
        self.isMap = isMap
        self.type = type
        isPlanar = output.layout == .nchw
        isWide = max((isMap ? output.classes ?? 1 : classes) - 1, output.ignore ?? 0) > 255
    }

    /// Height, width and classes of a tensor whose own shape has them.
    private static func sides(of shape: [Int], isMap: Bool, layout: Layout) -> (Int, Int, Int)? {
        switch (shape.count, isMap) {
        case (2, true): return (shape[0], shape[1], 1)
        case (3, true) where shape[0] == 1: return (shape[1], shape[2], 1)
        case (4, true) where shape[0] == 1 && shape[3] == 1: return (shape[1], shape[2], 1)
        case (4, true) where shape[0] == 1 && shape[1] == 1: return (shape[2], shape[3], 1)
        case (4, false) where shape[0] == 1 && layout == .nhwc: return (shape[1], shape[2], shape[3])
        case (4, false) where shape[0] == 1: return (shape[2], shape[3], shape[1])
        default: return nil
        }
    }

    /// The mask of a tensor's bytes.
    ///
    /// - Throws: `SegmenterError` of stage `postprocess` for scores that are NaN, and for numbers that are no classes.
    public func read(_ bytes: UnsafeRawBufferPointer) throws -> Mask {
        // Values as floats: exact for every step of 16 bits, and for every class that a mask can hold.
        switch type {
        case .float32: return try read(bytes, as: Float.self) { $0 }
        case .float16: return try read(bytes, as: UInt16.self) { HalfFloat.value($0) }
        case .int8: return try read(bytes, as: Int8.self) { Float($0) }
        case .uint8: return try read(bytes, as: UInt8.self) { Float($0) }
        case .int16: return try read(bytes, as: Int16.self) { Float($0) }
        case .int32: return try read(bytes, as: Int32.self) { Float($0) }
        case .int64: return try read(bytes, as: Int64.self) { Float($0) }
        }
    }

    private func read<Value>(
        _ bytes: UnsafeRawBufferPointer, as: Value.Type, score: (Value) -> Float
    ) throws -> Mask {
        let values = bytes.bindMemory(to: Value.self)
        let pixels = height * width
        guard values.count == pixels * classes else {
            throw Self.failure("the output has \(values.count) values, not \(height)×\(width)×\(classes)")
        }
        let (first, next) = isPlanar ? (1, pixels) : (classes, 1)
        func winner(_ pixel: Int) throws -> Int {
            isMap
                ? try number(score(values[pixel]))
                : try best(from: pixel * first, step: next) { score(values[$0]) }
        }
        let size = isWide ? 2 : 1
        let mask = try [UInt8](unsafeUninitializedCapacity: size * pixels) { mask, filled in
            for pixel in 0..<pixels {
                let found = try winner(pixel)
                if isWide { mask[2 * pixel] = UInt8(found >> 8) }
                mask[size * (pixel + 1) - 1] = UInt8(found & 0xff)
            }
            filled = size * pixels
        }
        return Mask(width: width, height: height, classes: mask, depth: 8 * size)
    }

    private func best(from start: Int, step: Int, _ score: (Int) -> Float) throws -> Int {
        var winner = 0
        var highest = score(start)
        var isNumber = !highest.isNaN
        for index in 1..<max(classes, 1) {
            let score = score(start + index * step)
            if score > highest {
                highest = score
                winner = index
            }
            isNumber = isNumber && !score.isNaN
        }
        guard isNumber else { throw Self.failure("the output has NaN scores") }
        return winner
    }

    private func number(_ value: Float) throws -> Int {
        let most = isWide ? 1 << 16 : 256
        guard value >= 0 && value < Float(most) else {
            throw Self.failure("the class map has a value \(value); masks hold 0 to \(most - 1)")
        }
        guard value == value.rounded(.down) else {
            throw Self.failure("the class map has a value \(value); class numbers are whole")
        }
        return Int(value)
    }

    private static func failure(_ message: String) -> SegmenterError {
        SegmenterError(stage: "postprocess", message: message)
    }
}
