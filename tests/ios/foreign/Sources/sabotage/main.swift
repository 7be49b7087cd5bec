import Foundation
import GoldenTestKit
import LibInterpreter
import SegmentationCore

// As segment-cli, but its segmenter does what SABOTAGE says when it sees the second image.

final class Saboteur: Segmenter {
    private let honest: InterpreterSegmenter
    private let bug: String
    private let side: Int
    private var images = 0

    init(_ honest: InterpreterSegmenter, side: Int, bug: String) {
        self.honest = honest
        self.side = side
        self.bug = bug
    }

    var runtime: RuntimeInfo { honest.runtime }

    func segment(_ image: RGBImage) throws -> Segmentation {
        images += 1
        switch images > 1 ? bug : "none" {
        case "crash": fatalError("sabotage: out of range")
        case "hang": while true { sleep(1) }
        case "exit": exit(7)
        case "bgr": return try honest.segment(bgr(image))
        case "own-scaling": return try scaled(image) { self.bilinear(image, $0, $1, $2) }
        case "own-nearest":
            return try scaled(image) { y, x, channel in
                let (row, column) = (y * image.height / self.side, x * image.width / self.side)
                return image.pixels[3 * (row * image.width + column) + channel]
            }
        default: return try honest.segment(image)
        }
    }

    /// An app that scales by itself, hands its pixels on, and says that they are OpenCV's.
    private func scaled(_ image: RGBImage, _ pixel: (Int, Int, Int) -> UInt8) throws -> Segmentation {
        let pixels = (0..<(3 * side * side)).map { pixel($0 / 3 / side, $0 / 3 % side, $0 % 3) }
        let made = try honest.segment(RGBImage(width: side, height: side, pixels: pixels))
        return Segmentation(
            mask: made.mask, preprocessMs: made.preprocessMs, inferenceMs: made.inferenceMs,
            postprocessMs: made.postprocessMs, resized: pixels, tensor: made.tensor, scaling: .openCVLinear
        )
    }

    private func bilinear(_ image: RGBImage, _ y: Int, _ x: Int, _ channel: Int) -> UInt8 {
        func place(_ index: Int, _ source: Int) -> (Int, Int, Double) {
            let centre = (Double(index) + 0.5) * Double(source) / Double(side) - 0.5
            let clamped = min(max(centre, 0), Double(source - 1))
            let first = Int(clamped)
            return (first, min(first + 1, source - 1), clamped - Double(first))
        }
        let (top, bottom, down) = place(y, image.height)
        let (left, right, along) = place(x, image.width)
        func at(_ row: Int, _ column: Int) -> Double {
            Double(image.pixels[3 * (row * image.width + column) + channel])
        }
        let above = at(top, left) * (1 - along) + at(top, right) * along
        let below = at(bottom, left) * (1 - along) + at(bottom, right) * along
        return UInt8((above * (1 - down) + below * down).rounded())
    }

    private func bgr(_ image: RGBImage) -> RGBImage {
        var pixels = image.pixels
        for place in stride(from: 0, to: pixels.count, by: 3) { pixels.swapAt(place, place + 2) }
        return RGBImage(width: image.width, height: image.height, pixels: pixels)
    }
}

let bug = ProcessInfo.processInfo.environment["SABOTAGE"] ?? "none"
let bugs = ["none", "crash", "hang", "exit", "bgr", "own-scaling", "own-nearest"]
guard bugs.contains(bug) else { fatalError("SABOTAGE: \(bug) is no bug") }
let words = CommandLine.arguments
var run = try GoldenRun(request: URL(fileURLWithPath: words[1]), out: URL(fileURLWithPath: words[3]))
if words.count > 5 { run.hostPixels = URL(fileURLWithPath: words[5]) }
try run.run {
    Saboteur(try InterpreterSegmenter(model: $0, options: $1), side: $0.input.width, bug: bug)
}
