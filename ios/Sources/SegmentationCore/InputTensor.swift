/// RGB bytes as the input tensor of a model.
///
/// float32 is (pixel - mean) / std in float32; uint8 is the pixel; int8 is the float32 value / scale, rounded half away
/// from zero, plus the zero point, clamped. There are only 256 pixel values, so a table has all results.
public struct InputTensor {
    private let type: TensorType
    private let normalised: [[Float]]
    private let quantised: [[UInt8]]

    /// For an image tensor; `scale` and `zeroPoint` are its quantisation, used only for int8.
    public init(_ input: ImageInput, scale: Float = 0, zeroPoint: Int = 0) {
        type = input.type
        normalised = (0..<3).map { channel in
            let mean = input.mean[input.mean.count == 1 ? 0 : channel]
            let std = input.std[input.std.count == 1 ? 0 : channel]
            return (0..<256).map { (Float($0) - mean) / std }
        }
        quantised =
            input.type == .int8
            ? normalised.map { $0.map { Self.quantise($0 / scale, zeroPoint) } } : []
    }

    /// The tensor's bytes for `rgb`, in native order, which is little-endian wherever Swift runs.
    public func bytes(of rgb: [UInt8]) -> [UInt8] {
        switch type {
        case .uint8: return rgb
        case .int8:
            return [UInt8](unsafeUninitializedCapacity: rgb.count) { bytes, filled in
                for index in rgb.indices { bytes[index] = quantised[index % 3][Int(rgb[index])] }
                filled = rgb.count
            }
        case .float32:
            let size = MemoryLayout<Float>.size
            return [UInt8](unsafeUninitializedCapacity: size * rgb.count) { bytes, filled in
                let raw = UnsafeMutableRawBufferPointer(bytes)
                for index in rgb.indices {
                    raw.storeBytes(
                        of: normalised[index % 3][Int(rgb[index])], toByteOffset: size * index, as: Float.self)
                }
                filled = size * rgb.count
            }
        default: return []
        }
    }

    private static func quantise(_ level: Float, _ zeroPoint: Int) -> UInt8 {
        // Not rounded(): Python and Kotlin round the sum to float32 first, and so does this.
        let rounded = Float(sign: level.sign, exponent: 0, significand: (abs(level) + 0.5).rounded(.down))
        return UInt8(bitPattern: Int8(min(max(rounded + Float(zeroPoint), -128), 127)))
    }
}
