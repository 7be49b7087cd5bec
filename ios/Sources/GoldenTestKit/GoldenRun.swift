import Foundation
import SegmentationCore

/// The golden test of an app: runs a request.json of goldmask and writes a bundle.
///
/// An app passes its segmenter to `run`; docs/adopt-ios.md shows a complete example. The run judges nothing: a model
/// that does not load and an image that does not decode are errors in the bundle, and goldmask compares the masks. It
/// throws only if it cannot write a bundle.
///
/// It rewrites bundle.json after every case, so that a process that dies leaves its finished cases.
public struct GoldenRun {
    /// Decodes an image file, given its case and its bytes, to upright pixels.
    public typealias Decode = (_ case: RequestCase, _ data: [UInt8]) throws -> RGBImage

    /// The request.
    public let request: Request
    /// The folder of the request's relative paths.
    public let folder: URL
    /// The bundle's folder.
    public let out: URL
    /// The target on which this process runs.
    public var target = Target.current
    /// Other facts that may explain a difference or a latency.
    public var environment: [String: String] = [:]
    /// Asked before the first case and after each; by default what this process can tell.
    public var conditions: () -> Conditions = Conditions.now
    /// A folder with the cases' pixels as PPM files named after them, if a host has decoded the images for a platform
    /// that cannot; this process turns them upright. nil if this process decodes by itself, as it does every BMP.
    public var hostPixels: URL?
    /// Replace it if the app does not decode with `ImageFile`.
    public var decode: Decode = { try ImageFile.decode(name: $0.file, data: $1, orientation: $0.orientation) }
    /// Called for each finished case; by default it prints a line for goldmask's progress bar.
    public var onResult: (CaseResult) -> Void = GoldenRun.report
    /// Called every ten seconds with the number of an image's runs so far; by default it prints a line, so that
    /// goldmask knows that nothing hangs.
    public var onRuns: (Int) -> Void = { GoldenRun.printLine("{\"runs\": \($0)}") }
    var reportEveryMs = 10_000.0

    /// The run of the request in `file`. Writes the bundle to `out`, which it creates if necessary.
    ///
    /// - Throws: `ContractError` for a request that it cannot use.
    public init(request file: URL, out: URL) throws {
        request = try Request.read(file)
        folder = file.deletingLastPathComponent()
        self.out = out
    }

    /// The run that goldmask requests from a test process: by the paths in `GOLDMASK_REQUEST` and `GOLDMASK_OUT`, or by
    /// the name in `GOLDMASK_RUN` of the run that goldmask has copied into the app's container.
    ///
    /// - Throws: `ContractError`.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        if let name = environment["GOLDMASK_RUN"] {
            try self.init(inContainer: name)
            return
        }
        func path(_ key: String, _ what: String) throws -> URL {
            guard let path = environment[key], !path.isEmpty else {
                throw ContractError("the path of \(what) is missing: give it in the environment as \(key)")
            }
            return URL(fileURLWithPath: path)
        }
        try self.init(
            request: path("GOLDMASK_REQUEST", "request.json"), out: path("GOLDMASK_OUT", "the bundle's folder")
        )
    }

    /// Runs every case on the segmenter that `open` creates for the model, and returns the written bundle.
    ///
    /// An error of `open` becomes an error of stage `init` in the bundle.
    @discardableResult
    public func run(open: (Model, SegmenterOptions) throws -> any Segmenter) throws -> MaskBundle {
        try FileManager.default.createDirectory(
            at: out.appendingPathComponent("masks"), withIntermediateDirectories: true
        )
        var bundle = MaskBundle(
            target: target,
            pipeline: request.options.pipeline,
            runtime: BundleRuntime(name: "none", version: "none", delegate: "none", threads: request.options.threads),
            model: BundleModel(name: request.model.name, sha256: request.model.sha256),
            startedAt: ISO8601DateFormatter().string(from: Date()),
            environment: environment,
            conditions: conditions(),
            results: []
        )
        try bundle.write(out)
        func finish(_ result: CaseResult) throws {
            bundle.results.append(result)
            bundle.conditions = bundle.conditions?.until(conditions())
            try bundle.write(out)
            onResult(result)
        }
        let started = DispatchTime.now()
        let segmenter: any Segmenter
        do {
            segmenter = try openModel(open)
        } catch {
            for each in request.cases { try finish(failed(each, "init", error)) }
            return bundle
        }
        let loaded = Loaded(initMs: msSince(started), memoryMb: memoryMb())
        for each in request.cases {
            let result: CaseResult
            do {
                result = try predict(each, on: segmenter, loaded)
            } catch {
                result = failed(each, "inference", error)
            }
            let runtime = segmenter.runtime
            bundle.runtime = BundleRuntime(
                name: runtime.name, version: runtime.version, delegate: runtime.delegate, threads: runtime.threads,
                nodes: runtime.nodes
            )
            try finish(result)
        }
        return bundle
    }

    /// How long loading the model took, and the memory of the process then.
    private struct Loaded {
        let initMs: Double
        let memoryMb: Double?
    }

    private func openModel(_ open: (Model, SegmenterOptions) throws -> any Segmenter) throws -> any Segmenter {
        let model = try request.model.model(in: folder)
        let options = try request.options.segmenterOptions()
        guard let data = try? Data(contentsOf: model.file) else {
            throw SegmenterError(stage: "init", message: "\(request.model.file) does not exist")
        }
        guard sha256([UInt8](data)) == request.model.sha256 else {
            throw SegmenterError(
                stage: "init", message: "\(request.model.file) is not the model that was asked for (sha256 differs)"
            )
        }
        return try open(model, options)
    }

    private func predict(_ each: RequestCase, on segmenter: any Segmenter, _ loaded: Loaded) throws -> CaseResult {
        let (image, decodedBy) = try pixels(of: each)
        let options = request.options
        var latency = Latency(initMs: loaded.initMs, firstMs: 0)
        var (warmup, totals): ([Double], [Double]) = ([], [])
        var last: Segmentation
        var done = 0
        let started = DispatchTime.now()
        var reported = started
        repeat {
            let began = DispatchTime.now()
            last = try segmenter.segment(image)
            let totalMs = msSince(began)
            if msSince(reported) >= reportEveryMs {
                onRuns(done + 1)
                reported = DispatchTime.now()
            }
            if done == 0 { latency.firstMs = last.inferenceMs }
            done += 1
            if done <= options.warmup {
                warmup.append(last.inferenceMs)
            } else {
                totals.append(totalMs)
                latency.preprocessMs.append(last.preprocessMs)
                latency.inferenceMs.append(last.inferenceMs)
                latency.postprocessMs.append(last.postprocessMs)
            }
        } while done < options.warmup + options.runs || msSince(started) < options.minDurationS * 1e3
        (latency.warmupMs, latency.totalMs) = (warmup, totals)
        let steadyMb = memoryMb()
        let mask = "masks/\(each.id).png"
        let png = MaskPng.encode(last.mask)
        try Data(png).write(to: out.appendingPathComponent(mask))
        return CaseResult(
            case: each.id,
            imageSha256: each.sha256,
            status: .ok,
            mask: mask,
            maskSha256: sha256(png),
            maskSize: [last.mask.width, last.mask.height],
            decodedBy: decodedBy,
            stages: Stages(
                decoded: sha256(image.pixels), resized: last.resized.map(sha256), tensor: last.tensor.map(sha256)
            ),
            latency: latency,
            memoryInitMb: loaded.memoryMb,
            memoryPeakMb: memoryPeakMb(),
            memorySteadyMb: steadyMb,
            scaling: last.scaling?.rawValue,
            taps: try taps(of: each, last)
        )
    }

    /// Writes those intermediate outputs that the request asks for and the segmenter hands on.
    private func taps(of each: RequestCase, _ last: Segmentation) throws -> [String: Tap] {
        var taps: [String: Tap] = [:]
        for (name, bytes) in [("resized", last.resized), ("tensor", last.tensor)] {
            guard let bytes, request.options.taps.contains(name) else { continue }
            let file = "taps/\(each.id).\(name).bin"
            let folder = out.appendingPathComponent("taps")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: out.appendingPathComponent(file))
            taps[name] = Tap(file: file, sha256: sha256(bytes))
        }
        return taps
    }

    private func pixels(of each: RequestCase) throws -> (RGBImage, decodedBy: String?) {
        let file = resolve(each.file, in: folder)
        guard let data = try? Data(contentsOf: file) else {
            throw SegmenterError(stage: "decode", message: "\(each.file) cannot be read")
        }
        let bytes = [UInt8](data)
        guard sha256(bytes) == each.sha256 else {
            throw SegmenterError(
                stage: "decode",
                message: "\(file.lastPathComponent) is not the image that was asked for (sha256 differs)"
            )
        }
        do {
            guard let hostPixels, !bytes.starts(with: "BM".utf8) else { return (try decode(each, bytes), nil) }
            let file = hostPixels.appendingPathComponent("\(each.id).ppm")
            guard let ppm = try? Data(contentsOf: file) else {
                throw SegmenterError(stage: "decode", message: "the host could not decode it")
            }
            let image = try ImageFile.ppm(name: file.lastPathComponent, data: [UInt8](ppm))
            return (image.upright(from: each.orientation ?? ImageFile.orientation(of: bytes)), "host")
        } catch let error as SegmenterError {
            throw error
        } catch {
            throw SegmenterError(stage: "decode", message: "\(file.lastPathComponent) cannot be decoded: \(error)")
        }
    }

    private func failed(_ each: RequestCase, _ stage: String, _ error: any Error) -> CaseResult {
        let known = error as? SegmenterError
        let message = known?.message ?? (error as? ContractError)?.message ?? "\(type(of: error)): \(error)"
        let oneLine = message.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return CaseResult(
            case: each.id, imageSha256: each.sha256, status: .error,
            error: Failure(stage: known?.stage ?? stage, message: oneLine)
        )
    }

    private static func report(_ result: CaseResult) {
        printLine("{\"case\": \"\(result.case)\", \"status\": \"\(result.status.rawValue)\"}")
    }

    private static func printLine(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
}
