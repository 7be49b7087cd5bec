import Foundation

extension GoldenRun {
    /// The run that goldmask has put into an app's container: `goldmask/<GOLDMASK_RUN>` in its Documents folder, with a
    /// request.json. The bundle goes beside it, and what earlier runs left is removed.
    ///
    /// - Throws: `ContractError` where there is none, as when a test is started by hand.
    public static func inContainer(
        documents: URL = FileManager.default.urls(for: .documentDirectory, in: .userDomainMask)[0],
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> GoldenRun {
        let runs = documents.appendingPathComponent("goldmask")
        guard let name = environment["GOLDMASK_RUN"] else {
            throw ContractError(
                "the golden test is not told what to run: start it by ./goldmask check --target ios-simulator"
            )
        }
        try requireName("GOLDMASK_RUN", name)
        let left = try? FileManager.default.contentsOfDirectory(at: runs, includingPropertiesForKeys: nil)
        for old in left ?? [] where old.lastPathComponent != name {
            try? FileManager.default.removeItem(at: old)
        }
        let folder = runs.appendingPathComponent(name)
        return try GoldenRun(
            request: folder.appendingPathComponent("request.json"), out: folder.appendingPathComponent("bundle")
        )
    }
}
