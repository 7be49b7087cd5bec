import ImageIO
import SegmentationCore
import XCTest

/// What ImageIO may hand out, and what becomes of it.
final class ImageIOTests: XCTestCase {
    private let rgb = CGColorSpace(.rgb)
    private let gray = CGColorSpace(.monochrome)

    private func image(
        _ memory: [UInt8], width: Int, bits: Int = 8, perPixel: Int, _ space: CGColorSpace,
        _ alpha: CGImageAlphaInfo = .none, _ order: CGImageByteOrderInfo = .orderDefault, info: UInt32 = 0
    ) throws -> CGImage {
        try XCTUnwrap(
            CGImage(
                width: width, height: 1, bitsPerComponent: bits, bitsPerPixel: perPixel, bytesPerRow: memory.count,
                space: space, bitmapInfo: CGBitmapInfo(rawValue: alpha.rawValue | order.rawValue | info),
                provider: XCTUnwrap(CGDataProvider(data: Data(memory) as CFData)), decode: nil,
                shouldInterpolate: false,
                intent: .defaultIntent
            )
        )
    }

    func testPixelsOfEveryLayout() throws {
        let palette = CGColorSpace(.indexed, base: rgb, table: [9, 9, 9, 1, 2, 3])
        for (name, image, pixels) in [
            ("RGB", try image([1, 2, 3], width: 1, perPixel: 24, rgb), [1, 2, 3]),
            ("JPEG's RGBX", try image([1, 2, 3, 0], width: 1, perPixel: 32, rgb, .noneSkipLast), [1, 2, 3]),
            ("PNG's RGBA", try image([1, 2, 3, 0], width: 1, perPixel: 32, rgb, .last), [1, 2, 3]),
            ("ARGB", try image([0, 1, 2, 3], width: 1, perPixel: 32, rgb, .first, .order32Big), [1, 2, 3]),
            ("BGRX", try image([3, 2, 1, 0], width: 1, perPixel: 32, rgb, .noneSkipFirst, .order32Little), [1, 2, 3]),
            (
                "premultiplied BGRA",
                try image([0, 32, 64, 128], width: 1, perPixel: 32, rgb, .premultipliedFirst, .order32Little),
                [128, 64, 0]
            ),
            (
                "premultiplied RGBA", try image([64, 32, 0, 128], width: 1, perPixel: 32, rgb, .premultipliedLast),
                [128, 64, 0]
            ),
            ("gray", try image([7], width: 1, perPixel: 8, gray), [7, 7, 7]),
            ("gray and alpha", try image([7, 0], width: 1, perPixel: 16, gray, .last), [7, 7, 7]),
            ("1-bit gray", try image([0b0100_0000], width: 2, bits: 1, perPixel: 1, gray), [0, 0, 0, 255, 255, 255]),
            (
                "16-bit gray", try image([0xa5, 7], width: 1, bits: 16, perPixel: 16, gray, .none, .order16Little),
                [7, 7, 7]
            ),
            ("16-bit gray, big-endian", try image([7, 0xa5], width: 1, bits: 16, perPixel: 16, gray), [7, 7, 7]),
            (
                "16-bit RGBA, big-endian by name",
                try image([1, 0, 2, 0, 3, 0, 4, 0], width: 1, bits: 16, perPixel: 64, rgb, .last, .order16Big),
                [1, 2, 3]
            ),
            ("palette", try image([1, 0], width: 2, perPixel: 8, palette), [1, 2, 3, 9, 9, 9]),
        ] as [(String, CGImage, [UInt8])] {
            XCTAssertEqual(try ImageFile.pixels(of: image, name: name).pixels, pixels, name)
        }
    }

    func testColoursThatAreNoneOfTheseAreRefused() throws {
        for (image, words) in [
            (try image([0, 0, 0, 0], width: 1, perPixel: 32, CGColorSpace(.cmyk)), "a CMYK image"),
            (try image([0, 0, 0], width: 1, perPixel: 24, CGColorSpace(.lab)), "no RGB image"),
            (try image([0, 0], width: 1, bits: 16, perPixel: 16, gray, info: 0x100), "no 8 or 16 bits"),
            (try image([0, 0], width: 1, bits: 5, perPixel: 16, rgb, .noneSkipFirst), "no 8 or 16 bits"),
        ] {
            XCTAssertThrowsError(try ImageFile.pixels(of: image, name: "x")) {
                XCTAssertTrue(($0 as? SegmenterError)?.message.contains(words) == true, "\($0)")
            }
        }
    }

    /// A JPEG's bytes of a gray image of 2×1 pixels with an orientation: all that is read of them before ImageIO does.
    private func jpeg(orientation: UInt8) -> [UInt8] {
        let exif = Array("Exif\0\0MM\0*".utf8) + [0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]
        let frame: [UInt8] = [0xff, 0xc0, 0, 11, 8, 0, 1, 0, 2, 1, 1, 0x11, 0]
        let scan: [UInt8] = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0x34]
        return [0xff, 0xd8, 0xff, 0xe1, 0, UInt8(exif.count + 2)] + exif + frame + scan + [0xff, 0xd9]
    }

    private func decode(
        _ pixels: [UInt8]..., orientation: UInt8 = 1, asked: Int? = nil, status: CGImageSourceStatus = .statusComplete
    ) throws -> RGBImage {
        CGImageSource.next = try pixels.map {
            CGImageSource(image: try image($0, width: 2, perPixel: 24, rgb), status: status)
        }
        CGImageSource.files = []
        return try ImageFile.decode(name: "a.jpg", data: jpeg(orientation: orientation), orientation: asked)
    }

    func testOrientationsOfTheFileAndOfTheCase() throws {
        let pixels: [UInt8] = [1, 2, 3, 4, 5, 6]
        XCTAssertEqual(try decode(pixels).pixels, pixels)
        XCTAssertEqual(try decode(pixels, orientation: 2).pixels, [4, 5, 6, 1, 2, 3])
        XCTAssertEqual(try decode(pixels, orientation: 2, asked: 1).pixels, pixels)
        XCTAssertEqual(try decode(pixels, orientation: 6).height, 2)
    }

    func testImageIOIsNotToldOfTheOrientation() throws {
        _ = try decode([1, 2, 3, 4, 5, 6], orientation: 6)
        let file = [UInt8](try XCTUnwrap(CGImageSource.files.first) as Data)
        XCTAssertEqual(file.count, jpeg(orientation: 6).count - 32)
        XCTAssertFalse(file.contains(0xe1))
    }

    func testAJpegWhoseLastPixelIsGrayIsReadTwice() throws {
        let (gray, other): ([UInt8], [UInt8]) = ([1, 2, 3, 128, 128, 128], [1, 2, 3, 4, 5, 6])
        XCTAssertEqual(try decode(gray).pixels, gray)
        XCTAssertEqual(CGImageSource.files.count, 2)
        XCTAssertThrowsError(try decode(gray, other)) {
            XCTAssertEqual(($0 as? SegmenterError)?.message, "a.jpg is damaged: rows are missing")
        }
        XCTAssertEqual(try decode(other, gray).pixels, other)
        XCTAssertEqual(CGImageSource.files.count, 1)
    }

    func testFilesThatAreRefused() {
        let pixels: [UInt8] = [1, 2, 3, 4, 5, 6]
        CGImageSource.next = []
        for (act, words) in [
            ({ try ImageFile.decode(name: "a", data: []) }, "empty"),
            ({ try ImageFile.decode(name: "a", data: Array("II*".utf8)) }, "not a JPEG"),
            ({ try ImageFile.decode(name: "a", data: self.jpeg(orientation: 1)) }, "ImageIO cannot decode it"),
            ({ try self.decode(pixels, status: .statusIncomplete) }, "rows are missing"),
        ] as [(() throws -> RGBImage, String)] {
            XCTAssertThrowsError(try act(), words) {
                XCTAssertEqual(($0 as? SegmenterError)?.stage, "decode")
                XCTAssertTrue(($0 as? SegmenterError)?.message.contains(words) == true, "\($0)")
            }
        }
    }
}
