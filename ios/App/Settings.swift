import LibInterpreter
import SegmentationCore

/// How a mask is made: our pre- and post-processing around the interpreter, or the Task Library's own.
enum Pipeline: String, CaseIterable, Identifiable {
    case libInterpreter = "lib_interpreter"
    case libTaskApi = "lib_task_api"

    var id: String { rawValue }
}

/// What the user has chosen; a segmenter is opened anew when any of it changes.
struct Settings: Equatable {
    var model: ListedModel
    var pipeline = Pipeline.libInterpreter
    var threads = 2
    var delegate = Delegate.xnnpack

    /// Throws what the segmenter says of a model or an option that it cannot take.
    func open() throws -> any Segmenter {
        let options = SegmenterOptions(threads: threads, delegate: delegate)
        switch pipeline {
        case .libInterpreter: return try InterpreterSegmenter(model: model.model(), options: options)
        case .libTaskApi: return try TaskSegmenter(model: model.model(), options: options)
        }
    }
}
