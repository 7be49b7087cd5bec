import Foundation

#if canImport(ImageIO)
    import CoreGraphics
    import ImageIO
#endif

/// Decodes image files to upright RGB by the rules of docs/images.md, so that every platform starts with the same
/// pixels. ImageIO decodes JPEG, PNG and WebP, but gets only the parts of the file that make pixels.
public enum ImageFile {
    private static let maxPixels = 1 << 26
    private static let maxSide = 0xffff

    /// The pixels of a JPEG, PNG, BMP or WebP file of bytes `data`; `name` is for messages. `orientation` is an EXIF
    /// orientation that replaces the file's own.
    ///
    /// - Throws: `SegmenterError` of stage `decode`; without ImageIO, for all files but BMP.
    public static func decode(name: String, data: [UInt8], orientation: Int? = nil) throws -> RGBImage {
        if data.isEmpty { throw fail("\(name) is empty (0 bytes)") }
        do {
            if data.starts(with: Bmp.signature) {
                let bmp = try Bmp(data)
                try checkSize(bmp.width, bmp.height)
                return try bmp.image().upright(from: orientation ?? 1)
            }
            let stripped = try strip(data)
            try checkSize(stripped.width, stripped.height)
            let own = orientation ?? stripped.orientation
            return try decode(stripped, name: name, isJpeg: data.starts(with: Jpeg.signature)).upright(from: own)
        } catch ImageProblem.damaged(let what) {
            throw fail("\(name) is damaged: \(what)")
        } catch ImageProblem.unsupported(let what) {
            throw fail("\(name) is \(what)")
        }
    }

    /// The EXIF orientation, 1 to 8, of a JPEG, PNG or WebP file with the bytes `data`; 1 if it has none.
    public static func orientation(of data: [UInt8]) -> Int { (try? strip(data).orientation) ?? 1 }

    /// The pixels of a binary PPM (P6) file, the format in which a host passes decoded images.
    ///
    /// - Throws: `SegmenterError` of stage `decode`.
    public static func ppm(name: String, data: [UInt8]) throws -> RGBImage {
        var offset = 0
        func word() -> String {
            let blanks = Set(" \t\r\n".utf8)
            while offset < data.count, blanks.contains(data[offset]) { offset += 1 }
            let start = offset
            while offset < data.count, !blanks.contains(data[offset]) { offset += 1 }
            return String(decoding: data[start..<offset], as: UTF8.self)
        }
        guard word() == "P6", let width = Int(word()), let height = Int(word()), word() == "255", width > 0, height > 0,
            width <= maxPixels, height <= maxPixels, data.count == offset + 1 + 3 * width * height
        else { throw fail("\(name) is not a PPM file") }
        return RGBImage(width: width, height: height, pixels: Array(data[(offset + 1)...]))
    }

    static func strip(_ data: [UInt8]) throws -> Stripped {
        if data.starts(with: Jpeg.signature) { return try Jpeg.strip(data) }
        if data.starts(with: Png.signature) { return try Png.strip(data) }
        if WebP.isWebP(data) { return try WebP.strip(data) }
        throw ImageProblem.unsupported("not a JPEG, PNG, BMP or WebP image")
    }

    private static func checkSize(_ width: Int, _ height: Int) throws {
        if width < 1 || height < 1 { throw ImageProblem.damaged("it claims \(width)×\(height) pixels") }
        if max(width, height) > maxSide || width * height > maxPixels {
            throw ImageProblem.unsupported(
                "an image of \(width)×\(height) pixels; the limit is 67,108,864, and 65,535 a side"
            )
        }
    }

    private static func fail(_ message: String) -> SegmenterError { SegmenterError(stage: "decode", message: message) }
}

#if canImport(ImageIO)
    extension ImageFile {
        /// The pixels of a CGImage as stored in its file: drawing it would blend alpha and convert colours.
        ///
        /// - Throws: `SegmenterError` of stage `decode` for colours that are neither gray, nor RGB, nor a palette's.
        public static func pixels(of image: CGImage, name: String) throws -> RGBImage {
            guard let data = image.dataProvider?.data as Data? else { throw fail("\(name) cannot be decoded") }
            let raster = Raster(
                width: image.width, height: image.height, bytesPerRow: image.bytesPerRow,
                pixel: try pixel(of: image, name: name)
            )
            return try data.withUnsafeBytes { try raster.image(of: $0) }
        }

        private static func decode(_ stripped: Stripped, name: String, isJpeg: Bool) throws -> RGBImage {
            let image = try byImageIO(stripped.data, name: name)
            if isJpeg, looksUnfinished(image),
                let more = try? byImageIO(Jpeg.withNoise(stripped.data), name: name), more != image
            {
                throw ImageProblem.damaged("rows are missing")
            }
            return image
        }

        /// Whether the last pixel has the colour of missing data in a JPEG; rounding may change it a little.
        private static func looksUnfinished(_ image: RGBImage) -> Bool {
            let last = image.pixels.suffix(3).map(Double.init)
            return abs(zip(last, [0.299, 0.587, 0.114]).reduce(0) { $0 + $1.0 * $1.1 } - 128) <= 2
        }

        private static func byImageIO(_ data: [UInt8], name: String) throws -> RGBImage {
            let asItIs = [kCGImageSourceShouldAllowFloat: false, kCGImageSourceShouldCache: false] as CFDictionary
            guard let source = CGImageSourceCreateWithData(Data(data) as CFData, nil),
                let image = CGImageSourceCreateImageAtIndex(source, 0, asItIs)
            else { throw ImageProblem.damaged("ImageIO cannot decode it") }
            // ImageIO fills in missing pixels with gray, and only reports that here, after it has made the image.
            guard CGImageSourceGetStatusAtIndex(source, 0) == .statusComplete else {
                throw ImageProblem.damaged("rows are missing")
            }
            return try pixels(of: image, name: name)
        }

        private static func pixel(of image: CGImage, name: String) throws -> Raster.Pixel {
            let bits = image.bitsPerComponent
            guard let space = image.colorSpace, !image.bitmapInfo.contains(.floatComponents), bits <= 16 else {
                throw fail("\(name) has pixels that are no 8 or 16 bits")
            }
            if space.model == .indexed, let table = space.colorTable, space.baseColorSpace?.model == .rgb {
                return .index(bits: image.bitsPerPixel, palette: table)
            }
            guard space.model == .rgb || space.model == .monochrome else {
                let what =
                    space.model == .cmyk ? "a CMYK image, which every decoder turns into other colours" : "no RGB image"
                throw fail("\(name) is \(what)")
            }
            if bits < 8 {
                guard space.model == .monochrome, bits == image.bitsPerPixel else {
                    throw fail("\(name) has pixels that are no 8 or 16 bits")
                }
                return .gray(bits: bits)
            }
            let size = bits / 8
            let count = image.bitsPerPixel / 8
            let alpha = image.alphaInfo
            let alphaFirst = [.first, .premultipliedFirst, .noneSkipFirst].contains(alpha)
            // Not bitmapInfo.contains(): byte orders are numbers in it, not flags.
            let reversed = image.byteOrderInfo == .order32Little
            // Big-endian samples have their high byte first; little-endian reverses all bytes of 32-bit pixels.
            let high = image.byteOrderInfo == .order16Little ? size - 1 : 0
            func offset(_ sample: Int) -> Int { reversed ? count - 1 - sample * size : sample * size + high }
            let first = alphaFirst ? 1 : 0
            let colours = space.model == .monochrome ? [first, first, first] : [first, first + 1, first + 2]
            var premultiplied: Int?
            if alpha == .premultipliedFirst { premultiplied = offset(0) }
            if alpha == .premultipliedLast { premultiplied = offset(colours[2] + 1) }
            return .bytes(
                count, red: offset(colours[0]), green: offset(colours[1]), blue: offset(colours[2]),
                premultiplied: premultiplied
            )
        }
    }
#else
    extension ImageFile {
        private static func decode(_ stripped: Stripped, name: String, isJpeg: Bool) throws -> RGBImage {
            throw fail("\(name) cannot be decoded: this platform has no ImageIO")
        }
    }
#endif
