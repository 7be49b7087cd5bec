/// Why a file cannot be decoded, by the rules of docs/images.md.
enum ImageProblem: Error, Equatable {
    /// It is incomplete or broken; a clause says how.
    case damaged(String)
    /// Its kind is refused; a noun with its article names it.
    case unsupported(String)
}

/// Only the parts of an image file that make its pixels, as `data`, so that decoders cannot disagree about the rest.
/// `width` and `height` are the file's own, before turning it upright; `orientation` is EXIF's, 1 to 8.
struct Stripped: Equatable {
    let data: [UInt8]
    let width: Int
    let height: Int
    let orientation: Int
}

/// Reads an image file's orientation.
enum Metadata {
    static let exifPrefix: [UInt8] = Array("Exif\0\0".utf8)
    private static let orientation = 0x0112
    private static let (short, long) = (3, 4)

    /// The orientation, 1 to 8, in an EXIF block's first directory (EXIF 2.3, tag 0x0112).
    ///
    /// Some programs repeat JPEG's prefix inside PNG and WebP. If the block is missing or broken or has no orientation,
    /// the result is 1, upright.
    static func exifOrientation(_ block: ArraySlice<UInt8>?) -> Int {
        guard var tiff = block else { return 1 }
        if tiff.starts(with: exifPrefix) { tiff = tiff.dropFirst(exifPrefix.count) }
        let littleEndian = tiff.starts(with: "II*\0".utf8)
        guard littleEndian || tiff.starts(with: "MM\0*".utf8) else { return 1 }
        func number(_ offset: Int, _ count: Int) -> Int? { tiff.number(at: offset, count, littleEndian: littleEndian) }
        guard let directory = number(4, 4), let entries = number(directory, 2) else { return 1 }
        for entry in 0..<entries {
            let at = directory + 2 + 12 * entry
            guard let tag = number(at, 2), let kind = number(at + 2, 2), let count = number(at + 4, 4) else {
                return 1
            }
            if tag == orientation, kind == short || kind == long, count == 1 {
                let value = number(at + 8, kind == short ? 2 : 4) ?? 1
                return (1...8).contains(value) ? value : 1
            }
        }
        return 1
    }
}

extension ArraySlice where Element == UInt8 {
    /// The unsigned number of `count` bytes at `offset` after the slice's start; nil if it has fewer bytes.
    func number(at offset: Int, _ count: Int, littleEndian: Bool) -> Int? {
        guard offset >= 0, offset + count <= self.count else { return nil }
        let bytes = self[(startIndex + offset)..<(startIndex + offset + count)]
        return (littleEndian ? Array(bytes.reversed()) : Array(bytes)).reduce(0) { $0 << 8 | Int($1) }
    }
}

extension Array where Element == UInt8 {
    /// The unsigned number of `count` bytes at `offset`; nil if there are fewer.
    func number(at offset: Int, _ count: Int, littleEndian: Bool = false) -> Int? {
        self[...].number(at: offset, count, littleEndian: littleEndian)
    }

    /// Whether `word` is at `offset`.
    func holds(_ word: [UInt8], at offset: Int) -> Bool {
        offset >= 0 && offset + word.count <= count && self[offset..<(offset + word.count)].elementsEqual(word)
    }
}
