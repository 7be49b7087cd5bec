/// A mask as an 8-bit palette PNG (PNG specification, third edition): people see colours, programs see classes. One of
/// more classes is a 16-bit grayscale PNG.
///
/// This is our own code, because ImageIO writes no palettes and Linux has no ImageIO. It stores pixels without
/// compression: a mask only has the model's size, and 60 kB are not worth linking zlib.
public enum MaskPng {
    /// RGB of every class, 3 × 256 bytes: the PASCAL VOC colour map, a colour from the bits of the class index.
    public static let palette: [UInt8] = {
        var colours = [UInt8](repeating: 0, count: 3 * 256)
        for index in 0..<256 {
            for bit in 0..<8 {
                for channel in 0..<3 {
                    let value = UInt8(index >> (3 * bit + channel) & 1)
                    colours[3 * index + channel] |= value << UInt8(7 - bit)
                }
            }
        }
        return colours
    }()

    /// The PNG file of `mask`; the same bytes for the same mask.
    public static func encode(_ mask: Mask) -> [UInt8] {
        var rows: [UInt8] = []
        let bytes = mask.width * mask.depth / 8
        rows.reserveCapacity((bytes + 1) * mask.height)
        for row in 0..<mask.height {
            rows.append(0)  // no filter
            rows += mask.classes[(row * bytes)..<((row + 1) * bytes)]
        }
        var file: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
        let kind: [UInt8] = [UInt8(mask.depth), mask.depth == 8 ? 3 : 0, 0, 0, 0]
        append("IHDR", bigEndian(UInt32(mask.width)) + bigEndian(UInt32(mask.height)) + kind, to: &file)
        if mask.depth == 8 { append("PLTE", palette, to: &file) }
        append("IDAT", stored(rows), to: &file)
        append("IEND", [], to: &file)
        return file
    }

    /// Appends a chunk with its length and checksum.
    static func append(_ name: String, _ content: [UInt8], to file: inout [UInt8]) {
        let body = Array(name.utf8) + content
        file += bigEndian(UInt32(content.count)) + body + bigEndian(crc32(body))
    }

    /// A zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4).
    private static func stored(_ data: [UInt8]) -> [UInt8] {
        let longest = 0xffff
        var stream: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: data.count, by: longest) {
            let block = data[start..<min(start + longest, data.count)]
            let length = UInt16(block.count)
            stream.append(start + longest >= data.count ? 1 : 0)
            for word in [length, ~length] { stream += [UInt8(word & 0xff), UInt8(word >> 8)] }
            stream += block
        }
        return stream + bigEndian(adler32(data))
    }

    private static func adler32(_ data: [UInt8]) -> UInt32 {
        var (a, b) = (UInt32(1), UInt32(0))
        for byte in data {
            a = (a + UInt32(byte)) % 65521
            b = (b + a) % 65521
        }
        return b << 16 | a
    }

    static func crc32(_ data: some Sequence<UInt8>) -> UInt32 {
        ~data.reduce(~UInt32(0)) { crcs[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }

    private static let crcs: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? 0xedb8_8320 ^ crc >> 1 : crc >> 1 }
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
