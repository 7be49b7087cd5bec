import Foundation
import SegmentationCore

/// bundle.json: what an app says it did. docs/bundle.md explains every key.
///
/// Not `Bundle` and `Result` as elsewhere: every Swift file of an app knows those names already.
public struct MaskBundle: Codable, Equatable, Contract {
    var schema = schemaVersion
    /// Where it ran.
    public var target: Target
    /// `lib_interpreter` or `lib_task_api`.
    public var pipeline: String
    /// What really ran.
    public var runtime: BundleRuntime
    /// What was run.
    public var model: BundleModel
    /// ISO 8601.
    public var startedAt: String
    /// What else may explain a difference or a time.
    public var environment: [String: String] = [:]
    /// One for each case that is done.
    public var results: [CaseResult]

    enum CodingKeys: String, CodingKey {
        case schema, target, pipeline, runtime, model, environment, results
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
        results = try keys.decode([CaseResult].self, forKey: .results)
    }
}

/// Where it ran.
public struct Target: Codable, Equatable, Sendable {
    /// `ios-host` or `ios-simulator`.
    public var name: String
    /// `host`, `simulator` or `device`.
    public var kind: String
    /// `ios`, `macos` or `linux`.
    public var platform: String
    /// The processor's.
    public var abi: String
    /// With its version.
    public var os: String
    /// A phone's model.
    public var device: String

    /// A place.
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
    /// The delegate that had the model, `cpu` for none.
    public var delegate: String
    /// Threads that it used.
    public var threads: Int
    /// How much of the graph the delegate took; nil where the runtime does not tell.
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

/// The model that was run, by its bytes.
public struct BundleModel: Codable, Equatable, Sendable {
    /// As requested.
    public var name: String
    /// Of the file.
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
    /// Of the image's file.
    public var imageSha256: String
    /// Whether there is a mask.
    public var status: Status
    /// Why there is none.
    public var error: Failure?
    /// The PNG's path in the bundle.
    public var mask: String?
    /// Of the PNG.
    public var maskSha256: String?
    /// Width and height.
    public var maskSize: [Int]?
    /// `host` where the image came as pixels; nil where this process has decoded it.
    public var decodedBy: String?
    /// What each stage handed on.
    public var stages = Stages()
    /// How long it took.
    public var latency: Latency?
    /// The process's largest memory so far.
    public var memoryPeakMb: Double?
    /// No app keeps one yet, but bundles of others have them.
    public var taps: [String: Tap] = [:]

    enum CodingKeys: String, CodingKey {
        case `case`, status, error, mask, stages, latency, taps
        case imageSha256 = "image_sha256"
        case maskSha256 = "mask_sha256"
        case maskSize = "mask_size"
        case decodedBy = "decoded_by"
        case memoryPeakMb = "memory_peak_mb"
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
        stages = try keys.decode(.stages, default: Stages())
        latency = try keys.decodeIfPresent(Latency.self, forKey: .latency)
        memoryPeakMb = try keys.decodeIfPresent(Double.self, forKey: .memoryPeakMb)
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

/// sha256 of what each stage handed on; nil where the segmenter does not see it.
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
    /// The first inference of all.
    public var firstMs: Double
    /// Resizing and normalising.
    public var preprocessMs: [Double] = []
    /// The model.
    public var inferenceMs: [Double] = []
    /// From the output tensor to the mask.
    public var postprocessMs: [Double] = []

    enum CodingKeys: String, CodingKey {
        case initMs = "init_ms"
        case firstMs = "first_ms"
        case preprocessMs = "preprocess_ms"
        case inferenceMs = "inference_ms"
        case postprocessMs = "postprocess_ms"
    }
}

/// A file kept besides the mask.
public struct Tap: Codable, Equatable, Sendable {
    /// Its path in the bundle.
    public var file: String
    /// Of the file.
    public var sha256: String
    /// What its numbers count.
    public var unit: String
}
