import Foundation
import SegmentationCore
import TensorFlowLiteC

#if canImport(TensorFlowLiteCCoreML)
    import TensorFlowLiteCCoreML
#endif
#if canImport(TensorFlowLiteCMetal)
    import TensorFlowLiteCMetal
#endif

/// A TensorFlow Lite delegate that lives as long as the interpreter it was given to, and what it really took.
final class InterpreterDelegate {
    typealias Pointer = UnsafeMutablePointer<TfLiteDelegate>
    private typealias Prepare = @convention(c) (UnsafeMutablePointer<TfLiteContext>?, Pointer?) -> TfLiteStatus

    let pointer: Pointer
    private let delete: (Pointer) -> Void

    /// The delegate for `wanted`; nil where none is needed.
    ///
    /// - Throws: `SegmenterError` of stage `init` for one that this platform or device does not have.
    static func open(_ wanted: Delegate, threads: Int) throws -> InterpreterDelegate? {
        switch wanted {
        case .cpu: return nil
        case .xnnpack:
            var options = TfLiteXNNPackDelegateOptionsDefault()
            options.num_threads = Int32(threads)
            return try InterpreterDelegate(TfLiteXNNPackDelegateCreate(&options), "XNNPACK") {
                TfLiteXNNPackDelegateDelete($0)
            }
        case .coreml:
            #if canImport(TensorFlowLiteCCoreML)
                var options = TfLiteCoreMlDelegateOptions()
                options.enabled_devices = TfLiteCoreMlDelegateDevicesWithNeuralEngine
                options.min_nodes_per_partition = 2
                // nil on a device without Neural Engine, and in a simulator.
                return try InterpreterDelegate(TfLiteCoreMlDelegateCreate(&options), "Core ML with a Neural Engine") {
                    TfLiteCoreMlDelegateDelete($0)
                }
            #else
                throw missing("Core ML")
            #endif
        case .metal:
            #if canImport(TensorFlowLiteCMetal)
                var options = TFLGpuDelegateOptions()
                options.allow_precision_loss = false
                options.wait_type = TFLGpuDelegateWaitTypePassive
                options.enable_quantization = true
                return try InterpreterDelegate(TFLGpuDelegateCreate(&options), "Metal") { TFLGpuDelegateDelete($0) }
            #else
                throw missing("Metal")
            #endif
        }
    }

    private init(_ pointer: Pointer?, _ name: String, delete: @escaping (Pointer) -> Void) throws {
        guard let pointer else {
            throw SegmenterError(stage: "init", message: "this device has no \(name) for TensorFlow Lite")
        }
        self.pointer = pointer
        self.delete = delete
        Self.watch(pointer)
    }

    deinit {
        Self.watched.with { $0[pointer] = nil }
        delete(pointer)
    }

    /// How much of the graph the delegate took; nil where it was not asked in a way that can be watched.
    var nodes: DelegatedNodes? { Self.watched.with { $0[pointer]?.nodes } }

    /// A delegate that can do nothing with a model takes nothing and says nothing; only the graph itself knows.
    ///
    /// So its `Prepare` is called by a function of ours, which counts the nodes that are left to the CPU.
    private static func watch(_ pointer: Pointer) {
        guard let prepare = pointer.pointee.Prepare else { return }
        watched.with { $0[pointer] = Watched(prepare: prepare) }
        pointer.pointee.Prepare = { InterpreterDelegate.prepare($0, $1) }
    }

    private static func prepare(_ context: UnsafeMutablePointer<TfLiteContext>?, _ delegate: Pointer?) -> TfLiteStatus {
        guard let context, let delegate, let prepare = watched.with({ $0[delegate]?.prepare }) else {
            return kTfLiteError
        }
        let before = nodes(context).count
        let status = prepare(context, delegate)
        let left = nodes(context).filter { $0 != delegate }.count
        if before > 0 {
            watched.with { $0[delegate]?.nodes = DelegatedNodes(delegated: before - left, of: before) }
        }
        return status
    }

    /// The delegate of each node in the order of execution; nil for the CPU's.
    private static func nodes(_ context: UnsafeMutablePointer<TfLiteContext>) -> [Pointer?] {
        var plan: UnsafeMutablePointer<TfLiteIntArray>?
        guard context.pointee.GetExecutionPlan(context, &plan) == kTfLiteOk, let plan else { return [] }
        // A flexible array member, which Swift does not import: the numbers follow the count.
        let numbers = UnsafeRawPointer(plan).advanced(by: MemoryLayout<Int32>.size).assumingMemoryBound(to: Int32.self)
        return (0..<Int(plan.pointee.size)).map { index in
            var node: UnsafeMutablePointer<TfLiteNode>?
            var registration: UnsafeMutablePointer<TfLiteRegistration>?
            _ = context.pointee.GetNodeAndRegistration(context, numbers[index], &node, &registration)
            return node?.pointee.delegate
        }
    }

    private struct Watched {
        let prepare: Prepare
        var nodes: DelegatedNodes?
    }

    /// A C function has no place for a value of its own, so what is watched is looked up by the delegate's address.
    private static let watched = Locked<[Pointer: Watched]>([:])

    private static func missing(_ name: String) -> SegmenterError {
        SegmenterError(stage: "init", message: "this platform has no \(name) delegate")
    }
}

/// A value that several threads may use, one at a time.
private final class Locked<Value>: @unchecked Sendable {
    private var value: Value
    private let lock = NSLock()

    init(_ value: Value) { self.value = value }

    func with<Answer>(_ use: (inout Value) -> Answer) -> Answer {
        lock.lock()
        defer { lock.unlock() }
        return use(&value)
    }
}
