#if canImport(CryptoKit)
    import CryptoKit
    import Foundation
#endif

/// The sha256 of bytes, in hex.
package func sha256(_ data: [UInt8]) -> String {
    #if canImport(CryptoKit)
        return hex(SHA256.hash(data: data))
    #else
        return OwnSha256.hex(data)
    #endif
}

private func hex(_ digest: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xf)]] }, as: UTF8.self)
}

/// SHA-256 (FIPS 180-4) for platforms without CryptoKit.
///
/// This is our own code, because Foundation on Linux has no hash, and swift-crypto would be the package's only
/// dependency, which everyone who builds it would have to fetch.
enum OwnSha256 {
    static func hex(_ data: [UInt8]) -> String { SegmentationCore.hex(hash(data)) }

    private static func hash(_ data: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [
            0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
        ]
        var tail = Array(data.suffix(data.count % 64)) + [0x80]
        tail += [UInt8](repeating: 0, count: (120 - tail.count) % 64)
        tail += (0..<8).reversed().map { UInt8(truncatingIfNeeded: (data.count * 8) >> (8 * $0)) }
        var words = [UInt32](repeating: 0, count: 64)
        for start in stride(from: 0, to: data.count - data.count % 64, by: 64) {
            data.withUnsafeBufferPointer { mix($0, start, &words, &state) }
        }
        for start in stride(from: 0, to: tail.count, by: 64) {
            tail.withUnsafeBufferPointer { mix($0, start, &words, &state) }
        }
        return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
    }

    /// Mixes one block of 64 bytes into the state.
    private static func mix(
        _ data: UnsafeBufferPointer<UInt8>, _ start: Int, _ words: inout [UInt32], _ state: inout [UInt32]
    ) {
        words.withUnsafeMutableBufferPointer { words in
            for index in 0..<16 {
                let offset = start + 4 * index
                words[index] =
                    UInt32(data[offset]) << 24 | UInt32(data[offset + 1]) << 16 | UInt32(data[offset + 2]) << 8
                    | UInt32(data[offset + 3])
            }
            for index in 16..<64 {
                let (early, late) = (words[index - 15], words[index - 2])
                let first = turn(early, 7) ^ turn(early, 18) ^ early >> 3
                let second = turn(late, 17) ^ turn(late, 19) ^ late >> 10
                words[index] = words[index - 16] &+ first &+ words[index - 7] &+ second
            }
            var (a, b, c, d) = (state[0], state[1], state[2], state[3])
            var (e, f, g, h) = (state[4], state[5], state[6], state[7])
            for index in 0..<64 {
                let choice = e & f ^ ~e & g
                let one = h &+ (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) &+ choice &+ constants[index] &+ words[index]
                let two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) &+ (a & b ^ a & c ^ b & c)
                (h, g, f, e) = (g, f, e, d &+ one)
                (d, c, b, a) = (c, b, a, one &+ two)
            }
            for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= value }
        }
    }

    @inline(__always)
    private static func turn(_ value: UInt32, _ bits: UInt32) -> UInt32 { value >> bits | value << (32 - bits) }

    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]
}
