import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension Target {
    /// The target on which this process runs.
    public static var current: Target {
        let os = "\(platform) \(ProcessInfo.processInfo.operatingSystemVersionString)"
        #if targetEnvironment(simulator)
            let device = ProcessInfo.processInfo.environment["SIMULATOR_MODEL_IDENTIFIER"] ?? ""
            return Target(
                name: "ios-simulator", kind: "simulator", platform: platform, abi: abi, os: os, device: device)
        #elseif os(iOS)
            return Target(name: "ios-simulator", kind: "device", platform: platform, abi: abi, os: os, device: machine)
        #else
            return Target(name: "ios-host", kind: "host", platform: platform, abi: abi, os: os)
        #endif
    }

    private static var platform: String {
        #if os(Linux)
            "linux"
        #elseif os(macOS)
            "macos"
        #else
            "ios"
        #endif
    }

    private static var abi: String {
        #if arch(arm64)
            "arm64"
        #else
            "x86_64"
        #endif
    }

    #if os(iOS)
        /// The model's identifier, for example `iPhone16,2`.
        private static var machine: String {
            var name = utsname()
            uname(&name)
            return withUnsafeBytes(of: &name.machine) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
    #endif
}

/// The memory of this process now, in MB; on Apple's systems its footprint, by which they end a process.
func memoryMb() -> Double? {
    #if canImport(Darwin)
        var info = task_vm_info_data_t()
        var count = mach_msg_type_number_t(MemoryLayout<task_vm_info_data_t>.size / MemoryLayout<natural_t>.size)
        let result = withUnsafeMutablePointer(to: &info) {
            $0.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
                task_info(mach_task_self_, task_flavor_t(TASK_VM_INFO), $0, &count)
            }
        }
        return result == KERN_SUCCESS ? Double(info.phys_footprint) / Double(1 << 20) : nil
    #else
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
        else { return nil }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE))) / Double(1 << 20)
    #endif
}

/// The peak memory of this process so far, in MB.
func memoryPeakMb() -> Double? {
    var usage = rusage()
    let ownProcess: Int32 = 0  // RUSAGE_SELF, which Darwin and Glibc import as different types
    guard getrusage(ownProcess, &usage) == 0 else { return nil }
    #if canImport(Darwin)
        return Double(usage.ru_maxrss) / Double(1 << 20)  // bytes
    #else
        return Double(usage.ru_maxrss) / Double(1 << 10)  // KiB
    #endif
}
