// Handwritten stand-in, after developer.apple.com/documentation/imageio.
@_exported import CoreGraphics

/// What a test says that a file has.
public final class CGImageSource {
    /// Not Apple's: what the next files are, the last of which all later ones are.
    public static var next: [CGImageSource] = []
    /// Not Apple's: the files that were read.
    public static var files: [CFData] = []

    let image: CGImage?
    let status: CGImageSourceStatus

    /// Not Apple's.
    public init(image: CGImage?, status: CGImageSourceStatus = .statusComplete) {
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

public let kCGImageSourceShouldAllowFloat: CFString = "kCGImageSourceShouldAllowFloat"
public let kCGImageSourceShouldCache: CFString = "kCGImageSourceShouldCache"

public func CGImageSourceCreateWithData(_ data: CFData, _ options: CFDictionary?) -> CGImageSource? {
    CGImageSource.files.append(data)
    return CGImageSource.next.count > 1 ? CGImageSource.next.removeFirst() : CGImageSource.next.first
}

public func CGImageSourceCreateImageAtIndex(
    _ source: CGImageSource, _ index: Int, _ options: CFDictionary?
) -> CGImage? {
    source.image
}

public func CGImageSourceGetStatusAtIndex(_ source: CGImageSource, _ index: Int) -> CGImageSourceStatus {
    source.status
}
