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
    /// Inputs beside the image.
    public var constants: [RequestConstant]
    /// The signature to run; nil for that of the first subgraph.
    public var signature: String?

    /// Reads a model; `constants` and `signature` may be left out.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        name = try keys.decode(String.self, forKey: .name)
        file = try keys.decode(String.self, forKey: .file)
        sha256 = try keys.decode(String.self, forKey: .sha256)
        labels = try keys.decode([String].self, forKey: .labels)
        input = try keys.decode(RequestInput.self, forKey: .input)
        output = try keys.decode(RequestOutput.self, forKey: .output)
        constants = try keys.decode(.constants, default: [])
        signature = try keys.decodeIfPresent(String.self, forKey: .signature)
    }

    /// The model for a segmenter; a relative file is in `folder`.
    ///
    /// - Throws: `ContractError`.
    public func model(in folder: URL) throws -> Model {
        Model(
            file: resolve(file, in: folder),
            labels: labels,
            input: try input.image(),
            output: try output.mask(),
            constants: constants.map { Constant(index: $0.index, name: $0.name, values: $0.values) },
            signature: signature
        )
    }

    func validate() throws {
        try requireName("model.name", name)
        try requireSha256("model.sha256", sha256)
        try require((1...maxLabels).contains(labels.count), "model.labels: there are \(labels.count) of them")
        try input.validate()
        try output.validate()
        for each in constants {
            try require(each.index >= 0 && !each.values.isEmpty, "model.constants: \(each.name) has no values")
        }
    }
}

/// The image tensor and its normalisation.
public struct RequestInput: Codable, Equatable {
    /// Rows.
    public var height: Int
    /// Pixels in a row.
    public var width: Int
    /// `float32`, `uint8`, `int8`, `float16`, `int16` or `int32`.
    public var dtype: String
    /// The mean, subtracted from each pixel; one value, or one for each channel.
    public var mean: [Float]
    /// The standard deviation, by which the difference is divided; one value, or one for each channel.
    public var std: [Float]
    /// Its index among the inputs.
    public var index: Int
    /// `nhwc` or `nchw`.
    public var layout: String
    /// `rgb`, `bgr` or `gray`.
    public var channels: String
    /// `zero`, `alpha` or `previous mask`; nil if nothing follows the colours.
    public var fourth: String?
    /// `pixels` or `normalised`.
    public var steps: String
    /// Its name in the signature.
    public var name: String?

    /// Reads an image tensor; what models rarely need may be left out.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        height = try keys.decode(Int.self, forKey: .height)
        width = try keys.decode(Int.self, forKey: .width)
        dtype = try keys.decode(String.self, forKey: .dtype)
        mean = try keys.decode([Float].self, forKey: .mean)
        std = try keys.decode([Float].self, forKey: .std)
        index = try keys.decode(.index, default: 0)
        layout = try keys.decode(.layout, default: "nhwc")
        channels = try keys.decode(.channels, default: "rgb")
        fourth = try keys.decodeIfPresent(String.self, forKey: .fourth)
        steps = try keys.decode(.steps, default: "pixels")
        name = try keys.decodeIfPresent(String.self, forKey: .name)
    }

    /// The image tensor for a segmenter.
    ///
    /// - Throws: `ContractError`.
    func image() throws -> ImageInput {
        guard let type = TensorType(rawValue: dtype), let order = Layout(rawValue: layout),
            let colours = Colours(rawValue: channels), let steps = Steps(rawValue: steps)
        else { throw ContractError("model.input: \(dtype), \(layout), \(channels), \(steps)") }
        var image = ImageInput(height: height, width: width, type: type, mean: mean, std: std)
        image.index = index
        image.layout = order
        image.colours = colours
        image.fourth = fourth.flatMap(Fourth.init(rawValue:))
        image.steps = steps
        image.name = name
        return image
    }

    func validate() throws {
        try require(height >= 1 && width >= 1, "model.input: \(width)×\(height) is not a size")
        try require(index >= 0, "model.input.index: \(index) is negative")
        try requireOneOf("model.input.dtype", dtype, TensorType.allCases.map(\.rawValue))
        try requireOneOf("model.input.layout", layout, Layout.allCases.map(\.rawValue))
        try requireOneOf("model.input.channels", channels, Colours.allCases.map(\.rawValue))
        if let fourth { try requireOneOf("model.input.fourth", fourth, Fourth.allCases.map(\.rawValue)) }
        try requireOneOf("model.input.steps", steps, Steps.allCases.map(\.rawValue))
        let depth = try image().depth
        try require(
            [1, depth].contains(mean.count) && [1, depth].contains(std.count),
            "model.input: mean and std have one value or \(depth)"
        )
        try require(!std.contains(0), "model.input.std: 0 divides by zero")
    }
}

/// The output that is the mask.
public struct RequestOutput: Codable, Equatable {
    /// Its index among the outputs.
    public var index: Int
    /// `logits`, `classes`, `probability` or `logit`.
    public var kind: String
    /// `nhwc` or `nchw`.
    public var layout: String
    /// Rows; nil for a tensor whose own shape has them.
    public var height: Int?
    /// Pixels in a row; nil for a tensor whose own shape has them.
    public var width: Int?
    /// How many scores a pixel has, or how many numbers a class map may hold.
    public var classes: Int?
    /// One quantisation step of its scores, 0 for floats.
    public var scale: Double
    /// The step of a score of 0.
    public var zeroPoint: Int
    /// From which probability on a soft mask is class 1.
    public var threshold: Double?
    /// The score that a soft mask is made of.
    public var foreground: Int?
    /// The value of pixels of which a class map says nothing.
    public var ignore: Int?
    /// Its name in the signature.
    public var name: String?

    enum CodingKeys: String, CodingKey {
        case index, kind, layout, height, width, classes, scale, threshold, foreground, ignore, name
        case zeroPoint = "zero_point"
    }

    /// Reads an output; all but its index and kind may be left out.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        index = try keys.decode(Int.self, forKey: .index)
        kind = try keys.decode(String.self, forKey: .kind)
        layout = try keys.decode(.layout, default: "nhwc")
        height = try keys.decodeIfPresent(Int.self, forKey: .height)
        width = try keys.decodeIfPresent(Int.self, forKey: .width)
        classes = try keys.decodeIfPresent(Int.self, forKey: .classes)
        scale = try keys.decode(.scale, default: 0)
        zeroPoint = try keys.decode(.zeroPoint, default: 0)
        threshold = try keys.decodeIfPresent(Double.self, forKey: .threshold)
        foreground = try keys.decodeIfPresent(Int.self, forKey: .foreground)
        ignore = try keys.decodeIfPresent(Int.self, forKey: .ignore)
        name = try keys.decodeIfPresent(String.self, forKey: .name)
    }

    /// The output for a segmenter.
    ///
    /// - Throws: `ContractError`.
    func mask() throws -> MaskOutput {
        guard let kind = OutputKind(rawValue: kind), let order = Layout(rawValue: layout) else {
            throw ContractError("model.output: \(kind), \(layout)")
        }
        var mask = MaskOutput(index: index, kind: kind)
        mask.layout = order
        mask.height = height
        mask.width = width
        mask.classes = classes
        mask.ignore = ignore
        mask.name = name
        return mask
    }

    func validate() throws {
        try require(index >= 0, "model.output.index: \(index) is negative")
        try requireOneOf("model.output.kind", kind, OutputKind.allCases.map(\.rawValue))
        try requireOneOf("model.output.layout", layout, Layout.allCases.map(\.rawValue))
        try require(
            [height, width, classes].allSatisfy { $0 ?? 1 >= 1 },
            "model.output: a side, or the number of classes, is not positive"
        )
    }
}

/// An input beside the image, which always holds the same values.
public struct RequestConstant: Codable, Equatable {
    /// Its index among the inputs.
    public var index: Int
    /// Its name.
    public var name: String
    /// Row by row; one value stands for all.
    public var values: [Double]
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
        let unknown = taps.first { !handedOn.contains($0) }
        try require(unknown == nil, "options.taps: an iOS app hands on \(handedOn), and no \(unknown ?? "")")
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
