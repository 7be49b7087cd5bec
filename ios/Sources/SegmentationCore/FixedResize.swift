/// The bilinear resize of docs/images.md, in integers only, so that Python, Kotlin and Swift agree in every bit.
/// Their tests read the same tests/vectors/preprocess.json.
public struct FixedResize {
    private static let weightBits = 11
    private static let one = 1 << weightBits

    private let sourceWidth: Int
    private let sourceHeight: Int
    private let width: Int
    private let height: Int
    private let columns: Neighbours
    private let rows: Neighbours

    /// A resize from one size to another.
    public init(sourceWidth: Int, sourceHeight: Int, width: Int, height: Int) {
        self.sourceWidth = sourceWidth
        self.sourceHeight = sourceHeight
        self.width = width
        self.height = height
        columns = Neighbours(source: sourceWidth, target: width)
        rows = Neighbours(source: sourceHeight, target: height)
    }

    /// Whether this object resizes images of that size.
    public func fits(_ image: RGBImage) -> Bool { image.width == sourceWidth && image.height == sourceHeight }

    /// The resized `image`, which must fit, as `3 * width * height` RGB bytes.
    public func resize(_ image: RGBImage) -> [UInt8] {
        precondition(fits(image), "this resizes images of \(sourceWidth)×\(sourceHeight)")
        if sourceWidth == width && sourceHeight == height { return image.pixels }
        let half = Int32(1) << (2 * Int32(Self.weightBits) - 1)
        let one = Int32(Self.one)
        return [UInt8](unsafeUninitializedCapacity: 3 * width * height) { rgb, filled in
            image.pixels.withUnsafeBufferPointer { pixels in
                var next = 0
                for y in 0..<height {
                    let top = 3 * rows.first[y] * sourceWidth
                    let bottom = 3 * rows.second[y] * sourceWidth
                    let down = rows.weight[y]
                    for x in 0..<width {
                        let left = 3 * columns.first[x]
                        let right = 3 * columns.second[x]
                        let along = columns.weight[x]
                        for channel in 0..<3 {
                            let above =
                                Int32(pixels[top + left + channel]) * (one - along)
                                + Int32(pixels[top + right + channel]) * along
                            let below =
                                Int32(pixels[bottom + left + channel]) * (one - along)
                                + Int32(pixels[bottom + right + channel]) * along
                            let blend = above * (one - down) + below * down + half
                            rgb[next] = UInt8(truncatingIfNeeded: blend >> Int32(2 * Self.weightBits))
                            next += 1
                        }
                    }
                }
            }
            filled = 3 * width * height
        }
    }

    /// For each of `target` outputs the two source indices, and the second one's weight in 1/2048.
    private struct Neighbours {
        var first: [Int] = []
        var second: [Int] = []
        var weight: [Int32] = []

        init(source: Int, target: Int) {
            for index in 0..<target {
                let centre = (2 * index + 1) * source * FixedResize.one / (2 * target) - FixedResize.one / 2
                let clamped = min(max(centre, 0), (source - 1) * FixedResize.one)
                first.append(clamped >> FixedResize.weightBits)
                second.append(min((clamped >> FixedResize.weightBits) + 1, source - 1))
                weight.append(Int32(clamped & (FixedResize.one - 1)))
            }
        }
    }
}
