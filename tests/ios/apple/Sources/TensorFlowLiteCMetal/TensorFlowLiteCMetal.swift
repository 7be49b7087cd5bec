// Handwritten stand-in, after tensorflow/lite/delegates/gpu/metal_delegate.h.
import TensorFlowLiteC

public struct TFLGpuDelegateWaitType {
    public let rawValue: UInt32
}

public let TFLGpuDelegateWaitTypePassive = TFLGpuDelegateWaitType(rawValue: 0)

public struct TFLGpuDelegateOptions {
    public var allow_precision_loss = true
    public var wait_type = TFLGpuDelegateWaitType(rawValue: 9)
    public var enable_quantization = false
    public init() {}
}

/// A delegate that takes no node.
public func TFLGpuDelegateCreate(_ options: UnsafePointer<TFLGpuDelegateOptions>!) -> UnsafeMutablePointer<
    TfLiteDelegate
>! {
    let delegate = UnsafeMutablePointer<TfLiteDelegate>.allocate(capacity: 1)
    delegate.initialize(to: TfLiteDelegate())
    delegate.pointee.Prepare = { _, _ in kTfLiteOk }
    return delegate
}

public func TFLGpuDelegateDelete(_ delegate: UnsafeMutablePointer<TfLiteDelegate>!) { delegate.deallocate() }
