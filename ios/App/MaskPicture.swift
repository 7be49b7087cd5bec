import CoreGraphics
import Foundation
import SegmentationCore

/// A class in a mask, for the legend.
struct LegendEntry: Identifiable, Equatable {
    let id: Int
    let name: String
    let red: Double
    let green: Double
    let blue: Double
    /// Its share of the mask's pixels, 0 to 1.
    let share: Double
}

extension Mask {
    /// The mask in the colours of goldmask's own pictures; class 0, the background, is transparent.
    var picture: CGImage? {
        var bytes = [UInt8](repeating: 0, count: 4 * classes.count)
        for (pixel, index) in classes.enumerated() where index != 0 {
            for channel in 0..<3 { bytes[4 * pixel + channel] = MaskPng.palette[3 * Int(index) + channel] }
            bytes[4 * pixel + 3] = 255
        }
        return makeImage(of: bytes, width: width, height: height, alpha: .premultipliedLast)
    }

    /// The classes in the mask, the largest first; a class without a label gets its number as name.
    func legend(labels: [String]) -> [LegendEntry] {
        var counts = [Int](repeating: 0, count: 256)
        for index in classes { counts[Int(index)] += 1 }
        let present = counts.indices.filter { counts[$0] > 0 }.sorted { counts[$0] > counts[$1] }
        return present.map { index in
            let colour = (0..<3).map { Double(MaskPng.palette[3 * index + $0]) / 255 }
            return LegendEntry(
                id: index,
                name: index < labels.count ? labels[index] : "class \(index)",
                red: colour[0],
                green: colour[1],
                blue: colour[2],
                share: Double(counts[index]) / Double(classes.count)
            )
        }
    }
}
