import GoldenTestKit
import XCTest

/// The golden test of `lib_task_api`. It draws and judges nothing: errors go into the bundle, goldmask compares.
final class TaskGoldenTests: XCTestCase {
    func testGoldens() throws {
        try GoldenRun().run { try TaskSegmenter(model: $0, options: $1) }
    }
}
