// Handwritten stand-in, after developer.apple.com/documentation/coregraphics.
@_exported import Foundation

public typealias CFData = NSData
public typealias CFString = NSString
public typealias CFDictionary = NSDictionary

public final class CGDataProvider {
    public let data: CFData?
    public init?(data: CFData) { self.data = data }
}

public enum CGColorSpaceModel {
    case unknown, monochrome, rgb, cmyk, lab, deviceN, indexed, pattern, XYZ
}

public final class CGColorSpace {
    public let model: CGColorSpaceModel
    public let baseColorSpace: CGColorSpace?
    public let colorTable: [UInt8]?

    /// Not Apple's.
    public init(_ model: CGColorSpaceModel, base: CGColorSpace? = nil, table: [UInt8]? = nil) {
        self.model = model
        baseColorSpace = base
        colorTable = table
    }
}

public func CGColorSpaceCreateDeviceRGB() -> CGColorSpace { CGColorSpace(.rgb) }

public enum CGImageAlphaInfo: UInt32 {
    case none, premultipliedLast, premultipliedFirst, last, first, noneSkipLast, noneSkipFirst, alphaOnly
}

public enum CGImageByteOrderInfo: UInt32 {
    case orderDefault = 0
    case order16Little = 0x1000
    case order32Little = 0x2000
    case order16Big = 0x3000
    case order32Big = 0x4000
    case orderMask = 0x7000
}

public struct CGBitmapInfo: OptionSet {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let floatComponents = CGBitmapInfo(rawValue: 0x100)
}

public enum CGColorRenderingIntent: Int32 {
    case defaultIntent
}

public final class CGImage {
    public let width: Int
    public let height: Int
    public let bitsPerComponent: Int
    public let bitsPerPixel: Int
    public let bytesPerRow: Int
    public let colorSpace: CGColorSpace?
    public let bitmapInfo: CGBitmapInfo
    public let dataProvider: CGDataProvider?

    public init?(
        width: Int, height: Int, bitsPerComponent: Int, bitsPerPixel: Int, bytesPerRow: Int, space: CGColorSpace,
        bitmapInfo: CGBitmapInfo, provider: CGDataProvider, decode: UnsafePointer<CGFloat>?, shouldInterpolate: Bool,
        intent: CGColorRenderingIntent
    ) {
        self.width = width
        self.height = height
        self.bitsPerComponent = bitsPerComponent
        self.bitsPerPixel = bitsPerPixel
        self.bytesPerRow = bytesPerRow
        colorSpace = space
        self.bitmapInfo = bitmapInfo
        dataProvider = provider
    }

    public var alphaInfo: CGImageAlphaInfo { CGImageAlphaInfo(rawValue: bitmapInfo.rawValue & 0x1f) ?? .none }
    public var byteOrderInfo: CGImageByteOrderInfo {
        CGImageByteOrderInfo(rawValue: bitmapInfo.rawValue & 0x7000) ?? .orderDefault
    }
}

/// Draws by picking the nearest pixels of 24-bit images.
public final class CGContext {
    public let width: Int
    public let height: Int
    public let bytesPerRow: Int
    public let data: UnsafeMutableRawPointer?

    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) {
        self.width = width
        self.height = height
        self.bytesPerRow = bytesPerRow
        self.data = UnsafeMutableRawPointer.allocate(byteCount: bytesPerRow * height, alignment: 16)
    }

    deinit { data?.deallocate() }

    public func draw(_ image: CGImage, in rect: CGRect, byTiling: Bool = false) {
        guard let source = image.dataProvider?.data as Data?, let data else { return }
        for y in 0..<height {
            for x in 0..<width {
                let from = y * image.height / height * image.bytesPerRow + 3 * (x * image.width / width)
                for channel in 0..<3 {
                    data.storeBytes(
                        of: source[from + channel], toByteOffset: y * bytesPerRow + 4 * x + channel, as: UInt8.self)
                }
            }
        }
    }
}
