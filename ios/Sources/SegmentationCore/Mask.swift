/// Class indices, row by row.
public struct Mask: Equatable, Sendable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// The class of each pixel: a byte, or at depth 16 two bytes, the higher one first.
    public let classes: [UInt8]
    /// Bits of a class: 8, or 16 if a model has more than 256 classes.
    public let depth: Int

    /// A mask. The caller makes sure that `classes` has the right size.
    public init(width: Int, height: Int, classes: [UInt8], depth: Int = 8) {
        precondition(
            (depth == 8 || depth == 16) && 8 * classes.count == width * height * depth,
            "\(classes.count) classes are not a mask of \(width)×\(height)"
        )
        self.width = width
        self.height = height
        self.classes = classes
        self.depth = depth
    }
}

extension Mask {
    /// The mask of an app that has the class of each pixel as `rows[y][x]`. The caller makes sure that all rows have
    /// one length, and classes 0 to 255.
    public init<Class: BinaryInteger>(rows: [[Class]]) {
        let width = rows.first?.count ?? 0
        precondition(width > 0 && rows.allSatisfy { $0.count == width }, "the rows of a mask have one length, above 0")
        self.init(width: width, height: rows.count, classes: rows.flatMap { $0.map { UInt8($0) } })
    }

    /// The mask of an app that has a byte for each pixel in memory, row by row.
    public init(width: Int, height: Int, bytes: UnsafeRawBufferPointer) {
        self.init(width: width, height: height, classes: [UInt8](bytes))
    }

    /// The mask of an app that has the scores `[height, width, classes]`; of equal scores the lowest class wins.
    ///
    /// - Throws: `SegmenterError` of stage `postprocess` for scores that are NaN, or not those of so many pixels.
    public init(width: Int, height: Int, scores: [Float]) throws {
        let pixels = width * height
        guard pixels > 0, !scores.isEmpty, scores.count % pixels == 0 else {
            throw SegmenterError(
                stage: "postprocess", message: "\(scores.count) scores are not those of \(width)×\(height) pixels"
            )
        }
        let output = try OutputMask(
            MaskOutput(index: 0, kind: .logits), shape: [1, height, width, scores.count / pixels], type: .float32
        )
        self = try scores.withUnsafeBytes(output.read)
    }
}

/// The bytes of a float32 tensor as `Segmentation` hands them on, for apps whose runtime takes floats.
public func tensorBytes(of values: [Float]) -> [UInt8] { values.withUnsafeBytes { [UInt8]($0) } }
