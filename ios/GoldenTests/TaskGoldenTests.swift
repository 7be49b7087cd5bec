import GoldenTestKit
import XCTest

/// The golden test of `lib_task_api`. It predicts and judges nothing: goldmask compares the bundle.
final class TaskGoldenTests: XCTestCase {
    func testGoldens() throws {
        try GoldenRun().run { try TaskSegmenter(model: $0, options: $1) }
    }
}
