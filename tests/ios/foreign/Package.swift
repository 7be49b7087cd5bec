// swift-tools-version:5.9
import PackageDescription

// Another project's app that adopts the golden test, and a program whose segmenter fails on purpose.
let package = Package(
    name: "Camera",
    platforms: [.iOS(.v15), .macOS(.v12)],
    dependencies: [.package(path: "../../../ios")],
    targets: [
        .target(name: "Camera", dependencies: [.product(name: "LibInterpreter", package: "ios")]),
        .testTarget(
            name: "CameraGoldenTests", dependencies: ["Camera", .product(name: "GoldenTestKit", package: "ios")]
        ),
        .executableTarget(
            name: "sabotage",
            dependencies: [
                .product(name: "GoldenTestKit", package: "ios"), .product(name: "LibInterpreter", package: "ios"),
            ]
        ),
    ]
)
