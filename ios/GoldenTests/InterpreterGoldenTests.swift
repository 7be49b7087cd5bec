import GoldenTestKit
import LibInterpreter
import XCTest

/// The golden test of `lib_interpreter`. It predicts and judges nothing: goldmask compares the bundle.
final class InterpreterGoldenTests: XCTestCase {
    func testGoldens() throws {
        try GoldenRun().run { try InterpreterSegmenter(model: $0, options: $1) }
    }
}
