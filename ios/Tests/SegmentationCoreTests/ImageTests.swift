import XCTest

@testable import SegmentationCore

final class ImageTests: XCTestCase {
    private func image(_ raster: Raster, _ memory: [UInt8]) throws -> RGBImage {
        try memory.withUnsafeBytes { try raster.image(of: $0) }
    }

    func testPixelsOfEveryLayout() throws {
        let padded = Raster(width: 1, height: 2, bytesPerRow: 6, pixel: .bytes(4, red: 2, green: 1, blue: 0))
        let bgra: [UInt8] = [3, 2, 1, 9, 0, 0, 6, 5, 4, 9, 0, 0]
        XCTAssertEqual(try image(padded, bgra).pixels, [1, 2, 3, 4, 5, 6])

        let gray16 = Raster(width: 2, height: 1, bytesPerRow: 4, pixel: .bytes(2, red: 1, green: 1, blue: 1))
        XCTAssertEqual(try image(gray16, [0xa5, 7, 0xa5, 8]).pixels, [7, 7, 7, 8, 8, 8])

        let multiplied = Raster(
            width: 3, height: 1, bytesPerRow: 12, pixel: .bytes(4, red: 0, green: 1, blue: 2, premultiplied: 3)
        )
        let rgba: [UInt8] = [64, 32, 0, 128, 9, 8, 7, 255, 0, 0, 0, 0]
        XCTAssertEqual(try image(multiplied, rgba).pixels, [128, 64, 0, 9, 8, 7, 0, 0, 0])

        let palette: [UInt8] = [10, 20, 30, 40, 50, 60]
        let indexed = Raster(width: 3, height: 1, bytesPerRow: 3, pixel: .index(bits: 8, palette: palette))
        XCTAssertEqual(try image(indexed, [1, 0, 2]).pixels, [40, 50, 60, 10, 20, 30, 0, 0, 0])

        let bits = Raster(width: 10, height: 1, bytesPerRow: 2, pixel: .gray(bits: 1))
        let black = (0..<10).map { try? image(bits, [0b1010_0000, 0b0100_0000]).pixels[3 * $0] }
        XCTAssertEqual(black, [255, 0, 255, 0, 0, 0, 0, 0, 0, 255])

        let nibbles = Raster(width: 2, height: 1, bytesPerRow: 1, pixel: .gray(bits: 4))
        XCTAssertEqual(try image(nibbles, [0xf3]).pixels, [255, 255, 255, 51, 51, 51])
    }

    func testFewerBytesThanPixelsAreRefused() {
        let raster = Raster(width: 2, height: 2, bytesPerRow: 6, pixel: .bytes(3, red: 0, green: 1, blue: 2))
        XCTAssertNoThrow(try image(raster, [UInt8](repeating: 0, count: 12)))
        for (raster, count) in [
            (raster, 11),
            (Raster(width: 3, height: 1, bytesPerRow: 6, pixel: raster.pixel), 60),
            (Raster(width: 0, height: 1, bytesPerRow: 6, pixel: raster.pixel), 60),
        ] {
            XCTAssertThrowsError(try image(raster, [UInt8](repeating: 0, count: count))) {
                XCTAssertEqual(($0 as? SegmenterError)?.stage, "decode")
            }
        }
    }

    func testWhatTheHostHasDecoded() throws {
        let ppm = Array("P6\n2 1\n255\n".utf8) + [1, 2, 3, 10, 32, 6]
        let image = try ImageFile.ppm(name: "a.ppm", data: ppm)
        XCTAssertEqual(image, RGBImage(width: 2, height: 1, pixels: [1, 2, 3, 10, 32, 6]))
        let others = ["", "P6", "P5 1 1 255 ", "P6 1 1 65535 ", "P6 0 1 255 ", "P6 -1 -1 255 ", "P6 9999999999 1 255 "]
        for other in others.map({ Array($0.utf8) }) + [Array(ppm.dropLast()), ppm + [0]] {
            XCTAssertThrowsError(try ImageFile.ppm(name: "a.ppm", data: other)) {
                XCTAssertEqual(
                    $0 as? SegmenterError, SegmenterError(stage: "decode", message: "a.ppm is not a PPM file"))
            }
        }
    }

    func testADecoderThatIsNotThereSaysSo() throws {
        #if canImport(ImageIO)
            let image = try ImageFile.decode(name: "flag.png", data: [UInt8](sample("samples/masks/flag.png")))
            XCTAssertEqual([image.width, image.height], [4, 2])
        #else
            let flag = [UInt8](try sample("samples/masks/flag.png"))
            XCTAssertThrowsError(try ImageFile.decode(name: "flag.png", data: flag)) {
                let words = "flag.png cannot be decoded: this platform has no ImageIO"
                XCTAssertEqual($0 as? SegmenterError, SegmenterError(stage: "decode", message: words))
            }
        #endif
    }
}
