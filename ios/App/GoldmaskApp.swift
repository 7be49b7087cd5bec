import SwiftUI

/// The example app: photographs and the camera through a segmentation model, by two pipelines.
@main
struct GoldmaskApp: App {
    var body: some Scene {
        WindowGroup { SegmentationScreen() }
    }
}
