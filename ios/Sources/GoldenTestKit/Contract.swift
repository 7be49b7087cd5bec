import Foundation

/// A request or a bundle breaks the contract of docs/bundle.md; the message is one sentence.
public struct ContractError: LocalizedError, Equatable, CustomStringConvertible {
    /// What is wrong; begins with the key.
    public let message: String

    init(_ message: String) { self.message = message }

    /// For logs.
    public var description: String { message }
    /// For people.
    public var errorDescription: String? { message }
}

/// The content of a file of the contract.
protocol Contract: Codable {
    /// Throws `ContractError` for a value that the contract does not allow.
    func validate() throws
}

let schemaVersion = 1
let maxLabels = 1 << 16
let maxThreads = 64
let pipelines = ["lib_interpreter", "lib_task_api"]
let delegates = ["cpu", "xnnpack", "gpu", "nnapi", "coreml", "metal"]
/// The intermediate outputs that an app can hand on.
let handedOn = ["resized", "tensor"]
let kinds = ["host", "jvm", "emulator", "simulator", "device"]

func require(_ allowed: Bool, _ message: @autoclosure () -> String) throws {
    if !allowed { throw ContractError(message()) }
}

func requireName(_ key: String, _ value: String) throws {
    try require(
        value.range(of: "^[a-z0-9][a-z0-9._-]{0,63}$", options: .regularExpression) != nil,
        "\(key): '\(value)' is not a name (a-z, 0-9, '.', '_', '-')"
    )
}

func requireSha256(_ key: String, _ value: String) throws {
    try require(
        value.range(of: "^[0-9a-f]{64}$", options: .regularExpression) != nil, "\(key): '\(value)' is not a sha256"
    )
}

func requireOneOf(_ key: String, _ value: String, _ allowed: [String]) throws {
    try require(allowed.contains(value), "\(key): \(value) is not one of \(allowed)")
}

/// Reads a file of the contract; refuses unknown keys, missing keys and bad values.
func readContract<Value: Contract>(_ file: URL) throws -> Value {
    let data: Data
    do {
        data = try Data(contentsOf: file)
    } catch {
        throw ContractError("\(file.path) cannot be read: \(error.localizedDescription)")
    }
    do {
        let value = try JSONDecoder().decode(Value.self, from: data)
        // Codable ignores unknown keys; they are the keys that reading and writing loses.
        let given = try JSONSerialization.jsonObject(with: data)
        let kept = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
        if let key = lostKey(given, kept, at: "") { throw ContractError("\(key): unknown key") }
        try value.validate()
        return value
    } catch let error as ContractError {
        throw ContractError("\(file.path) breaks the bundle contract: \(error.message)")
    } catch let error as DecodingError {
        throw ContractError("\(file.path) breaks the bundle contract: \(sentence(error))")
    } catch {
        throw ContractError("\(file.path) is not JSON: \(error.localizedDescription)")
    }
}

/// Writes to a temporary file and renames it: a reader sees the old file or the new one.
func writeContract<Value: Contract>(_ value: Value, to file: URL) throws {
    try value.validate()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try (encoder.encode(value) + Data("\n".utf8)).write(to: file, options: .atomic)
}

private func lostKey(_ given: Any, _ kept: Any?, at path: String) -> String? {
    if let given = given as? [String: Any] {
        let kept = kept as? [String: Any]
        for (key, value) in given.sorted(by: { $0.key < $1.key }) where !(value is NSNull) {
            let inside = path.isEmpty ? key : "\(path).\(key)"
            guard let partner = kept?[key] else { return inside }
            if let lost = lostKey(value, partner, at: inside) { return lost }
        }
    } else if let given = given as? [Any], let kept = kept as? [Any] {
        for (index, (value, partner)) in zip(given, kept).enumerated() {
            if let lost = lostKey(value, partner, at: "\(path).\(index)") { return lost }
        }
    }
    return nil
}

private func sentence(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): return "\(dotted(context.codingPath + [key])): missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
        return [dotted(context.codingPath), context.debugDescription].filter { !$0.isEmpty }.joined(separator: ": ")
    @unknown default: return error.localizedDescription
    }
}

private func dotted(_ path: [any CodingKey]) -> String {
    path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
}

extension KeyedDecodingContainer {
    func decode<Value: Decodable>(_ key: Key, default value: Value) throws -> Value {
        try decodeIfPresent(Value.self, forKey: key) ?? value
    }
}
