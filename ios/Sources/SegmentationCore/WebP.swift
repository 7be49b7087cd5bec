/// Extracts a WebP's first frame and its orientation.
///
/// RFC 9649 defines the container.
enum WebP {
    private static let (fileHeader, frameHeader, chunkHeader) = (12, 16, 8)
    private static let (lossy, lossless) = ("VP8 ", "VP8L")

    private struct Chunk {
        let kind: String
        let body: ArraySlice<UInt8>

        var isPicture: Bool { kind == lossy || kind == lossless }

        func number(_ offset: Int, _ count: Int) -> Int? { body.number(at: offset, count, littleEndian: true) }

        /// Width and height in an extended file's header.
        var canvas: [Int]? {
            guard let width = number(4, 3), let height = number(7, 3) else { return nil }
            return [1 + width, 1 + height]
        }

        /// Width and height of a picture; nil if it does not start like one.
        var size: [Int]? {
            if kind == lossy, number(3, 3) == 0x2a019d, let width = number(6, 2), let height = number(8, 2) {
                return [width & 0x3fff, height & 0x3fff]
            }
            if kind == lossless, number(0, 1) == 0x2f, let bits = number(1, 4) {
                return [1 + bits & 0x3fff, 1 + bits >> 14 & 0x3fff]
            }
            return nil
        }
    }

    /// Whether `data` starts like a WebP.
    static func isWebP(_ data: [UInt8]) -> Bool {
        data.holds(Array("RIFF".utf8), at: 0) && data.holds(Array("WEBP".utf8), at: chunkHeader)
    }

    /// A WebP with only the first frame, without metadata, and without alpha if it is lossy.
    ///
    /// - Throws: `ImageProblem`.
    static func strip(_ data: [UInt8]) throws -> Stripped {
        var exif: ArraySlice<UInt8>?
        var canvas: [Int]?
        var picture: Chunk?
        let end = chunkHeader + (data.number(at: 4, 4, littleEndian: true) ?? 0)
        if end > data.count { throw ImageProblem.damaged("it ends before its last chunk") }
        for chunk in try chunks(data[..<end].dropFirst(fileHeader)) {
            if chunk.kind == "EXIF" { exif = exif ?? chunk.body }
            if chunk.kind == "VP8X" { canvas = chunk.canvas ?? canvas }
            if picture != nil { continue }
            if chunk.kind == "ANMF" {
                picture = try chunks(chunk.body.dropFirst(frameHeader)).first { $0.isPicture }
            } else if chunk.isPicture {
                picture = chunk
            }
        }
        guard let picture, let size = picture.size else { throw ImageProblem.damaged("it has no picture") }
        if let canvas, canvas != size {
            throw ImageProblem.unsupported("a WebP whose first frame is a part of its picture")
        }
        let padding = [UInt8](repeating: 0, count: picture.body.count % 2)
        let content = Array(("WEBP" + picture.kind).utf8) + little(picture.body.count) + picture.body + padding
        return Stripped(
            data: Array("RIFF".utf8) + little(content.count) + content, width: size[0], height: size[1],
            orientation: Metadata.exifOrientation(exif)
        )
    }

    private static func chunks(_ data: ArraySlice<UInt8>) throws -> [Chunk] {
        var found: [Chunk] = []
        var offset = data.startIndex
        while offset + chunkHeader <= data.endIndex {
            let length = data[offset...].number(at: 4, 4, littleEndian: true) ?? 0
            let begin = offset + chunkHeader
            if begin + length > data.endIndex { throw ImageProblem.damaged("it ends within a chunk") }
            let kind = String(decoding: data[offset..<(offset + 4)], as: UTF8.self)
            found.append(Chunk(kind: kind, body: data[begin..<(begin + length)]))
            offset = begin + length + length % 2
        }
        return found
    }

    private static func little(_ value: Int) -> [UInt8] {
        [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
