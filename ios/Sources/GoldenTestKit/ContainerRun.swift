import Foundation

extension GoldenRun {
    /// The run that goldmask has copied into an app's container: `goldmask/<name>` in its Documents folder, with a
    /// request.json. Writes the bundle beside it, and removes the folders of earlier runs.
    ///
    /// - Throws: `ContractError`.
    init(
        inContainer name: String,
        documents: URL? = FileManager.default.urls(for: .documentDirectory, in: .userDomainMask).first
    ) throws {
        try requireName("GOLDMASK_RUN", name)
        guard let runs = documents?.appendingPathComponent("goldmask") else {
            throw ContractError("this app has no Documents folder")
        }
        let left = try? FileManager.default.contentsOfDirectory(at: runs, includingPropertiesForKeys: nil)
        for old in left ?? [] where old.lastPathComponent != name {
            try? FileManager.default.removeItem(at: old)
        }
        let folder = runs.appendingPathComponent(name)
        try self.init(
            request: folder.appendingPathComponent("request.json"), out: folder.appendingPathComponent("bundle")
        )
    }
}
