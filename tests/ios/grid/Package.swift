// swift-tools-version:5.9
import PackageDescription

// The grid of images through the Swift package's decoder: on a Mac through ImageIO, which nothing else can prove.
let package = Package(
    name: "grid",
    platforms: [.macOS(.v12)],
    targets: [
        .target(name: "SegmentationCore"),
        .executableTarget(name: "image-grid", dependencies: ["SegmentationCore"]),
    ]
)
