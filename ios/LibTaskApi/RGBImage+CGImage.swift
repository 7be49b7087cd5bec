import CoreGraphics
import Foundation
import SegmentationCore

extension RGBImage {
    /// The same pixels for UIKit: opaque, with 32 bits each, as the Task Library's MLImage requires.
    var cgImage: CGImage? {
        var bytes = [UInt8](repeating: 255, count: 4 * width * height)
        for pixel in 0..<(width * height) {
            for channel in 0..<3 { bytes[4 * pixel + channel] = pixels[3 * pixel + channel] }
        }
        return makeImage(of: bytes, width: width, height: height, alpha: .noneSkipLast)
    }
}

/// A CGImage with four bytes for each pixel, row by row; the fourth is alpha or unused.
func makeImage(of bytes: [UInt8], width: Int, height: Int, alpha: CGImageAlphaInfo) -> CGImage? {
    guard let provider = CGDataProvider(data: Data(bytes) as CFData) else { return nil }
    return CGImage(
        width: width,
        height: height,
        bitsPerComponent: 8,
        bitsPerPixel: 32,
        bytesPerRow: 4 * width,
        space: CGColorSpaceCreateDeviceRGB(),
        bitmapInfo: CGBitmapInfo(rawValue: alpha.rawValue),
        provider: provider,
        decode: nil,
        shouldInterpolate: false,
        intent: .defaultIntent
    )
}
