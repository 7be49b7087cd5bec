import Foundation
import GoldenTestKit
import LibInterpreter
import SegmentationCore

// segment-cli REQUEST.json --out DIR [--decoded DIR]
//
// A request in, a bundle out; each finished case is a JSON line on stdout. `--decoded` has the pixels of the cases as
// PPM files, for a platform without ImageIO.

func fail(_ message: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("segment-cli: \(message)\n".utf8))
    exit(code)
}

var words = CommandLine.arguments.dropFirst()
var flags: [String: String] = [:]
let first = words.popFirst()
while let key = words.popFirst(), ["--out", "--decoded"].contains(key), let value = words.popFirst() {
    flags[key] = value
}
guard let file = first, let out = flags["--out"], words.isEmpty else {
    fail("usage: segment-cli REQUEST.json --out DIR [--decoded DIR]", code: 1)
}

do {
    var run = try GoldenRun(request: URL(fileURLWithPath: file), out: URL(fileURLWithPath: out))
    if let decoded = flags["--decoded"] {
        run.hostPixels = URL(fileURLWithPath: decoded)
    }
    try run.run { try InterpreterSegmenter(model: $0, options: $1) }
} catch {
    fail("\(error)", code: 4)
}
