import Foundation

/// Facts that decide whether a latency is valid; nil is what this system does not tell.
public struct Conditions: Codable, Equatable, Sendable {
    /// Whether the app was built in the configuration Debug.
    public var debuggable: Bool?
    /// Whether Low Power Mode is on.
    public var lowPower: Bool?
    /// The thermal state at the start, by Android's names: `none`, `light`, `severe` or `critical`.
    public var thermalBefore: String?
    /// The thermal state after the last case.
    public var thermalAfter: String?

    enum CodingKeys: String, CodingKey {
        case debuggable
        case lowPower = "low_power"
        case thermalBefore = "thermal_before"
        case thermalAfter = "thermal_after"
    }

    /// Nothing is known yet.
    public init() {}

    /// What this process can tell now.
    public static func now() -> Conditions {
        var found = Conditions()
        #if DEBUG
            found.debuggable = true
        #else
            found.debuggable = false
        #endif
        #if canImport(Darwin)
            found.thermalBefore = thermal(ProcessInfo.processInfo.thermalState.rawValue)
            found.thermalAfter = found.thermalBefore
            if #available(macOS 12, iOS 9, *) { found.lowPower = ProcessInfo.processInfo.isLowPowerModeEnabled }
        #endif
        return found
    }

    /// These conditions with what became of them until `later`: Low Power Mode counts if it was on at any time.
    func until(_ later: Conditions) -> Conditions {
        var found = self
        found.thermalAfter = later.thermalAfter
        found.lowPower = lowPower == true ? true : later.lowPower
        return found
    }

    /// Android's name for a raw `ProcessInfo.ThermalState`; nil for one that is not known.
    static func thermal(_ state: Int) -> String? {
        let names = ["none", "light", "severe", "critical"]  // nominal, fair, serious, critical
        return names.indices.contains(state) ? names[state] : nil
    }
}
