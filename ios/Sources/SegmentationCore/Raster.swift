/// The layout of the pixels that a decoder or a camera has written to memory.
public struct Raster: Equatable, Sendable {
    /// The format of a pixel.
    public enum Pixel: Equatable, Sendable {
        /// `count` bytes, with the offsets of red, green and blue, or of their high bytes; `premultiplied` is the
        /// offset of the alpha that the colours were multiplied by.
        case bytes(_ count: Int, red: Int, green: Int, blue: Int, premultiplied: Int? = nil)
        /// An index of 1, 2, 4 or 8 bits into RGB colours.
        case index(bits: Int, palette: [UInt8])

        /// A gray value of 1, 2, 4 or 8 bits.
        public static func gray(bits: Int) -> Pixel {
            let highest = (1 << bits) - 1
            return .index(
                bits: bits, palette: (0...highest).flatMap { [UInt8](repeating: UInt8($0 * 255 / highest), count: 3) })
        }
    }

    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// Bytes from the start of a row to the start of the next.
    public let bytesPerRow: Int
    /// The format of the pixels.
    public let pixel: Pixel

    /// A layout.
    public init(width: Int, height: Int, bytesPerRow: Int, pixel: Pixel) {
        self.width = width
        self.height = height
        self.bytesPerRow = bytesPerRow
        self.pixel = pixel
    }

    /// The pixels in `memory` as they are: drops alpha and ignores colour profiles.
    ///
    /// - Throws: `SegmenterError` of stage `decode` if there are fewer bytes than the layout needs.
    public func image(of memory: UnsafeRawBufferPointer) throws -> RGBImage {
        let inRow: Int
        switch pixel {
        case .bytes(let count, _, _, _, _): inRow = count * width
        case .index(let bits, _): inRow = (bits * width + 7) / 8
        }
        guard width > 0, height > 0, inRow <= bytesPerRow, memory.count >= bytesPerRow * (height - 1) + inRow else {
            throw SegmenterError(
                stage: "decode", message: "\(memory.count) bytes are no pixels of \(width)×\(height)"
            )
        }
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { rgb, filled in
            for y in 0..<height {
                let row = UnsafeRawBufferPointer(rebasing: memory[(y * bytesPerRow)..<(y * bytesPerRow + inRow)])
                unpack(row, into: UnsafeMutableBufferPointer(rebasing: rgb[(3 * y * width)..<(3 * (y + 1) * width)]))
            }
            filled = 3 * width * height
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    private func unpack(_ row: UnsafeRawBufferPointer, into rgb: UnsafeMutableBufferPointer<UInt8>) {
        switch pixel {
        case .bytes(let count, let red, let green, let blue, let premultiplied):
            for x in 0..<width {
                for (channel, offset) in [red, green, blue].enumerated() {
                    let value = row[count * x + offset]
                    let alpha = premultiplied.map { Int(row[count * x + $0]) } ?? 255
                    rgb[3 * x + channel] =
                        alpha == 255 || alpha == 0 ? value : UInt8(min(255, (Int(value) * 255 + alpha / 2) / alpha))
                }
            }
        case .index(let bits, let palette):
            for x in 0..<width {
                let byte = Int(row[bits * x / 8])
                let index = byte >> (8 - bits - bits * x % 8) & ((1 << bits) - 1)
                for channel in 0..<3 {
                    // An index beyond the palette is a damaged file, and black as in libpng.
                    rgb[3 * x + channel] = 3 * index + channel < palette.count ? palette[3 * index + channel] : 0
                }
            }
        }
    }
}
