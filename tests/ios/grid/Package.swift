// swift-tools-version:5.9
import PackageDescription

// The Swift package's decoder on the grid of images. On a Mac it uses ImageIO, which only a Mac can prove.
let package = Package(
    name: "grid",
    platforms: [.macOS(.v12)],
    targets: [
        .target(name: "SegmentationCore"),
        .executableTarget(name: "image-grid", dependencies: ["SegmentationCore"]),
    ]
)
