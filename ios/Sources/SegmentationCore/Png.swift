/// Removes a PNG's metadata and transparency, and checks its checksums.
///
/// The PNG specification, third edition, defines the format. Only a decoder can find missing rows.
enum Png {
    static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    private static let paletteColour = 3
    private static let depths = [
        0: [1, 2, 4, 8, 16], 2: [8, 16], paletteColour: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16],
    ]

    /// The PNG without metadata and transparency. Its palette becomes as long as its depth allows, filled with black.
    ///
    /// - Throws: `ImageProblem`.
    static func strip(_ data: [UInt8]) throws -> Stripped {
        var header: ArraySlice<UInt8>?
        var exif: ArraySlice<UInt8>?
        var palette: [UInt8]?
        var pixels: [UInt8] = []
        var offset = signature.count
        var kind = ""
        repeat {
            guard let length = data.number(at: offset, 4), offset + 12 <= data.count else {
                throw ImageProblem.damaged("it ends before its last chunk")
            }
            let end = offset + 8 + length
            guard let checksum = data.number(at: end, 4) else { throw ImageProblem.damaged("it ends within a chunk") }
            kind = String(decoding: data[(offset + 4)..<(offset + 8)], as: UTF8.self)
            if Int(MaskPng.crc32(data[(offset + 4)..<end])) != checksum {
                throw ImageProblem.damaged("the checksum of its chunk \(kind) is wrong")
            }
            let body = data[(offset + 8)..<end]
            if header == nil {
                header = try checked(kind, body)
            } else if kind == "IHDR" {
                throw ImageProblem.damaged("it has two headers")
            }
            if kind == "eXIf" { exif = exif ?? body }
            if kind == "PLTE", pixels.isEmpty, let depth = header?.number(at: 8, 1, littleEndian: false) {
                let length = 3 << min(depth, 8)
                palette = palette ?? Array((body + [UInt8](repeating: 0, count: length)).prefix(length))
            }
            if kind == "IDAT" { MaskPng.append(kind, Array(body), to: &pixels) }
            offset = end + 4
        } while kind != "IEND"
        guard let header, let width = header.number(at: 0, 4, littleEndian: false),
            let height = header.number(at: 4, 4, littleEndian: false)
        else { throw ImageProblem.damaged("it has no header") }
        var file = signature
        MaskPng.append("IHDR", Array(header), to: &file)
        if Int(header[header.startIndex + 9]) == paletteColour {
            guard let palette else { throw ImageProblem.damaged("it has no palette") }
            MaskPng.append("PLTE", palette, to: &file)
        }
        file += pixels
        MaskPng.append("IEND", [], to: &file)
        return Stripped(data: file, width: width, height: height, orientation: Metadata.exifOrientation(exif))
    }

    private static func checked(_ kind: String, _ body: ArraySlice<UInt8>) throws -> ArraySlice<UInt8> {
        guard kind == "IHDR", body.count == 13 else { throw ImageProblem.damaged("it has no header") }
        let bytes = body.map(Int.init)
        guard depths[bytes[9]]?.contains(bytes[8]) == true, bytes[10] == 0, bytes[11] == 0, bytes[12] <= 1 else {
            throw ImageProblem.damaged("its header says what no PNG can be")
        }
        return body
    }
}
