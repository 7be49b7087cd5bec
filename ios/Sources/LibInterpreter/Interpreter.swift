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

    /// The first input.
    func input() throws -> TensorInfo {
        guard let tensor = TfLiteInterpreterGetInputTensor(pointer, 0) else {
            throw Self.failure("init", "the model has no input")
        }
        return try info(tensor)
    }

    /// An output.
    func output(_ index: Int) throws -> TensorInfo {
        let count = Int(TfLiteInterpreterGetOutputTensorCount(pointer))
        guard index < count, let tensor = TfLiteInterpreterGetOutputTensor(pointer, Int32(index)) else {
            throw Self.failure("init", "there is no output \(index); the model has \(count)")
        }
        return try info(tensor)
    }

    /// Fills the first input and runs the graph.
    ///
    /// - Throws: `SegmenterError` of stage `inference` with TensorFlow Lite's message.
    func run(_ bytes: [UInt8]) throws {
        let input = TfLiteInterpreterGetInputTensor(pointer, 0)
        let copied = bytes.withUnsafeBytes { TfLiteTensorCopyFromBuffer(input, $0.baseAddress, $0.count) }
        guard copied == kTfLiteOk, TfLiteInterpreterInvoke(pointer) == kTfLiteOk else {
            throw Self.failure("inference", reported.text)
        }
    }

    /// An output's memory, which is valid until the next run.
    func outputBytes(_ index: Int) throws -> UnsafeRawBufferPointer {
        guard let tensor = TfLiteInterpreterGetOutputTensor(pointer, Int32(index)), let data = TfLiteTensorData(tensor)
        else { throw Self.failure("postprocess", "output \(index) has no memory") }
        return UnsafeRawBufferPointer(start: data, count: TfLiteTensorByteSize(tensor))
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
