/// RGB bytes as the image tensor of a model.
///
/// float32 is (pixel - mean) / std in float32, and float16 that value, rounded to even. Integers are the float32 value
/// / scale, rounded half away from zero, plus the zero point, clamped; but uint8 may be the pixels as they are. A
/// fourth channel holds 0, or what becomes of 255 for alpha, as images are opaque. There are only 256 pixel values, so
/// a table has all results.
public struct InputTensor {
    private let input: ImageInput
    private let quantisation: Quantisation
    private let tables: [[UInt32]]
    private let last: UInt32

    /// For an image tensor; `scale` and `zeroPoint` are its quantisation, 0 for none.
    public init(_ input: ImageInput, scale: Float = 0, zeroPoint: Int = 0) {
        self.input = input
        quantisation = Quantisation(input: input, scale: scale, zeroPoint: Float(zeroPoint))
        let colours = input.colours == .gray ? 1 : 3
        let quantisation = quantisation
        tables = (0..<colours).map { channel in (0..<256).map { quantisation.element($0, channel) } }
        last = input.fourth == .alpha ? quantisation.element(255, input.depth - 1) : quantisation.bits(0)
    }

    /// The tensor's bytes for `rgb`, in native order, which is little-endian wherever Swift runs.
    public func bytes(of rgb: [UInt8]) -> [UInt8] {
        switch input.type {
        case .float32, .int32: return bytes(of: rgb) { $0 }
        case .float16, .int16: return bytes(of: rgb) { UInt16(truncatingIfNeeded: $0) }
        case .uint8 where isRgb && quantisation.takesPixels: return rgb
        case .uint8, .int8: return bytes(of: rgb) { UInt8(truncatingIfNeeded: $0) }
        }
    }

    private var isRgb: Bool { input.colours == .rgb && input.fourth == nil && input.layout == .nhwc }

    private func bytes<Element>(of rgb: [UInt8], _ narrow: (UInt32) -> Element) -> [UInt8] {
        let pixels = input.width * input.height
        let depth = input.depth
        let size = MemoryLayout<Element>.size
        let source = input.colours == .gray ? gray(rgb) : rgb
        let stride = input.colours == .gray ? 1 : 3
        return [UInt8](unsafeUninitializedCapacity: size * depth * pixels) { bytes, filled in
            let raw = UnsafeMutableRawBufferPointer(bytes)
            let step = size * (input.layout == .nhwc ? depth : 1)
            for channel in 0..<depth {
                var offset = size * (input.layout == .nhwc ? channel : channel * pixels)
                guard channel < tables.count else {
                    for _ in 0..<pixels {
                        raw.storeBytes(of: narrow(last), toByteOffset: offset, as: Element.self)
                        offset += step
                    }
                    continue
                }
                let table = tables[channel].map(narrow)
                var from = input.colours == .bgr ? 2 - channel : channel
                for _ in 0..<pixels {
                    raw.storeBytes(of: table[Int(source[from])], toByteOffset: offset, as: Element.self)
                    from += stride
                    offset += step
                }
            }
            filled = size * depth * pixels
        }
    }

    /// By ITU-R 601's weights in 65536ths.
    private func gray(_ rgb: [UInt8]) -> [UInt8] {
        var gray = [UInt8](repeating: 0, count: rgb.count / 3)
        for pixel in gray.indices {
            var weighed: Int = 19595 * Int(rgb[3 * pixel])
            weighed += 38470 * Int(rgb[3 * pixel + 1])
            weighed += 7471 * Int(rgb[3 * pixel + 2])
            gray[pixel] = UInt8((weighed + 0x8000) >> 16)
        }
        return gray
    }
}

/// What a tensor holds of a pixel, as the low bits of a number.
private struct Quantisation {
    let input: ImageInput
    let scale: Float
    let zeroPoint: Float

    var takesPixels: Bool { input.type == .uint8 && input.steps == .pixels }

    func element(_ pixel: Int, _ channel: Int) -> UInt32 {
        if takesPixels { return UInt32(pixel) }
        let mean = input.mean[input.mean.count == 1 ? 0 : channel]
        let std = input.std[input.std.count == 1 ? 0 : channel]
        return bits((Float(pixel) - mean) / std)
    }

    func bits(_ value: Float) -> UInt32 {
        switch input.type {
        case .float32: return value.bitPattern
        case .float16: return UInt32(HalfFloat.bits(value))
        case .uint8: return quantise(value, 0, 255)
        case .int8: return quantise(value, -128, 127)
        case .int16: return quantise(value, -32768, 32767)
        case .int32: return quantise(value, -2_147_483_648, 2_147_483_520)  // the greatest float32 that is an Int32
        }
    }

    private func quantise(_ value: Float, _ lowest: Float, _ highest: Float) -> UInt32 {
        let level = scale == 0 ? value : value / scale
        // Not rounded(): Python and Kotlin round the sum to float32 first, and so does this.
        let size = (abs(level) + 0.5).rounded(.down)
        let rounded = level < 0 ? -size : size
        return UInt32(bitPattern: Int32(min(max(rounded + zeroPoint, lowest), highest)))
    }
}
