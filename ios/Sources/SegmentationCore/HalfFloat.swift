/// IEEE 754 half floats; Swift's own `Float16` is not on Macs with Intel processors.
enum HalfFloat {
    /// The bits of the half float next to `value`; of two as near, the even one.
    static func bits(_ value: Float) -> UInt16 {
        let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
        let size = abs(value)
        if value.isNaN { return sign | 0x7e00 }
        if size >= 65520 { return sign | 0x7c00 }
        // Below the least normal half float: division by 2^-24, the least of all, is exact.
        if size < 0x1p-14 { return sign | UInt16((size / 0x1p-24).rounded(.toNearestOrEven)) }
        let magnitude = value.bitPattern & 0x7fff_ffff
        let rounded = (magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13
        return sign | UInt16(rounded - 112 << 10)
    }

    /// The value of a half float.
    static func value(_ bits: UInt16) -> Float {
        let exponent = Int(bits >> 10 & 0x1f)
        let fraction = Float(bits & 0x3ff)
        let size: Float
        switch exponent {
        case 0: size = fraction * 0x1p-24
        case 0x1f: size = fraction == 0 ? .infinity : .nan
        default: size = Float(sign: .plus, exponent: exponent - 25, significand: fraction + 1024)
        }
        return bits >> 15 == 1 ? -size : size
    }
}
