import Foundation

/// A loaded segmentation model. Use it from one thread at a time.
public protocol Segmenter: AnyObject {
    /// What runs the model, as far as the segmenter can know.
    var runtime: RuntimeInfo { get }

    /// The category mask of an upright image of any size.
    ///
    /// - Throws: `SegmenterError` with the stage that failed.
    func segment(_ image: RGBImage) throws -> Segmentation
}

/// What really runs, which is not always what was asked for.
public struct RuntimeInfo: Equatable, Sendable {
    /// The API, `TensorFlow Lite C API` say.
    public let name: String
    /// The library's own version.
    public let version: String
    /// The delegate that has the model, `cpu` for none.
    public let delegate: String
    /// Threads that it uses.
    public let threads: Int
    /// How much of the graph the delegate took; nil where the runtime does not tell.
    public let nodes: DelegatedNodes?

    /// A runtime, as it names itself.
    public init(name: String, version: String, delegate: String, threads: Int, nodes: DelegatedNodes? = nil) {
        self.name = name
        self.version = version
        self.delegate = delegate
        self.threads = threads
        self.nodes = nodes
    }
}

/// How many nodes of a model's graph a delegate took, and how many the graph has; written into bundles as it is.
public struct DelegatedNodes: Codable, Equatable, Sendable {
    /// Nodes that the delegate computes.
    public let delegated: Int
    /// Nodes of the graph before there was a delegate.
    public let of: Int

    /// A count of nodes.
    public init(delegated: Int, of: Int) {
        self.delegated = delegated
        self.of = of
    }
}

/// Class indices 0 to 255, row by row.
public struct Mask: Equatable, Sendable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// `width * height` of them.
    public let classes: [UInt8]

    /// A mask; that `classes` fill it is the caller's to see to.
    public init(width: Int, height: Int, classes: [UInt8]) {
        precondition(classes.count == width * height, "\(classes.count) classes are no mask of \(width)×\(height)")
        self.width = width
        self.height = height
        self.classes = classes
    }
}

/// One image through a model, and milliseconds by stage.
public struct Segmentation: Sendable {
    /// What the model saw.
    public let mask: Mask
    /// Resizing and normalising.
    public let preprocessMs: Double
    /// The model.
    public let inferenceMs: Double
    /// From the output tensor to the mask.
    public let postprocessMs: Double
    /// RGB bytes of the model's size, row by row; nil where the segmenter does not see them.
    public let resized: [UInt8]?
    /// The input tensor's bytes, little-endian; nil where the segmenter does not see them.
    public let tensor: [UInt8]?

    /// A mask with its times.
    public init(
        mask: Mask, preprocessMs: Double, inferenceMs: Double, postprocessMs: Double, resized: [UInt8]? = nil,
        tensor: [UInt8]? = nil
    ) {
        self.mask = mask
        self.preprocessMs = preprocessMs
        self.inferenceMs = inferenceMs
        self.postprocessMs = postprocessMs
        self.resized = resized
        self.tensor = tensor
    }
}

/// A model's file, and what has to be known of it to feed it and to read its output.
public struct Model: Sendable {
    /// The .tflite file.
    public let file: URL
    /// A name for each class.
    public let labels: [String]
    /// The image tensor.
    public let input: ImageInput
    /// The output that makes the mask.
    public let output: MaskOutput

    /// A model on disk.
    public init(file: URL, labels: [String], input: ImageInput, output: MaskOutput) {
        self.file = file
        self.labels = labels
        self.input = input
        self.output = output
    }
}

/// The image tensor `[1, height, width, 3]` and its normalisation `(pixel - mean) / std`; one value or three each.
public struct ImageInput: Sendable {
    /// Rows.
    public let height: Int
    /// Pixels in a row.
    public let width: Int
    /// Of its values.
    public let type: TensorType
    /// Taken from a pixel.
    public let mean: [Float]
    /// What the rest is divided by.
    public let std: [Float]

    /// An image tensor.
    public init(height: Int, width: Int, type: TensorType, mean: [Float], std: [Float]) {
        self.height = height
        self.width = width
        self.type = type
        self.mean = mean
        self.std = std
    }
}

/// Which output makes the mask.
public struct MaskOutput: Sendable {
    /// Its place among the outputs.
    public let index: Int
    /// What its numbers are.
    public let kind: OutputKind

    /// An output by its place.
    public init(index: Int, kind: OutputKind) {
        self.index = index
        self.kind = kind
    }
}

/// The type of an input tensor's values.
public enum TensorType: String, CaseIterable, Sendable {
    case float32, uint8, int8
}

/// Scores `[1, height, width, classes]`, or class indices `[1, height, width]`.
public enum OutputKind: String, CaseIterable, Sendable {
    case logits, classes
}

/// What computes: the runtime's own kernels, or what they can be handed to; spelled as in requests and bundles.
public enum Delegate: String, CaseIterable, Sendable {
    case cpu, xnnpack, coreml, metal
}

/// How an image gets the model's size: bit for bit the same everywhere, or as the platform does it.
public enum Resize: String, CaseIterable, Sendable {
    case fixed, platform
}

/// How to run a model.
public struct SegmenterOptions: Sendable {
    /// For kernels on the CPU.
    public let threads: Int
    /// What to compute with.
    public let delegate: Delegate
    /// How images get the model's size.
    public let resize: Resize

    /// The options that goldens are made with, and what differs.
    public init(threads: Int = 2, delegate: Delegate = .xnnpack, resize: Resize = .fixed) {
        self.threads = threads
        self.delegate = delegate
        self.resize = resize
    }
}

/// Why there is no mask.
public struct SegmenterError: LocalizedError, Equatable, CustomStringConvertible {
    /// `init`, `decode`, `preprocess`, `inference` or `postprocess`.
    public let stage: String
    /// One sentence.
    public let message: String

    /// A failure of a stage.
    public init(stage: String, message: String) {
        self.stage = stage
        self.message = message
    }

    /// For logs.
    public var description: String { "\(stage): \(message)" }
    /// For people.
    public var errorDescription: String? { message }
}

/// Milliseconds since `start`, of a clock that never goes back.
public func msSince(_ start: DispatchTime) -> Double {
    Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1e6
}
