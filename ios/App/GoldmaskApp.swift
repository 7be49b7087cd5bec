import SwiftUI

/// The example app: runs a segmentation model on photographs and camera frames, by two pipelines.
@main
struct GoldmaskApp: App {
    var body: some Scene {
        WindowGroup { SegmentationScreen() }
    }
}
