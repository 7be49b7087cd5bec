import Foundation
import SegmentationCore
import TensorFlowLiteC

#if canImport(CoreGraphics)
    import CoreGraphics
#endif

/// `Segmenter` on TensorFlow Lite's C API, with our pre- and post-processing, bit for bit as in docs/images.md.
public final class InterpreterSegmenter: Segmenter {
    /// What really runs; it does not name a delegate that took no node of the graph.
    public let runtime: RuntimeInfo

    private let interpreter: Interpreter
    private let input: ImageInput
    private let options: SegmenterOptions
    private let tensor: InputTensor
    private let output: OutputMask
    private let mask: MaskOutput
    private let graph: Graph
    private let constants: [(index: Int, name: String?, bytes: [UInt8])]
    private var fixed: FixedResize?

    /// Loads a model.
    ///
    /// - Throws: `SegmenterError` of stage `init` for a model that does not load or a missing delegate.
    public init(model: Model, options: SegmenterOptions) throws {
        #if !canImport(CoreGraphics)
            if options.resize == .platform {
                throw Self.failure("this platform has no resize of its own")
            }
        #endif
        let delegate = try InterpreterDelegate.open(options.delegate, threads: options.threads)
        interpreter = try Interpreter(file: model.file, threads: options.threads, delegate: delegate)
        graph = try interpreter.graph(signature: model.signature)
        try interpreter.allocate(graph)
        let image = model.input
        let (height, width, depth) = (image.height, image.width, image.depth)
        let shape = image.layout == .nhwc ? [1, height, width, depth] : [1, depth, height, width]
        let found = try interpreter.input(image.index, image.name, of: graph, resizedTo: shape)
        guard found.shape == shape, found.type == image.type.rawValue else {
            throw Self.failure("the input is \(found.type) \(found.shape), not \(image.type.rawValue) \(shape)")
        }
        tensor = InputTensor(image, scale: found.scale, zeroPoint: found.zeroPoint)
        let (interpreter, graph) = (interpreter, graph)
        constants = try model.constants.map {
            ($0.index, $0.name, try $0.bytes(for: try interpreter.input($0.index, $0.name, of: graph)))
        }
        mask = model.output
        let output = try interpreter.output(mask.index, mask.name, of: graph)
        guard let type = OutputType(rawValue: output.type) else {
            throw Self.failure("an output of type \(output.type) is not a mask")
        }
        self.output = try OutputMask(mask, shape: output.shape, type: type)
        input = image
        self.options = options
        let isIdle = delegate?.nodes?.delegated == 0
        let onCpu = options.delegate == .cpu || options.delegate == .xnnpack || isIdle
        runtime = RuntimeInfo(
            name: "TensorFlow Lite C API",
            version: String(cString: TfLiteVersion()),
            delegate: isIdle ? Delegate.cpu.rawValue : options.delegate.rawValue,
            threads: onCpu ? options.threads : 1,
            nodes: delegate?.nodes
        )
    }

    /// The category mask of an image of any size.
    public func segment(_ image: RGBImage) throws -> Segmentation {
        let began = DispatchTime.now()
        let rgb = try resized(image)
        let bytes = tensor.bytes(of: rgb)
        let preprocessMs = msSince(began)
        let prepared = DispatchTime.now()
        try interpreter.run(graph, [(input.index, input.name, bytes)] + constants)
        let inferenceMs = msSince(prepared)
        let inferred = DispatchTime.now()
        let mask = try output.read(try interpreter.outputBytes(self.mask.index, self.mask.name, of: graph))
        return Segmentation(
            mask: mask,
            preprocessMs: preprocessMs,
            inferenceMs: inferenceMs,
            postprocessMs: msSince(inferred),
            resized: rgb,
            tensor: bytes,
            scaling: options.resize == .fixed ? .fixed : nil  // CoreGraphics does not say how it scales
        )
    }

    private func resized(_ image: RGBImage) throws -> [UInt8] {
        #if canImport(CoreGraphics)
            if options.resize == .platform {
                return try coreGraphicsResize(image, width: input.width, height: input.height)
            }
        #endif
        if let fixed, fixed.fits(image) { return fixed.resize(image) }
        let made = FixedResize(
            sourceWidth: image.width, sourceHeight: image.height, width: input.width, height: input.height
        )
        fixed = made
        return made.resize(image)
    }

    private static func failure(_ message: String) -> SegmenterError {
        SegmenterError(stage: "init", message: message)
    }
}

#if canImport(CoreGraphics)
    /// The result for an app that draws its image into a smaller context.
    private func coreGraphicsResize(_ image: RGBImage, width: Int, height: Int) throws -> [UInt8] {
        let space = CGColorSpaceCreateDeviceRGB()
        let opaque = CGImageAlphaInfo.noneSkipLast.rawValue
        guard
            let provider = CGDataProvider(data: Data(image.pixels) as CFData),
            let source = CGImage(
                width: image.width, height: image.height, bitsPerComponent: 8, bitsPerPixel: 24,
                bytesPerRow: 3 * image.width, space: space, bitmapInfo: CGBitmapInfo(rawValue: 0), provider: provider,
                decode: nil, shouldInterpolate: true, intent: .defaultIntent
            ),
            let context = CGContext(
                data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width, space: space,
                bitmapInfo: opaque
            )
        else { throw SegmenterError(stage: "preprocess", message: "CoreGraphics has no context of \(width)×\(height)") }
        context.draw(source, in: CGRect(x: 0, y: 0, width: width, height: height))
        guard let memory = context.data else {
            throw SegmenterError(stage: "preprocess", message: "CoreGraphics drew nothing")
        }
        let raster = Raster(
            width: width, height: height, bytesPerRow: context.bytesPerRow,
            pixel: .bytes(4, red: 0, green: 1, blue: 2)
        )
        return try raster.image(of: UnsafeRawBufferPointer(start: memory, count: context.bytesPerRow * height)).pixels
    }
#endif
