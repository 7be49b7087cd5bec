import AVFoundation
import SegmentationCore

/// The back camera as a stream of upright frames; drops a frame that arrives while another one is in use.
final class Camera: NSObject {
    private let session = AVCaptureSession()
    private let queue = DispatchQueue(label: "org.goldmask.camera")
    private var continuation: AsyncThrowingStream<RGBImage, Error>.Continuation?

    /// Frames until the stream's task is cancelled. Ends with a `SegmenterError` if there is no camera, or if the user
    /// does not allow it.
    func frames() -> AsyncThrowingStream<RGBImage, Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            continuation.onTermination = { [weak self] _ in self?.stop() }
            Task {
                guard await AVCaptureDevice.requestAccess(for: .video) else {
                    let message = "The camera is not allowed. Turn it on in Settings, Goldmask, Camera."
                    continuation.finish(throwing: SegmenterError(stage: "camera", message: message))
                    return
                }
                self.queue.async { self.start(continuation) }
            }
        }
    }

    private func start(_ continuation: AsyncThrowingStream<RGBImage, Error>.Continuation) {
        do {
            try configure()
            self.continuation = continuation
            session.startRunning()
        } catch {
            continuation.finish(throwing: error)
        }
    }

    private func stop() {
        queue.async {
            self.continuation = nil
            if self.session.isRunning { self.session.stopRunning() }
        }
    }

    private func configure() throws {
        if !session.inputs.isEmpty { return }
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        session.sessionPreset = .vga640x480
        guard let device = AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: .back) else {
            throw SegmenterError(stage: "camera", message: "This device has no camera. A simulator never has one.")
        }
        let input = try AVCaptureDeviceInput(device: device)
        let output = AVCaptureVideoDataOutput()
        output.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA]
        output.alwaysDiscardsLateVideoFrames = true
        output.setSampleBufferDelegate(self, queue: queue)
        guard session.canAddInput(input), session.canAddOutput(output) else {
            throw SegmenterError(stage: "camera", message: "The camera delivers no frames.")
        }
        session.addInput(input)
        session.addOutput(output)
        turnUpright(output.connection(with: .video))
    }

    /// In an upright phone the sensor is rotated by 90°, and this app only runs upright.
    private func turnUpright(_ connection: AVCaptureConnection?) {
        guard let connection else { return }
        if #available(iOS 17, *) {
            if connection.isVideoRotationAngleSupported(90) { connection.videoRotationAngle = 90 }
        } else if connection.isVideoOrientationSupported {
            connection.videoOrientation = .portrait
        }
    }
}

extension Camera: AVCaptureVideoDataOutputSampleBufferDelegate {
    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection
    ) {
        guard let continuation, let buffer = CMSampleBufferGetImageBuffer(sampleBuffer) else { return }
        CVPixelBufferLockBaseAddress(buffer, .readOnly)
        defer { CVPixelBufferUnlockBaseAddress(buffer, .readOnly) }
        guard let memory = CVPixelBufferGetBaseAddress(buffer) else { return }
        let raster = Raster(
            width: CVPixelBufferGetWidth(buffer),
            height: CVPixelBufferGetHeight(buffer),
            bytesPerRow: CVPixelBufferGetBytesPerRow(buffer),
            pixel: .bytes(4, red: 2, green: 1, blue: 0)
        )
        let bytes = UnsafeRawBufferPointer(start: memory, count: raster.bytesPerRow * raster.height)
        do {
            // The caller may have gone while the user answered the permission dialog.
            if case .terminated = continuation.yield(try raster.image(of: bytes)) { stop() }
        } catch {
            continuation.finish(throwing: error)
        }
    }
}
