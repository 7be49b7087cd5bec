import Foundation
import SegmentationCore

/// bundle.json: what an app reports about a run. docs/bundle.md explains every key.
///
/// The types are not called `Bundle` and `Result` as elsewhere, because Swift's own types have these names.
public struct MaskBundle: Codable, Equatable, Contract {
    var schema = schemaVersion
    /// The target on which it ran.
    public var target: Target
    /// `lib_interpreter` or `lib_task_api`.
    public var pipeline: String
    /// What really ran.
    public var runtime: BundleRuntime
    /// The model that ran.
    public var model: BundleModel
    /// The start, in ISO 8601.
    public var startedAt: String
    /// Other facts that may explain a difference or a latency.
    public var environment: [String: String] = [:]
    /// Facts that decide whether a latency is valid; nil if nobody could tell any.
    public var conditions: Conditions?
    /// The results of the finished cases.
    public var results: [CaseResult]

    enum CodingKeys: String, CodingKey {
        case schema, target, pipeline, runtime, model, environment, conditions, results
        case startedAt = "started_at"
    }

    static let fileName = "bundle.json"

    /// Reads `folder`'s bundle.json.
    ///
    /// - Throws: `ContractError`.
    public static func read(_ folder: URL) throws -> MaskBundle {
        try readContract(folder.appendingPathComponent(fileName))
    }

    /// Writes bundle.json into `folder`: a reader sees the old one or the new one.
    public func write(_ folder: URL) throws {
        try writeContract(self, to: folder.appendingPathComponent(Self.fileName))
    }

    func validate() throws {
        try require(schema == schemaVersion, "schema: \(schema) is not \(schemaVersion)")
        try requireOneOf("target.kind", target.kind, kinds)
        try requireOneOf("pipeline", pipeline, pipelines)
        try runtime.validate()
        try require(Set(results.map(\.case)).count == results.count, "results: a case has two")
        for each in results { try each.validate() }
    }
}

extension MaskBundle {
    /// Reads a bundle; `environment` may be left out.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        schema = try keys.decode(Int.self, forKey: .schema)
        target = try keys.decode(Target.self, forKey: .target)
        pipeline = try keys.decode(String.self, forKey: .pipeline)
        runtime = try keys.decode(BundleRuntime.self, forKey: .runtime)
        model = try keys.decode(BundleModel.self, forKey: .model)
        startedAt = try keys.decode(String.self, forKey: .startedAt)
        environment = try keys.decode(.environment, default: [:])
        conditions = try keys.decodeIfPresent(Conditions.self, forKey: .conditions)
        results = try keys.decode([CaseResult].self, forKey: .results)
    }
}

/// The target on which it ran.
public struct Target: Codable, Equatable, Sendable {
    /// `ios-host` or `ios-simulator`.
    public var name: String
    /// `host`, `simulator` or `device`.
    public var kind: String
    /// `ios`, `macos` or `linux`.
    public var platform: String
    /// The processor's ABI.
    public var abi: String
    /// The system, with its version.
    public var os: String
    /// A phone's model.
    public var device: String

    /// A target.
    public init(name: String, kind: String, platform: String, abi: String, os: String, device: String = "") {
        self.name = name
        self.kind = kind
        self.platform = platform
        self.abi = abi
        self.os = os
        self.device = device
    }

    /// Reads a target; `device` may be left out.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        name = try keys.decode(String.self, forKey: .name)
        kind = try keys.decode(String.self, forKey: .kind)
        platform = try keys.decode(String.self, forKey: .platform)
        abi = try keys.decode(String.self, forKey: .abi)
        os = try keys.decode(String.self, forKey: .os)
        device = try keys.decode(.device, default: "")
    }
}

/// What really ran.
public struct BundleRuntime: Codable, Equatable, Sendable {
    /// The API.
    public var name: String
    /// The library's own version.
    public var version: String
    /// The delegate that ran the model, `cpu` for none.
    public var delegate: String
    /// Its threads.
    public var threads: Int
    /// How much of the graph the delegate took; nil if the runtime does not say.
    public var nodes: DelegatedNodes?

    func validate() throws {
        guard let nodes else { return }
        let count = "\(nodes.delegated) of \(nodes.of)"
        try require(nodes.of >= 1 && (0...nodes.of).contains(nodes.delegated), "runtime.nodes: \(count) cannot be")
        try require(
            (delegate == "cpu") == (nodes.delegated == 0), "runtime.nodes: \(delegate) cannot have \(count)"
        )
    }
}

/// The model that ran, by its bytes.
public struct BundleModel: Codable, Equatable, Sendable {
    /// Its name, as requested.
    public var name: String
    /// The file's sha256.
    public var sha256: String
}

/// One case: a mask, or the reason why there is none.
public struct CaseResult: Codable, Equatable, Sendable {
    /// `ok` or `error`.
    public enum Status: String, Codable, Sendable {
        case ok, error
    }

    /// Its id.
    public var `case`: String
    /// The image file's sha256.
    public var imageSha256: String
    /// Whether there is a mask.
    public var status: Status
    /// Why there is none.
    public var error: Failure?
    /// The PNG's path in the bundle.
    public var mask: String?
    /// The PNG's sha256.
    public var maskSha256: String?
    /// Width and height.
    public var maskSize: [Int]?
    /// `host` if the image came as pixels; nil if this process decoded it.
    public var decodedBy: String?
    /// The sha256 of each stage's result.
    public var stages = Stages()
    /// The latency of the runs.
    public var latency: Latency?
    /// The process's memory with the model loaded, in MB.
    public var memoryInitMb: Double?
    /// The process's peak memory so far, in MB.
    public var memoryPeakMb: Double?
    /// The process's memory after the last run, in MB.
    public var memorySteadyMb: Double?
    /// The kernel with which the app says that it scales.
    public var scaling: String?
    /// Intermediate outputs that were asked for and handed on.
    public var taps: [String: Tap] = [:]

    enum CodingKeys: String, CodingKey {
        case `case`, status, error, mask, scaling, stages, latency, taps
        case imageSha256 = "image_sha256"
        case maskSha256 = "mask_sha256"
        case maskSize = "mask_size"
        case decodedBy = "decoded_by"
        case memoryInitMb = "memory_init_mb"
        case memoryPeakMb = "memory_peak_mb"
        case memorySteadyMb = "memory_steady_mb"
    }

    func validate() throws {
        try requireName("results.case", self.case)
        try requireSha256("results.\(self.case).image_sha256", imageSha256)
        try require(
            status != .ok || (mask != nil && maskSha256 != nil && maskSize?.count == 2),
            "results.\(self.case): status ok needs mask, mask_sha256 and mask_size"
        )
        try require(
            status != .ok || error == nil, "results.\(self.case): status ok and an error exclude each other")
        try require(
            decodedBy == nil || decodedBy == "host", "results.\(self.case).decoded_by: \(decodedBy ?? "") is not host")
        try require(status != .error || error != nil, "results.\(self.case): status error needs error")
        try require(
            status != .error || (mask == nil && maskSha256 == nil && maskSize == nil && taps.isEmpty),
            "results.\(self.case): status error and a mask exclude each other"
        )
    }
}

extension CaseResult {
    /// Reads a result; what a failed case does not have may be left out.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        self.case = try keys.decode(String.self, forKey: .case)
        imageSha256 = try keys.decode(String.self, forKey: .imageSha256)
        status = try keys.decode(Status.self, forKey: .status)
        error = try keys.decodeIfPresent(Failure.self, forKey: .error)
        mask = try keys.decodeIfPresent(String.self, forKey: .mask)
        maskSha256 = try keys.decodeIfPresent(String.self, forKey: .maskSha256)
        maskSize = try keys.decodeIfPresent([Int].self, forKey: .maskSize)
        decodedBy = try keys.decodeIfPresent(String.self, forKey: .decodedBy)
        scaling = try keys.decodeIfPresent(String.self, forKey: .scaling)
        stages = try keys.decode(.stages, default: Stages())
        latency = try keys.decodeIfPresent(Latency.self, forKey: .latency)
        memoryInitMb = try keys.decodeIfPresent(Double.self, forKey: .memoryInitMb)
        memoryPeakMb = try keys.decodeIfPresent(Double.self, forKey: .memoryPeakMb)
        memorySteadyMb = try keys.decodeIfPresent(Double.self, forKey: .memorySteadyMb)
        taps = try keys.decode(.taps, default: [:])
    }
}

/// Why a case has no mask.
public struct Failure: Codable, Equatable, Sendable {
    /// `init`, `decode`, `preprocess`, `inference` or `postprocess`.
    public var stage: String
    /// One sentence.
    public var message: String
}

/// sha256 of each stage's result; nil if the segmenter has no access to it.
public struct Stages: Codable, Equatable, Sendable {
    /// Upright RGB bytes.
    public var decoded: String?
    /// RGB bytes of the model's size.
    public var resized: String?
    /// The input tensor, little-endian.
    public var tensor: String?
}

/// Milliseconds; the lists have an entry for each run after the warm-up.
public struct Latency: Codable, Equatable, Sendable {
    /// Loading the model.
    public var initMs: Double
    /// The first inference.
    public var firstMs: Double
    /// Inferences before the measured ones.
    public var warmupMs: [Double]?
    /// Resizing and normalising.
    public var preprocessMs: [Double] = []
    /// Running the model.
    public var inferenceMs: [Double] = []
    /// From the output tensor to the mask.
    public var postprocessMs: [Double] = []
    /// Each measured run as a whole.
    public var totalMs: [Double]?

    enum CodingKeys: String, CodingKey {
        case initMs = "init_ms"
        case firstMs = "first_ms"
        case warmupMs = "warmup_ms"
        case preprocessMs = "preprocess_ms"
        case inferenceMs = "inference_ms"
        case postprocessMs = "postprocess_ms"
        case totalMs = "total_ms"
    }
}

/// An intermediate output; files call it a tap.
public struct Tap: Codable, Equatable, Sendable {
    /// Its path in the bundle.
    public var file: String
    /// The file's sha256.
    public var sha256: String
    /// The unit of a margin map's numbers; nil for what an app hands on.
    public var unit: String?
}
