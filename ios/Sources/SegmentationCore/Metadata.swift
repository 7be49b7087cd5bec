/// Why a file is no image to decode, in the words of docs/images.md.
enum ImageProblem: Error, Equatable {
    /// It is not whole; what is wrong, as a clause.
    case damaged(String)
    /// It is of a kind that is refused; which, as a noun with its article.
    case unsupported(String)
}

/// An image file of which only what makes its pixels is left, as `data`: what decoders are not given, they cannot
/// disagree about. `width` and `height` are the file's own, before it is turned; `orientation` is EXIF's, 1 to 8.
struct Stripped: Equatable {
    let data: [UInt8]
    let width: Int
    let height: Int
    let orientation: Int
}

/// What an image file says besides its pixels.
enum Metadata {
    static let exifPrefix: [UInt8] = Array("Exif\0\0".utf8)
    private static let orientation = 0x0112
    private static let (short, long) = (3, 4)

    /// The orientation, 1 to 8, that an EXIF block says in its first directory (EXIF 2.3, tag 0x0112).
    ///
    /// Some writers repeat JPEG's prefix inside PNG and WebP. A block that is not there, is broken or says nothing of
    /// the kind is 1, upright.
    static func exifOrientation(_ block: ArraySlice<UInt8>?) -> Int {
        guard var tiff = block else { return 1 }
        if tiff.starts(with: exifPrefix) { tiff = tiff.dropFirst(exifPrefix.count) }
        let littleEndian = tiff.starts(with: "II*\0".utf8)
        guard littleEndian || tiff.starts(with: "MM\0*".utf8) else { return 1 }
        func number(_ place: Int, _ count: Int) -> Int? { tiff.number(at: place, count, littleEndian: littleEndian) }
        guard let directory = number(4, 4), let entries = number(directory, 2) else { return 1 }
        for entry in 0..<entries {
            let place = directory + 2 + 12 * entry
            guard let tag = number(place, 2), let kind = number(place + 2, 2), let count = number(place + 4, 4) else {
                return 1
            }
            if tag == orientation, kind == short || kind == long, count == 1 {
                let value = number(place + 8, kind == short ? 2 : 4) ?? 1
                return (1...8).contains(value) ? value : 1
            }
        }
        return 1
    }
}

extension ArraySlice where Element == UInt8 {
    /// The unsigned number of `count` bytes at `place` from the slice's begin; nil where it has fewer bytes.
    func number(at place: Int, _ count: Int, littleEndian: Bool) -> Int? {
        guard place >= 0, place + count <= self.count else { return nil }
        let bytes = self[(startIndex + place)..<(startIndex + place + count)]
        return (littleEndian ? Array(bytes.reversed()) : Array(bytes)).reduce(0) { $0 << 8 | Int($1) }
    }
}

extension Array where Element == UInt8 {
    /// The unsigned number of `count` bytes at `place`; nil where there are fewer.
    func number(at place: Int, _ count: Int, littleEndian: Bool = false) -> Int? {
        self[...].number(at: place, count, littleEndian: littleEndian)
    }

    /// Whether `word` stands at `place`.
    func holds(_ word: [UInt8], at place: Int) -> Bool {
        place >= 0 && place + word.count <= count && self[place..<(place + word.count)].elementsEqual(word)
    }
}
