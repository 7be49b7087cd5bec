"""What TensorFlow Lite's tools write of a tiny model: a normalisation, and labels in an archive behind the model."""

import io
import zipfile

import flatbuffers
import numpy as np

# Of metadata_schema.fbs 1.x: the options of a process unit are a normalisation; labels are those of an axis.
NORMALISATION, AXIS_LABELS = 1, 2


def metadata(label_file: str = "labels.txt", mean: float = 127.5, std: float = 127.5) -> bytes:
    """ModelMetadata of one normalised image and one output with a label file."""
    builder = flatbuffers.Builder(512)

    def table(slots: int, **fields: int) -> int:
        """A table of offsets `oN`, and of bytes `bN`, in slot N."""
        builder.StartObject(slots)
        for name, value in fields.items():
            if name[0] == "b":
                builder.PrependUint8Slot(int(name[1:]), value, 0)
            else:
                builder.PrependUOffsetTRelativeSlot(int(name[1:]), value, 0)
        return builder.EndObject()

    def vector(offset: int) -> int:
        builder.StartVector(4, 1, 4)
        builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    means, stds = (builder.CreateNumpyVector(np.array([value], np.float32)) for value in (mean, std))
    normalisation = table(2, o0=means, o1=stds)
    unit = table(2, b0=NORMALISATION, o1=normalisation)
    image = table(7, o4=vector(unit))
    name = builder.CreateString(label_file)
    file = table(5, o0=name, b2=AXIS_LABELS)
    output = table(7, o6=vector(file))
    inputs, outputs = vector(image), vector(output)
    graph = table(10, o2=inputs, o3=outputs)
    builder.Finish(table(8, o3=vector(graph)), file_identifier=b"M001")
    return bytes(builder.Output())


def archive(labels: bytes, name: str = "labels.txt", method: int = zipfile.ZIP_STORED) -> bytes:
    """The zip archive that is appended to a model."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        file.writestr(zipfile.ZipInfo(name), labels, method)
    return stream.getvalue()
