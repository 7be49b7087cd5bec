import Foundation

/// A file that the tests of all platforms read, by its path in the repository's tests folder.
func sample(_ path: String) -> URL {
    let beside = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../tests").standardized
    let tests = ProcessInfo.processInfo.environment["GOLDMASK_TESTS"].map { URL(fileURLWithPath: $0) } ?? beside
    return tests.appendingPathComponent(path)
}

/// A new folder for one test.
func newFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("goldmask-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
}
