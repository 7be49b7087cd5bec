import LibInterpreter
import SegmentationCore

/// How an image becomes a mask: our pre- and post-processing around the interpreter, or the Task Library's own.
enum Pipeline: String, CaseIterable, Identifiable {
    case libInterpreter = "lib_interpreter"
    case libTaskApi = "lib_task_api"

    var id: String { rawValue }
}

/// The user's choices; the app opens a new segmenter when one of them changes.
struct Settings: Equatable {
    var model: ListedModel
    var pipeline = Pipeline.libInterpreter
    var threads = 2
    var delegate = Delegate.xnnpack

    /// Opens a segmenter. Throws its error for a model or an option that it does not support.
    func open() throws -> any Segmenter {
        let options = SegmenterOptions(threads: threads, delegate: delegate)
        switch pipeline {
        case .libInterpreter: return try InterpreterSegmenter(model: model.model(), options: options)
        case .libTaskApi: return try TaskSegmenter(model: model.model(), options: options)
        }
    }
}
