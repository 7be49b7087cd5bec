import Foundation

#if canImport(ImageIO)
    import CoreGraphics
    import ImageIO
#endif

/// Image files to upright RGB by the rules of docs/images.md, so that every platform begins with the same pixels: alpha
/// is dropped and not blended, colour profiles are ignored, CMYK and huge images are refused.
public enum ImageFile {
    private static let maxPixels = 1 << 26

    /// The pixels of a JPEG, PNG, BMP or WebP file of bytes `data`; `name` is for messages. `orientation` is an EXIF
    /// orientation that replaces the file's own.
    ///
    /// - Throws: `SegmenterError` of stage `decode`; for all but PPM files where the platform has no ImageIO.
    public static func decode(name: String, data: [UInt8], orientation: Int? = nil) throws -> RGBImage {
        #if canImport(ImageIO)
            return try decodeByImageIO(name: name, data: data, orientation: orientation)
        #else
            guard data.starts(with: "P6".utf8) else {
                throw fail("\(name) cannot be decoded: this platform has no ImageIO, and reads PPM only")
            }
            return try ppm(name: name, data: data).upright(from: orientation ?? 1)
        #endif
    }

    /// The pixels of a binary PPM (P6) file, which is how a host hands on what it has decoded.
    ///
    /// - Throws: `SegmenterError` of stage `decode`.
    public static func ppm(name: String, data: [UInt8]) throws -> RGBImage {
        var place = 0
        func word() -> String {
            let blanks = Set(" \t\r\n".utf8)
            while place < data.count, blanks.contains(data[place]) { place += 1 }
            let start = place
            while place < data.count, !blanks.contains(data[place]) { place += 1 }
            return String(decoding: data[start..<place], as: UTF8.self)
        }
        guard word() == "P6", let width = Int(word()), let height = Int(word()), word() == "255", width > 0, height > 0,
            width <= maxPixels, height <= maxPixels, data.count == place + 1 + 3 * width * height
        else { throw fail("\(name) is no PPM file") }
        return RGBImage(width: width, height: height, pixels: Array(data[(place + 1)...]))
    }

    private static func fail(_ message: String) -> SegmenterError { SegmenterError(stage: "decode", message: message) }
}

#if canImport(ImageIO)
    extension ImageFile {
        private static let formats = ["public.jpeg", "public.png", "com.microsoft.bmp", "org.webmproject.webp"]

        /// The pixels of a CGImage as they are in its file: drawing it would blend alpha and convert colours.
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

        private static func decodeByImageIO(name: String, data: [UInt8], orientation: Int?) throws -> RGBImage {
            if data.isEmpty { throw fail("\(name) is empty (0 bytes)") }
            guard let source = CGImageSourceCreateWithData(Data(data) as CFData, nil),
                let type = CGImageSourceGetType(source) as String?, formats.contains(type)
            else { throw fail("\(name) is not a JPEG, PNG, BMP or WebP image") }
            guard let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any],
                let width = properties[kCGImagePropertyPixelWidth] as? Int,
                let height = properties[kCGImagePropertyPixelHeight] as? Int
            else { throw fail("\(name) cannot be decoded") }
            if width.multipliedReportingOverflow(by: height).overflow || width * height > maxPixels {
                throw fail("\(name) claims \(width)×\(height) pixels; the limit is \(maxPixels)")
            }
            let asItIs = [kCGImageSourceShouldAllowFloat: false, kCGImageSourceShouldCache: false] as CFDictionary
            guard let image = CGImageSourceCreateImageAtIndex(source, 0, asItIs) else {
                throw fail("\(name) cannot be decoded")
            }
            // ImageIO paints what is missing gray; it says so here, once the image has been made.
            guard CGImageSourceGetStatusAtIndex(source, 0) == .statusComplete else {
                throw fail("\(name) cannot be decoded: image file is truncated")
            }
            let own = properties[kCGImagePropertyOrientation] as? Int ?? 1
            return try pixels(of: image, name: name).upright(from: orientation ?? own)
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
            if bits < 8 { return .gray(bits: bits) }
            let size = bits / 8
            let count = image.bitsPerPixel / 8
            let alpha = image.alphaInfo
            let alphaFirst = [.first, .premultipliedFirst, .noneSkipFirst].contains(alpha)
            // Not bitmapInfo.contains(): byte orders are numbers in it, and not flags.
            let reversed = image.byteOrderInfo == .order32Little
            // Big-endian samples have their high byte first; in words of 32 bits, little-endian turns all bytes around.
            let high = image.byteOrderInfo == .order16Little ? size - 1 : 0
            func place(_ sample: Int) -> Int { reversed ? count - 1 - sample * size : sample * size + high }
            let first = alphaFirst ? 1 : 0
            let colours = space.model == .monochrome ? [first, first, first] : [first, first + 1, first + 2]
            var premultiplied: Int?
            if alpha == .premultipliedFirst { premultiplied = place(0) }
            if alpha == .premultipliedLast { premultiplied = place(colours[2] + 1) }
            return .bytes(
                count, red: place(colours[0]), green: place(colours[1]), blue: place(colours[2]),
                premultiplied: premultiplied
            )
        }
    }
#endif
