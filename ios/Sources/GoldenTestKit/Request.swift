import Foundation
import SegmentationCore

/// request.json: what an app should run.
public struct Request: Codable, Equatable, Contract {
    let schema: Int
    /// The model to run.
    public var model: RequestModel
    /// How to run it.
    public var options: RequestOptions
    /// The images to run it on.
    public var cases: [RequestCase]

    /// Reads a request.json.
    ///
    /// - Throws: `ContractError`.
    public static func read(_ file: URL) throws -> Request { try readContract(file) }

    func validate() throws {
        try require(schema == schemaVersion, "schema: \(schema) is not \(schemaVersion)")
        try model.validate()
        try options.validate()
        try require(!cases.isEmpty, "cases: there are none")
        try require(Set(cases.map(\.id)).count == cases.count, "cases: an id is used twice")
        for each in cases { try each.validate() }
    }
}

/// The model to run.
public struct RequestModel: Codable, Equatable {
    /// The name of its models/ folder.
    public var name: String
    /// Absolute or relative to request.json.
    public var file: String
    /// The file's sha256.
    public var sha256: String
    /// A name for each class.
    public var labels: [String]
    /// The image tensor.
    public var input: RequestInput
    /// The output that is the mask.
    public var output: RequestOutput

    /// The model for a segmenter; a relative file is in `folder`.
    ///
    /// - Throws: `ContractError`.
    public func model(in folder: URL) throws -> Model {
        guard let type = TensorType(rawValue: input.dtype), let kind = OutputKind(rawValue: output.kind) else {
            throw ContractError("model: \(input.dtype), \(output.kind)")
        }
        return Model(
            file: resolve(file, in: folder),
            labels: labels,
            input: ImageInput(
                height: input.height, width: input.width, type: type, mean: input.mean, std: input.std
            ),
            output: MaskOutput(index: output.index, kind: kind)
        )
    }

    func validate() throws {
        try requireName("model.name", name)
        try requireSha256("model.sha256", sha256)
        try require((1...maxClasses).contains(labels.count), "model.labels: there are \(labels.count) of them")
        try input.validate()
        try output.validate()
    }
}

/// The image tensor `[1, height, width, 3]` and its normalisation.
public struct RequestInput: Codable, Equatable {
    /// Rows.
    public var height: Int
    /// Pixels in a row.
    public var width: Int
    /// `float32`, `uint8` or `int8`.
    public var dtype: String
    /// The mean, subtracted from each pixel; one value or three.
    public var mean: [Float]
    /// The standard deviation, by which the difference is divided; one value or three.
    public var std: [Float]

    func validate() throws {
        try require(height >= 1 && width >= 1, "model.input: \(width)×\(height) is not a size")
        try requireOneOf("model.input.dtype", dtype, TensorType.allCases.map(\.rawValue))
        try require(
            [1, 3].contains(mean.count) && [1, 3].contains(std.count),
            "model.input: mean and std have one value or three"
        )
        try require(!std.contains(0), "model.input.std: 0 divides by zero")
    }
}

/// The output that is the mask.
public struct RequestOutput: Codable, Equatable {
    /// Its index among the outputs.
    public var index: Int
    /// `logits` or `classes`.
    public var kind: String
    /// One quantisation step of its scores, 0 for floats.
    public var scale: Double

    /// Reads an output; `scale` may be left out.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        index = try keys.decode(Int.self, forKey: .index)
        kind = try keys.decode(String.self, forKey: .kind)
        scale = try keys.decode(.scale, default: 0)
    }

    func validate() throws {
        try require(index >= 0, "model.output.index: \(index) is negative")
        try requireOneOf("model.output.kind", kind, OutputKind.allCases.map(\.rawValue))
    }
}

/// How to run it: each image `warmup` + `runs` times, and longer until `minDurationS` seconds have passed.
public struct RequestOptions: Codable, Equatable {
    /// `lib_interpreter` or `lib_task_api`.
    public var pipeline: String
    /// Threads for the CPU kernels and XNNPACK.
    public var threads: Int
    /// `cpu`, `xnnpack`, `coreml` or `metal`, or a delegate of other platforms.
    public var delegate: String
    /// `fixed` or `platform`.
    public var resize: String
    /// Runs before the measured ones.
    public var warmup: Int
    /// Measured runs.
    public var runs: Int
    /// The shortest time for all runs of an image, in seconds.
    public var minDurationS: Double
    /// Intermediate outputs to keep besides the mask.
    public var taps: [String]

    enum CodingKeys: String, CodingKey {
        case pipeline, threads, delegate, resize, warmup, runs, taps
        case minDurationS = "min_duration_s"
    }

    /// Reads options; all but the pipeline may be left out.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        pipeline = try keys.decode(String.self, forKey: .pipeline)
        threads = try keys.decode(.threads, default: 2)
        delegate = try keys.decode(.delegate, default: "xnnpack")
        resize = try keys.decode(.resize, default: "fixed")
        warmup = try keys.decode(.warmup, default: 0)
        runs = try keys.decode(.runs, default: 1)
        minDurationS = try keys.decode(.minDurationS, default: 0)
        taps = try keys.decode(.taps, default: [])
    }

    /// The options for a segmenter.
    ///
    /// - Throws: `ContractError` for what iOS apps do not support.
    public func segmenterOptions() throws -> SegmenterOptions {
        try require(taps.isEmpty, "options.taps: an iOS app keeps no intermediate outputs such as \(taps)")
        guard let known = Delegate(rawValue: delegate), let way = Resize(rawValue: resize) else {
            throw ContractError("iOS has no delegate \(delegate)")
        }
        return SegmenterOptions(threads: threads, delegate: known, resize: way)
    }

    func validate() throws {
        try requireOneOf("options.pipeline", pipeline, pipelines)
        try require((1...maxThreads).contains(threads), "options.threads: \(threads) is not 1 to \(maxThreads)")
        try requireOneOf("options.delegate", delegate, delegates)
        try requireOneOf("options.resize", resize, Resize.allCases.map(\.rawValue))
        try require(warmup >= 0 && runs >= 1 && minDurationS >= 0, "options: a number of runs is negative")
    }
}

/// One image.
public struct RequestCase: Codable, Equatable {
    /// The case's id, as in the golden.
    public var id: String
    /// Absolute or relative to request.json.
    public var file: String
    /// The file's sha256.
    public var sha256: String
    /// An EXIF orientation, 1 to 8, that replaces the file's own.
    public var orientation: Int?

    func validate() throws {
        try requireName("cases.id", id)
        try requireSha256("cases.\(id).sha256", sha256)
        if let orientation {
            try require((1...8).contains(orientation), "cases.\(id).orientation: \(orientation) is not 1 to 8")
        }
    }
}

/// A path of a request as a file.
func resolve(_ path: String, in folder: URL) -> URL {
    path.hasPrefix("/") ? URL(fileURLWithPath: path) : folder.appendingPathComponent(path)
}
