import Foundation
import SegmentationCore
import TensorFlowLiteC

/// A signature's runner; must not outlive its interpreter.
final class SignatureRunner {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { TfLiteSignatureRunnerDelete(pointer) }
}

/// The inputs and outputs of an interpreter: those of the first subgraph by index, or those of a signature by name.
enum Graph {
    case first(OpaquePointer)
    case signature(SignatureRunner)

    /// An input; nil if there is none.
    func input(_ index: Int, _ name: String?) -> UnsafeMutablePointer<TfLiteTensor>? {
        switch self {
        case .first(let interpreter):
            guard index < TfLiteInterpreterGetInputTensorCount(interpreter) else { return nil }
            return TfLiteInterpreterGetInputTensor(interpreter, Int32(index))
        case .signature(let runner): return TfLiteSignatureRunnerGetInputTensor(runner.pointer, name ?? "")
        }
    }

    /// An output; nil if there is none.
    func output(_ index: Int, _ name: String?) -> UnsafePointer<TfLiteTensor>? {
        switch self {
        case .first(let interpreter):
            guard index < TfLiteInterpreterGetOutputTensorCount(interpreter) else { return nil }
            return TfLiteInterpreterGetOutputTensor(interpreter, Int32(index))
        case .signature(let runner): return TfLiteSignatureRunnerGetOutputTensor(runner.pointer, name ?? "")
        }
    }

    /// Gives an input another shape; its tensors have to be allocated again.
    func resize(_ index: Int, _ name: String?, to shape: [Int32]) -> TfLiteStatus {
        switch self {
        case .first(let interpreter):
            return TfLiteInterpreterResizeInputTensor(interpreter, Int32(index), shape, Int32(shape.count))
        case .signature(let runner):
            return TfLiteSignatureRunnerResizeInputTensor(runner.pointer, name ?? "", shape, Int32(shape.count))
        }
    }

    /// Allocates the tensors.
    func allocate() -> TfLiteStatus {
        switch self {
        case .first(let interpreter): return TfLiteInterpreterAllocateTensors(interpreter)
        case .signature(let runner): return TfLiteSignatureRunnerAllocateTensors(runner.pointer)
        }
    }

    /// Runs it.
    func invoke() -> TfLiteStatus {
        switch self {
        case .first(let interpreter): return TfLiteInterpreterInvoke(interpreter)
        case .signature(let runner): return TfLiteSignatureRunnerInvoke(runner.pointer)
        }
    }
}

extension Constant {
    /// The bytes of a tensor that holds the constant.
    ///
    /// - Throws: `SegmenterError` of stage `init` for a tensor that cannot.
    func bytes(for tensor: TensorInfo) throws -> [UInt8] {
        let count = tensor.shape.reduce(1, *)
        guard values.count == 1 || values.count == count else {
            throw SegmenterError(
                stage: "init", message: "the input \(name) has \(count) values, and \(values.count) are declared"
            )
        }
        let all = values.count == count ? values : [Double](repeating: values[0], count: count)
        func raw<Value>(_ narrow: (Double) -> Value) -> [UInt8] { all.map(narrow).withUnsafeBytes { [UInt8]($0) } }
        switch tensor.type {
        case "float32": return raw { Float($0) }
        case "int32": return raw { Int32($0) }
        case "int64": return raw { Int64($0) }
        case "int16": return raw { Int16($0) }
        case "int8": return raw { Int8($0) }
        case "uint8": return raw { UInt8($0) }
        case "bool": return raw { $0 != 0 }
        default:
            throw SegmenterError(stage: "init", message: "the input \(name) is of \(tensor.type), which no constant is")
        }
    }
}
