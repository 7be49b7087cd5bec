import Foundation
import SegmentationCore

/// A model that the user can choose: an entry of models.json, in the format of a request.json.
struct ListedModel: Decodable, Hashable, Identifiable {
    let name: String
    let file: String
    let labels: [String]
    let input: Input
    let output: Output

    var id: String { name }

    struct Input: Decodable, Hashable {
        let height: Int
        let width: Int
        let dtype: String
        let mean: [Float]
        let std: [Float]
    }

    struct Output: Decodable, Hashable {
        let index: Int
        let kind: String
    }

    /// The listed models whose files exist, in the app or in its Documents folder (where Finder puts them).
    static func available() throws -> [ListedModel] {
        guard let list = Bundle.main.url(forResource: "models", withExtension: "json") else {
            throw SegmenterError(stage: "init", message: "the app has no models.json")
        }
        return try JSONDecoder().decode([ListedModel].self, from: Data(contentsOf: list)).filter { $0.url != nil }
    }

    /// The model for a segmenter.
    func model() throws -> Model {
        guard let url, let type = TensorType(rawValue: input.dtype), let kind = OutputKind(rawValue: output.kind) else {
            throw SegmenterError(stage: "init", message: "models.json has a model that cannot be: \(name)")
        }
        return Model(
            file: url,
            labels: labels,
            input: ImageInput(
                height: input.height, width: input.width, type: type, mean: input.mean, std: input.std
            ),
            output: MaskOutput(index: output.index, kind: kind)
        )
    }

    private var url: URL? {
        let documents = FileManager.default.urls(for: .documentDirectory, in: .userDomainMask).first
        let places = [Bundle.main.resourceURL, documents].compactMap { $0?.appendingPathComponent(file) }
        return places.first { FileManager.default.fileExists(atPath: $0.path) }
    }
}
