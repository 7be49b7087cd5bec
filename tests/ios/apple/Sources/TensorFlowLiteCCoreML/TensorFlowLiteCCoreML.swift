// Handwritten stand-in, after tensorflow/lite/delegates/coreml/coreml_delegate.h.
import TensorFlowLiteC

public struct TfLiteCoreMlDelegateEnabledDevices {
    public let rawValue: UInt32
}

public let TfLiteCoreMlDelegateDevicesWithNeuralEngine = TfLiteCoreMlDelegateEnabledDevices(rawValue: 0)

public struct TfLiteCoreMlDelegateOptions {
    public var enabled_devices = TfLiteCoreMlDelegateEnabledDevices(rawValue: 9)
    public var min_nodes_per_partition: Int32 = 0
    public init() {}
}

/// As on a device without a Neural Engine.
public func TfLiteCoreMlDelegateCreate(_ options: UnsafePointer<TfLiteCoreMlDelegateOptions>!)
    -> UnsafeMutablePointer<TfLiteDelegate>!
{
    nil
}

public func TfLiteCoreMlDelegateDelete(_ delegate: UnsafeMutablePointer<TfLiteDelegate>!) {}
