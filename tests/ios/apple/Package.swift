// swift-tools-version:5.9
import PackageDescription

// The Swift package's code for Apple's platforms, compiled and run on Linux against stand-ins of Apple's modules. Their
// declarations are handwritten after Apple's documentation, so they only prove our side of the interface.
let package = Package(
    name: "apple",
    targets: [
        .target(name: "CoreGraphics"),
        .target(name: "ImageIO", dependencies: ["CoreGraphics"]),
        .target(name: "CryptoKit"),
        .systemLibrary(name: "TensorFlowLiteC"),
        .target(name: "TensorFlowLiteCCoreML", dependencies: ["TensorFlowLiteC"]),
        .target(name: "TensorFlowLiteCMetal", dependencies: ["TensorFlowLiteC"]),
        .target(name: "SegmentationCore", dependencies: ["CoreGraphics", "ImageIO", "CryptoKit"]),
        .target(
            name: "LibInterpreter",
            dependencies: [
                "SegmentationCore", "CoreGraphics", "TensorFlowLiteC", "TensorFlowLiteCCoreML", "TensorFlowLiteCMetal",
            ]
        ),
        .testTarget(name: "AppleTests", dependencies: ["LibInterpreter", "ImageIO", "CryptoKit"]),
    ]
)
