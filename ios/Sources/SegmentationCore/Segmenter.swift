import Foundation

/// A loaded segmentation model. Use it from one thread at a time.
public protocol Segmenter: AnyObject {
    /// What runs the model, as far as the segmenter knows.
    var runtime: RuntimeInfo { get }

    /// The category mask of an upright image of any size.
    ///
    /// - Throws: `SegmenterError` with the stage that failed.
    func segment(_ image: RGBImage) throws -> Segmentation
}

/// What really runs, which may differ from the request.
public struct RuntimeInfo: Equatable, Sendable {
    /// The API, for example `TensorFlow Lite C API`.
    public let name: String
    /// The library's own version.
    public let version: String
    /// The delegate that runs the model, `cpu` for none.
    public let delegate: String
    /// Threads that it uses.
    public let threads: Int
    /// How much of the graph the delegate took; nil if the runtime does not say.
    public let nodes: DelegatedNodes?

    /// A runtime.
    public init(name: String, version: String, delegate: String, threads: Int, nodes: DelegatedNodes? = nil) {
        self.name = name
        self.version = version
        self.delegate = delegate
        self.threads = threads
        self.nodes = nodes
    }
}

/// How many nodes of a model's graph a delegate took, and how many the graph has, as in bundles.
public struct DelegatedNodes: Codable, Equatable, Sendable {
    /// Nodes that the delegate runs.
    public let delegated: Int
    /// Nodes of the graph before the delegate changed it.
    public let of: Int

    /// A count of nodes.
    public init(delegated: Int, of: Int) {
        self.delegated = delegated
        self.of = of
    }
}

/// The mask that a model predicts for one image, with the milliseconds of each stage.
public struct Segmentation: Sendable {
    /// The category mask.
    public let mask: Mask
    /// Milliseconds for resizing and normalising.
    public let preprocessMs: Double
    /// Milliseconds for running the model.
    public let inferenceMs: Double
    /// Milliseconds from the output tensor to the mask.
    public let postprocessMs: Double
    /// RGB bytes of the model's size, row by row; nil if the segmenter has no access to them.
    public let resized: [UInt8]?
    /// The input tensor's bytes, little-endian; nil if the segmenter has no access to them.
    public let tensor: [UInt8]?
    /// The kernel that made `resized`; goldmask can judge the rest alone if it knows that kernel (docs/scaling.md).
    public let scaling: Scaling?

    /// A mask with its latency.
    public init(
        mask: Mask, preprocessMs: Double, inferenceMs: Double, postprocessMs: Double, resized: [UInt8]? = nil,
        tensor: [UInt8]? = nil, scaling: Scaling? = nil
    ) {
        self.mask = mask
        self.preprocessMs = preprocessMs
        self.inferenceMs = inferenceMs
        self.postprocessMs = postprocessMs
        self.resized = resized
        self.tensor = tensor
        self.scaling = scaling
    }
}

/// A model's file, with what a segmenter needs to fill its inputs and to read its output.
public struct Model: Sendable {
    /// The .tflite file.
    public let file: URL
    /// A name for each class.
    public let labels: [String]
    /// The image tensor.
    public let input: ImageInput
    /// The output that is the mask.
    public let output: MaskOutput
    /// Inputs beside the image.
    public let constants: [Constant]
    /// The signature to run; nil for that of the first subgraph.
    public let signature: String?

    /// A model on disk.
    public init(
        file: URL, labels: [String], input: ImageInput, output: MaskOutput, constants: [Constant] = [],
        signature: String? = nil
    ) {
        self.file = file
        self.labels = labels
        self.input = input
        self.output = output
        self.constants = constants
        self.signature = signature
    }
}

/// The image tensor `[1, height, width, channels]`, or `[1, channels, height, width]`, and its normalisation
/// `(pixel - mean) / std`: one value, or one for each channel in the tensor's order.
public struct ImageInput: Sendable {
    /// Rows.
    public let height: Int
    /// Pixels in a row.
    public let width: Int
    /// The type of its values.
    public let type: TensorType
    /// The mean, subtracted from each pixel.
    public let mean: [Float]
    /// The standard deviation, by which the difference is divided.
    public let std: [Float]
    /// Its index among the inputs.
    public var index = 0
    /// Channels last or first.
    public var layout = Layout.nhwc
    /// The colours in the tensor's order.
    public var colours = Colours.rgb
    /// What the channel behind the colours holds; nil if there is none.
    public var fourth: Fourth?
    /// What a uint8 tensor holds.
    public var steps = Steps.pixels
    /// Its name in the signature.
    public var name: String?

    /// An image tensor.
    public init(height: Int, width: Int, type: TensorType, mean: [Float], std: [Float]) {
        self.height = height
        self.width = width
        self.type = type
        self.mean = mean
        self.std = std
    }

    /// The number of channels.
    public var depth: Int { (colours == .gray ? 1 : 3) + (fourth == nil ? 0 : 1) }
}

/// The output that is the mask.
///
/// Its values lie row by row, whatever the tensor's rank: those of a pixel side by side, or those of a class.
public struct MaskOutput: Sendable {
    /// Its index among the outputs.
    public let index: Int
    /// The meaning of its values.
    public let kind: OutputKind
    /// Classes last or first.
    public var layout = Layout.nhwc
    /// Rows; nil for a tensor whose own shape has them.
    public var height: Int?
    /// Pixels in a row; nil for a tensor whose own shape has them.
    public var width: Int?
    /// How many scores a pixel has, or how many numbers a class map may hold.
    public var classes: Int?
    /// The value of pixels of which a class map says nothing.
    public var ignore: Int?
    /// Its name in the signature.
    public var name: String?

    /// An output by its index.
    public init(index: Int, kind: OutputKind) {
        self.index = index
        self.kind = kind
    }
}

/// An input that always holds the same values.
public struct Constant: Sendable {
    /// Its index among the inputs.
    public let index: Int
    /// Its name.
    public let name: String
    /// Row by row; one value stands for all.
    public let values: [Double]

    /// An input by its index.
    public init(index: Int, name: String, values: [Double]) {
        self.index = index
        self.name = name
        self.values = values
    }
}

/// The type of an image tensor's values.
public enum TensorType: String, CaseIterable, Sendable {
    case float32, uint8, int8, float16, int16, int32
}

/// Channels, or classes, last or first.
public enum Layout: String, CaseIterable, Sendable {
    case nhwc, nchw
}

/// The colours of an image tensor in its order; gray is one channel, by the weights of ITU-R 601.
public enum Colours: String, CaseIterable, Sendable {
    case rgb, bgr, gray
}

/// What the channel behind the colours holds.
public enum Fourth: String, CaseIterable, Sendable {
    case zero, alpha
    case previousMask = "previous mask"
}

/// What a uint8 image tensor holds: the pixels as they are, or the steps of what mean and std make of them.
public enum Steps: String, CaseIterable, Sendable {
    case pixels, normalised
}

/// Scores of classes, class indices, or the probability of one class, as such or as a logit.
public enum OutputKind: String, CaseIterable, Sendable {
    case logits, classes, probability, logit
}

/// What runs the nodes: the runtime's own kernels (`cpu`), or a delegate; spelled as in requests and bundles.
public enum Delegate: String, CaseIterable, Sendable {
    case cpu, xnnpack, coreml, metal
}

/// How to scale an image to the model's size: bit for bit the same everywhere, or with the platform's own method.
public enum Resize: String, CaseIterable, Sendable {
    case fixed, platform
}

/// The kernel that scaled an image to the model's size, spelled as in bundles. docs/scaling.md defines each.
public enum Scaling: String, CaseIterable, Sendable {
    case fixed
    case openCVLinear = "opencv linear"
    case openCVArea = "opencv area"
    case openCVCubic = "opencv cubic"
    case pillowBox = "pillow box"
    case pillowBilinear = "pillow bilinear"
    case pillowBicubic = "pillow bicubic"
    case pillowLanczos = "pillow lanczos"
}

/// How to run a model.
public struct SegmenterOptions: Sendable {
    /// Threads for the CPU kernels and XNNPACK.
    public let threads: Int
    /// The delegate to use.
    public let delegate: Delegate
    /// How to scale images to the model's size.
    public let resize: Resize

    /// Options; the defaults are those of the goldens.
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

/// Milliseconds since `start`, by a monotonic clock.
public func msSince(_ start: DispatchTime) -> Double {
    Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1e6
}
