// swift-tools-version:5.9
import Foundation
import PackageDescription

// TensorFlow Lite's C API is the module TensorFlowLiteC everywhere. For phones and simulators it comes from CocoaPods,
// as a framework. For a host, goldmask passes the path of headers and a library to `swift build`.
let pods = ["TensorFlowLiteC", "TensorFlowLiteCCoreML", "TensorFlowLiteCMetal"]
let frameworks = pods.map { ($0, "Pods/TensorFlowLiteC/Frameworks/\($0).xcframework") }
    .filter { FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\($0.1)") }
let onHost = Context.environment["GOLDMASK_HOST"] != nil || frameworks.isEmpty
let tensorFlowLite: [Target] =
    onHost
    ? [.systemLibrary(name: "TensorFlowLiteC")]
    : frameworks.map { .binaryTarget(name: $0.0, path: $0.1) }

let package = Package(
    name: "Segmentation",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "SegmentationCore", targets: ["SegmentationCore"]),
        .library(name: "LibInterpreter", targets: ["LibInterpreter"]),
        .library(name: "GoldenTestKit", targets: ["GoldenTestKit"]),
        .executable(name: "segment-cli", targets: ["segment-cli"]),
    ],
    targets: tensorFlowLite + [
        .target(name: "SegmentationCore"),
        .target(
            name: "LibInterpreter",
            dependencies: ["SegmentationCore"] + tensorFlowLite.map { .target(name: $0.name) }
        ),
        .target(name: "GoldenTestKit", dependencies: ["SegmentationCore"]),
        .executableTarget(name: "segment-cli", dependencies: ["LibInterpreter", "GoldenTestKit"]),
        .testTarget(name: "SegmentationCoreTests", dependencies: ["SegmentationCore"]),
        .testTarget(name: "LibInterpreterTests", dependencies: ["LibInterpreter"]),
        .testTarget(name: "GoldenTestKitTests", dependencies: ["GoldenTestKit"]),
    ]
)
