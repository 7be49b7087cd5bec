/// An upright, opaque image: RGB bytes, row by row.
public struct RGBImage: Equatable, Sendable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// `3 * width * height` bytes.
    public let pixels: [UInt8]

    /// An image. The caller makes sure that `pixels` has the right size.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(
            width > 0 && height > 0 && pixels.count == 3 * width * height,
            "\(pixels.count) bytes are no RGB image of \(width)×\(height)"
        )
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// The image turned upright from an EXIF `orientation` 1 to 8 (EXIF 2.3, tag 0x0112); others do nothing.
    public func upright(from orientation: Int) -> RGBImage {
        guard (2...8).contains(orientation) else { return self }
        let sideways = [5, 6, 7, 8].contains(orientation)
        let upsideDown = [3, 4, 7, 8].contains(orientation)
        let mirrored = [2, 3, 6, 7].contains(orientation)
        let (outWidth, outHeight) = sideways ? (height, width) : (width, height)
        let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { turned, filled in
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<outHeight {
                    let fromY = upsideDown ? outHeight - 1 - y : y
                    for x in 0..<outWidth {
                        let fromX = mirrored ? outWidth - 1 - x : x
                        let from = 3 * (sideways ? fromX * width + fromY : fromY * width + fromX)
                        let offset = 3 * (y * outWidth + x)
                        turned[offset] = source[from]
                        turned[offset + 1] = source[from + 1]
                        turned[offset + 2] = source[from + 2]
                    }
                }
            }
            filled = pixels.count
        }
        return RGBImage(width: outWidth, height: outHeight, pixels: turned)
    }
}
