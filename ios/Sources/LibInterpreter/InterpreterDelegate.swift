import Foundation
import SegmentationCore
import TensorFlowLiteC

#if canImport(TensorFlowLiteCCoreML)
    import TensorFlowLiteCCoreML
#endif
#if canImport(TensorFlowLiteCMetal)
    import TensorFlowLiteCMetal
#endif

/// A TensorFlow Lite delegate, and the nodes that it really took. It must outlive the interpreter that uses it.
final class InterpreterDelegate {
    typealias Pointer = UnsafeMutablePointer<TfLiteDelegate>
    private typealias Prepare = @convention(c) (UnsafeMutablePointer<TfLiteContext>?, Pointer?) -> TfLiteStatus

    let pointer: Pointer
    private let delete: (Pointer) -> Void

    /// The delegate for `wanted`; nil if none is needed.
    ///
    /// - Throws: `SegmenterError` of stage `init` for a delegate that this platform or device does not have.
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

    /// How much of the graph the delegate took; nil if the interpreter did not call it in a way that can be observed.
    var nodes: DelegatedNodes? { Self.watched.with { $0[pointer]?.nodes } }

    /// A delegate that cannot run any part of a model takes nothing and reports nothing; only the graph shows it.
    ///
    /// So our own function calls its `Prepare` and counts the nodes that stay on the CPU.
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

    /// The delegate of each node in the order of execution; nil for nodes on the CPU.
    private static func nodes(_ context: UnsafeMutablePointer<TfLiteContext>) -> [Pointer?] {
        var plan: UnsafeMutablePointer<TfLiteIntArray>?
        guard context.pointee.GetExecutionPlan(context, &plan) == kTfLiteOk, let plan else { return [] }
        // Swift does not import a flexible array member: the numbers follow the count.
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

    /// A C function cannot capture values, so it looks up the observed delegate by its address.
    private static let watched = Locked<[Pointer: Watched]>([:])

    private static func missing(_ name: String) -> SegmenterError {
        SegmenterError(stage: "init", message: "this platform has no \(name) delegate")
    }
}

/// A value that several threads can use, one at a time.
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
