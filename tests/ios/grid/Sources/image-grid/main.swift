import Foundation
import SegmentationCore

// image-grid FOLDER
//
// Decodes the files that tests/image_grid.py has written, and compares their pixels with the `.rgb` file beside each;
// the decoder must refuse a file without one. Files that decoders round (`lossy`) may differ by 4 levels on average,
// because Apple's JPEG decoder is not libjpeg-turbo; a rotated picture or other colours would differ by far more.

let lossyLevels = 4.0
let folder = URL(fileURLWithPath: CommandLine.arguments[1])
let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasSuffix(".rgb") }.sorted()
var wrong: [String] = []
for name in names {
    let data = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    let right = (try? Data(contentsOf: folder.appendingPathComponent("\(name).rgb"))).map { [UInt8]($0) }
    do {
        let pixels = try ImageFile.decode(name: "it", data: data).pixels
        guard let right else {
            wrong.append("\(name): decoded, and it is to be refused")
            continue
        }
        let levels = pixels.count == right.count ? difference(pixels, right) : .infinity
        if levels > (name.hasPrefix("lossy") ? lossyLevels : 0) { wrong.append("\(name): \(levels) levels") }
    } catch {
        if right != nil { wrong.append("\(name): \(error)") }
    }
}
for each in wrong { print(each) }
print("\(names.count - wrong.count) of \(names.count) images are right")
exit(names.isEmpty || !wrong.isEmpty ? 1 : 0)

/// The average difference of two pictures, in levels.
func difference(_ one: [UInt8], _ other: [UInt8]) -> Double {
    Double(zip(one, other).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(one.count)
}
