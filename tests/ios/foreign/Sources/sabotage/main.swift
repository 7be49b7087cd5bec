import Foundation
import GoldenTestKit
import LibInterpreter
import SegmentationCore

// As segment-cli, but its segmenter does what SABOTAGE says when it sees the second image.

final class Saboteur: Segmenter {
    private let honest: InterpreterSegmenter
    private let bug: String
    private var images = 0

    init(_ honest: InterpreterSegmenter, bug: String) {
        self.honest = honest
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
        default: return try honest.segment(image)
        }
    }

    private func bgr(_ image: RGBImage) -> RGBImage {
        var pixels = image.pixels
        for place in stride(from: 0, to: pixels.count, by: 3) { pixels.swapAt(place, place + 2) }
        return RGBImage(width: image.width, height: image.height, pixels: pixels)
    }
}

let bug = ProcessInfo.processInfo.environment["SABOTAGE"] ?? "none"
guard ["none", "crash", "hang", "exit", "bgr"].contains(bug) else { fatalError("SABOTAGE: \(bug) is no bug") }
let words = CommandLine.arguments
var run = try GoldenRun(request: URL(fileURLWithPath: words[1]), out: URL(fileURLWithPath: words[3]))
if words.count > 5 { run.hostPixels = URL(fileURLWithPath: words[5]) }
try run.run { Saboteur(try InterpreterSegmenter(model: $0, options: $1), bug: bug) }
