import GoldenTestKit
import LibInterpreter
import XCTest

/// The golden test of `lib_interpreter`. It draws and judges nothing: errors go into the bundle, goldmask compares.
final class InterpreterGoldenTests: XCTestCase {
    func testGoldens() throws {
        try GoldenRun().run { try InterpreterSegmenter(model: $0, options: $1) }
    }
}
