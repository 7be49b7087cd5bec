// Handwritten stand-in, after developer.apple.com/documentation/imageio.
@_exported import CoreGraphics

/// What a test says that a file has.
public final class CGImageSource {
    /// Not Apple's: what the next file is.
    public static var next: CGImageSource?

    let type: String?
    let properties: [CFString: Any]
    let image: CGImage?
    let status: CGImageSourceStatus

    /// Not Apple's.
    public init(
        type: String?, properties: [CFString: Any], image: CGImage?, status: CGImageSourceStatus = .statusComplete
    ) {
        self.type = type
        self.properties = properties
        self.image = image
        self.status = status
    }
}

public enum CGImageSourceStatus: Int32 {
    case statusUnexpectedEOF = -5
    case statusInvalidData = -4
    case statusUnknownType = -3
    case statusReadingHeader = -2
    case statusIncomplete = -1
    case statusComplete = 0
}

public let kCGImagePropertyPixelWidth: CFString = "PixelWidth"
public let kCGImagePropertyPixelHeight: CFString = "PixelHeight"
public let kCGImagePropertyOrientation: CFString = "Orientation"
public let kCGImageSourceShouldAllowFloat: CFString = "kCGImageSourceShouldAllowFloat"
public let kCGImageSourceShouldCache: CFString = "kCGImageSourceShouldCache"

public func CGImageSourceCreateWithData(_ data: CFData, _ options: CFDictionary?) -> CGImageSource? {
    CGImageSource.next
}

public func CGImageSourceGetType(_ source: CGImageSource) -> CFString? { source.type.map { NSString(string: $0) } }

public func CGImageSourceCopyPropertiesAtIndex(
    _ source: CGImageSource, _ index: Int, _ options: CFDictionary?
) -> CFDictionary? {
    source.properties as CFDictionary
}

public func CGImageSourceCreateImageAtIndex(
    _ source: CGImageSource, _ index: Int, _ options: CFDictionary?
) -> CGImage? {
    source.image
}

public func CGImageSourceGetStatusAtIndex(_ source: CGImageSource, _ index: Int) -> CGImageSourceStatus {
    source.status
}
