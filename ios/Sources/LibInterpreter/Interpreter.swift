import Foundation
import SegmentationCore
import TensorFlowLiteC

/// A tensor as the interpreter describes it; `scale` and `zeroPoint` are its quantisation.
struct TensorInfo {
    let shape: [Int]
    let type: String
    let scale: Float
    let zeroPoint: Int
}

/// TensorFlow Lite's C API; owns every object that the API returns.
final class Interpreter {
    private let pointer: OpaquePointer
    private let model: OpaquePointer
    private let delegate: InterpreterDelegate?
    private let reported = ReportedError()

    /// Loads `file`, applies `delegate` to its graph, and allocates its tensors.
    ///
    /// - Throws: `SegmenterError` of stage `init`.
    init(file: URL, threads: Int, delegate: InterpreterDelegate?) throws {
        let name = file.lastPathComponent
        guard let model = TfLiteModelCreateFromFile(file.path) else {
            throw Self.failure("init", "\(name) is not a TensorFlow Lite model, or cannot be read")
        }
        let options = TfLiteInterpreterOptionsCreate()
        defer { TfLiteInterpreterOptionsDelete(options) }
        TfLiteInterpreterOptionsSetNumThreads(options, Int32(threads))
        TfLiteInterpreterOptionsSetErrorReporter(
            options,
            { reported, format, arguments in
                guard let reported, let format, let arguments else { return }
                Unmanaged<ReportedError>.fromOpaque(reported).takeUnretainedValue().add(format, arguments)
            },
            Unmanaged.passUnretained(reported).toOpaque()
        )
        if let delegate { TfLiteInterpreterOptionsAddDelegate(options, delegate.pointer) }
        guard let pointer = TfLiteInterpreterCreate(model, options) else {
            TfLiteModelDelete(model)
            throw Self.failure("init", "the interpreter refuses \(name): \(reported.text)")
        }
        guard TfLiteInterpreterAllocateTensors(pointer) == kTfLiteOk else {
            TfLiteInterpreterDelete(pointer)
            TfLiteModelDelete(model)
            throw Self.failure("init", "the interpreter cannot allocate the tensors of \(name): \(reported.text)")
        }
        self.model = model
        self.pointer = pointer
        self.delegate = delegate
    }

    deinit {
        TfLiteInterpreterDelete(pointer)  // before the model and the delegate that it uses
        TfLiteModelDelete(model)
    }

    /// The inputs and outputs of the first subgraph, or of a signature.
    ///
    /// - Throws: `SegmenterError` of stage `init` for a signature that the model does not have.
    func graph(signature: String?) throws -> Graph {
        guard let signature else { return .first(pointer) }
        guard let runner = TfLiteInterpreterGetSignatureRunner(pointer, signature) else {
            throw Self.failure("init", "the model has no signature \(signature)")
        }
        return .signature(SignatureRunner(runner))
    }

    /// An input, after it was resized to `shape` if it is open.
    ///
    /// - Throws: `SegmenterError` of stage `init`.
    func input(_ index: Int, _ name: String?, of graph: Graph, resizedTo shape: [Int]? = nil) throws -> TensorInfo {
        guard let tensor = graph.input(index, name) else {
            throw Self.failure("init", "the model has no input \(name ?? String(index))")
        }
        let found = try info(tensor)
        guard let shape, found.shape != shape else { return found }
        let open = openShape(tensor)
        guard open.count == shape.count, zip(open, shape).allSatisfy({ $0 == -1 || $0 == $1 }) else { return found }
        guard graph.resize(index, name, to: shape.map(Int32.init)) == kTfLiteOk, graph.allocate() == kTfLiteOk,
            let resized = graph.input(index, name)
        else { throw Self.failure("init", "the interpreter cannot have an input \(shape): \(reported.text)") }
        return try info(resized)
    }

    /// An output.
    ///
    /// - Throws: `SegmenterError` of stage `init`.
    func output(_ index: Int, _ name: String?, of graph: Graph) throws -> TensorInfo {
        guard let tensor = graph.output(index, name) else {
            let count = Int(TfLiteInterpreterGetOutputTensorCount(pointer))
            throw Self.failure("init", "there is no output \(name ?? String(index)); the model has \(count)")
        }
        return try info(tensor)
    }

    /// Allocates the tensors of a signature.
    ///
    /// - Throws: `SegmenterError` of stage `init`.
    func allocate(_ graph: Graph) throws {
        guard graph.allocate() == kTfLiteOk else {
            throw Self.failure("init", "the interpreter cannot allocate the tensors: \(reported.text)")
        }
    }

    /// Fills the inputs and runs the graph.
    ///
    /// - Throws: `SegmenterError` of stage `inference` with TensorFlow Lite's message.
    func run(_ graph: Graph, _ inputs: [(index: Int, name: String?, bytes: [UInt8])]) throws {
        for (index, name, bytes) in inputs {
            let input = graph.input(index, name)
            let copied = bytes.withUnsafeBytes { TfLiteTensorCopyFromBuffer(input, $0.baseAddress, $0.count) }
            guard copied == kTfLiteOk else { throw Self.failure("inference", reported.text) }
        }
        guard graph.invoke() == kTfLiteOk else { throw Self.failure("inference", reported.text) }
    }

    /// An output's memory, which is valid until the next run.
    func outputBytes(_ index: Int, _ name: String?, of graph: Graph) throws -> UnsafeRawBufferPointer {
        guard let tensor = graph.output(index, name), let data = TfLiteTensorData(tensor)
        else { throw Self.failure("postprocess", "output \(index) has no memory") }
        return UnsafeRawBufferPointer(start: data, count: TfLiteTensorByteSize(tensor))
    }

    /// The shape as the file has it, -1 where it is open.
    private func openShape(_ tensor: UnsafePointer<TfLiteTensor>) -> [Int] {
        guard let signature = tensor.pointee.dims_signature, signature.pointee.size > 0 else { return [] }
        // Swift does not import a flexible array member: the numbers follow the count.
        let sides = UnsafeRawPointer(signature).advanced(by: MemoryLayout<Int32>.size)
            .assumingMemoryBound(to: Int32.self)
        return (0..<Int(signature.pointee.size)).map { Int(sides[$0]) }
    }

    private func info(_ tensor: UnsafePointer<TfLiteTensor>) throws -> TensorInfo {
        let quantisation = TfLiteTensorQuantizationParams(tensor)
        return TensorInfo(
            shape: (0..<TfLiteTensorNumDims(tensor)).map { Int(TfLiteTensorDim(tensor, $0)) },
            type: Self.name(of: TfLiteTensorType(tensor)),
            scale: quantisation.scale,
            zeroPoint: Int(quantisation.zero_point)
        )
    }

    private static func name(of type: TfLiteType) -> String {
        switch type {
        case kTfLiteFloat32: return "float32"
        case kTfLiteInt8: return "int8"
        case kTfLiteUInt8: return "uint8"
        case kTfLiteInt32: return "int32"
        case kTfLiteInt64: return "int64"
        case kTfLiteInt16: return "int16"
        case kTfLiteFloat16: return "float16"
        case kTfLiteBool: return "bool"
        default: return "type \(type.rawValue)"
        }
    }

    private static func failure(_ stage: String, _ message: String) -> SegmenterError {
        SegmenterError(stage: stage, message: message)
    }
}

/// The last error that TensorFlow Lite reported.
private final class ReportedError {
    private static let longest = 1000
    private(set) var text = "it gives no reason"

    func add(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) {
        var line = [CChar](repeating: 0, count: Self.longest)
        vsnprintf(&line, line.count, format, arguments)
        text = String(cString: line)
    }
}
