/// Decodes BMP files in integers, with the same result on every platform; docs/images.md lists the supported kinds.
///
/// Libraries differ: they round 5-bit colours up or down, choose different colours for pixels that run lengths leave
/// out, and take a short palette for gray. Since most BMPs are not compressed, our own code is small.
struct Bmp {
    static let signature = Array("BM".utf8)
    private static let (fileHeader, core, info, largest, os2) = (14, 12, 40, 124, 64)
    private static let (plain, rle8, rle4, fields, alphaFields) = (0, 1, 2, 3, 6)
    /// After a count of 0, the next byte is one of these; from 3 on it is the number of literal pixels.
    private static let (endOfRow, firstLiteral) = (0, 3)
    /// The masks of red, green and blue for files without masks.
    private static let masks = [
        16: [0x7c00, 0x3e0, 0x1f], 24: [0xff0000, 0xff00, 0xff], 32: [0xff0000, 0xff00, 0xff],
    ]

    private let data: [UInt8]
    private let headerBytes: Int
    let width: Int
    /// The number of rows, in either order.
    let height: Int
    private let topDown: Bool
    private let bits: Int
    private let compression: Int
    private let colours: Int
    private let pixelsAt: Int

    /// Opens a BMP and checks that its kind is supported.
    ///
    /// - Throws: `ImageProblem`.
    init(_ data: [UInt8]) throws {
        func number(_ offset: Int, _ count: Int) throws -> Int {
            guard let value = data.number(at: offset, count, littleEndian: true) else {
                throw ImageProblem.damaged("it ends within its header")
            }
            return value
        }
        func signed(_ offset: Int) throws -> Int { Int(Int32(truncatingIfNeeded: try number(offset, 4))) }
        self.data = data
        pixelsAt = try number(10, 4)
        headerBytes = try number(Self.fileHeader, 4)
        if headerBytes == Self.core {
            width = try number(18, 2)
            height = try number(20, 2)
            (topDown, compression) = (false, Self.plain)
            bits = try number(24, 2)
            colours = 1 << min(bits, 8)
        } else if (Self.info...Self.largest).contains(headerBytes) {
            _ = try number(50, 4)
            width = try signed(18)
            let rows = try signed(22)
            (topDown, height) = (rows < 0, abs(rows))
            bits = try number(28, 2)
            compression = try number(30, 4)
            let used = try number(46, 4)
            colours = used == 0 ? 1 << min(bits, 8) : min(used, 1 << min(bits, 8))
        } else {
            throw ImageProblem.unsupported("a BMP with a header of \(headerBytes) bytes")
        }
        guard isRead else { throw ImageProblem.unsupported("a BMP of \(bits) bits with compression \(compression)") }
    }

    private var isRead: Bool {
        switch compression {
        case Self.plain: return [1, 2, 4, 8, 16, 24, 32].contains(bits)
        case Self.rle8: return bits == 8
        case Self.rle4: return bits == 4
        case Self.fields: return (bits == 16 || bits == 32) && headerBytes != Self.os2
        case Self.alphaFields: return bits == 16 || bits == 32
        default: return false
        }
    }

    /// The pixels.
    ///
    /// - Throws: `ImageProblem`.
    func image() throws -> RGBImage {
        let values = try compression == Self.rle8 || compression == Self.rle4 ? runLengths() : words()
        let colour = try bits > 8 ? channels() : palette()
        var rgb: [UInt8] = []
        rgb.reserveCapacity(3 * values.count)
        for row in 0..<height {
            let from = (topDown ? row : height - 1 - row) * width
            for value in values[from..<(from + width)] { colour(value, &rgb) }
        }
        return RGBImage(width: width, height: height, pixels: rgb)
    }

    private typealias Colour = (_ value: Int, _ rgb: inout [UInt8]) -> Void

    private func palette() -> Colour {
        let (entry, end) = (headerBytes == Self.core ? 3 : 4, Self.fileHeader + headerBytes)
        var stop = min(end + entry * colours, data.count)
        if pixelsAt > end { stop = min(stop, pixelsAt) }
        let table: [[UInt8]] = (0..<256).map {
            let offset = end + entry * $0
            // An index beyond the palette is black.
            return offset + entry > stop ? [0, 0, 0] : data[offset..<(offset + 3)].reversed()
        }
        return { $1 += table[$0] }
    }

    /// The values of uncompressed pixels, in the file's order of rows.
    private func words() throws -> [Int] {
        let used = (width * bits + 7) / 8
        let stride = (used + 3) / 4 * 4
        if data.count < pixelsAt + stride * (height - 1) + used { throw ImageProblem.damaged("rows are missing") }
        var values: [Int] = []
        values.reserveCapacity(width * height)
        for row in 0..<height {
            let begin = pixelsAt + stride * row
            for column in 0..<width {
                if bits < 8 {
                    let byte = Int(data[begin + column * bits / 8])
                    values.append(byte >> (8 - bits - column * bits % 8) & ((1 << bits) - 1))
                } else {
                    let offset = begin + column * bits / 8
                    values.append((0..<(bits / 8)).reduce(0) { $0 | Int(data[offset + $1]) << (8 * $1) })
                }
            }
        }
        return values
    }

    /// The values of run-length encoded pixels; missing pixels are an error, because they have no defined colour.
    private func runLengths() throws -> [Int] {
        var values: [Int] = []
        values.reserveCapacity(width * height)
        var (row, offset) = (width, pixelsAt)
        func next() throws -> Int {
            guard offset < data.count else { throw ImageProblem.damaged("rows are missing") }
            offset += 1
            return Int(data[offset - 1])
        }
        func put(_ byte: Int, _ count: Int) throws {
            if values.count + count > row { throw ImageProblem.damaged("its run lengths go beyond a row") }
            for index in 0..<count {
                values.append(bits == 8 ? byte : index % 2 == 0 ? byte >> 4 : byte & 15)
            }
        }
        while values.count < width * height {
            let count = try next()
            let value = try next()
            if count > 0 {
                try put(value, count)
            } else if value >= Self.firstLiteral {
                let perByte = 8 / bits
                let length = (value + perByte - 1) / perByte
                for index in 0..<length { try put(next(), min(perByte, value - index * perByte)) }
                offset += length % 2
            } else if value == Self.endOfRow, values.count == row {
                row += width
            } else {
                throw ImageProblem.damaged("its run lengths leave pixels out")
            }
        }
        return values
    }

    /// Red, green and blue by the file's masks: scaled to 8 bits and rounded, or the highest 8 bits of longer ones.
    private func channels() throws -> Colour {
        var masks = Self.masks[bits] ?? []
        if compression != Self.plain {
            masks = try (0..<3).map {
                guard let mask = data.number(at: Self.fileHeader + Self.info + 4 * $0, 4, littleEndian: true) else {
                    throw ImageProblem.damaged("it ends within its header")
                }
                return mask
            }
        }
        let planes = try masks.map { mask -> (mask: Int, low: Int, highest: Int) in
            let low = mask.trailingZeroBitCount
            let highest = mask == 0 ? 0 : mask >> low
            if mask == 0 || highest & (highest + 1) != 0 || mask >> bits != 0 {
                throw ImageProblem.unsupported("a BMP with a colour mask of 0x\(String(mask, radix: 16))")
            }
            return (mask, low, highest)
        }
        return { word, rgb in
            for (mask, low, highest) in planes {
                let value = (word & mask) >> low
                let more = highest.nonzeroBitCount - 8
                rgb.append(UInt8(more > 0 ? value >> more : (value * 510 + highest) / (2 * highest)))
            }
        }
    }
}
