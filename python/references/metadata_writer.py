# /// script
# requires-python = ">=3.11,<3.12"
# dependencies = [
#   "absl-py==2.5.1",
#   "cffi==2.1.1",
#   "flatbuffers==25.12.19",
#   "importlib-resources==7.1.0",
#   "libusb-package==1.0.30.0",
#   "numpy==1.26.4",
#   "protobuf==3.20.3",
#   "pybind11==3.1.0",
#   "pycparser==3.12",
#   "sounddevice==0.5.6",
#   "tflite-support==0.4.4",
#   "typing-extensions==4.16.0",
# ]
# ///
"""Writes TFLite metadata into a segmentation model, and proves that the Task Library takes the result.

A script of its own because tflite-support and TensorFlow cannot share a process. One argument, a JSON file:
{"model": path, "out": path, "name", "description", "version", "mean": number, "std": number, "labels": [text, ...]};
a mean and std may be a list of one for each channel.
Relative paths are taken from the JSON file's folder. Exit code 1 and one line on stderr when the Task Library refuses
the model or its mask is not what the labels promise; then `out` is not written.
"""

import ctypes
import json
import sys
import tempfile
from pathlib import Path
from unittest import mock

import libusb_package

# tflite-support 0.4.4 links against libusb for Coral devices and does not ship it.
ctypes.CDLL(str(libusb_package.get_library_path()))

import numpy as np  # noqa: E402
from tensorflow_lite_support.python.task.processor.proto import segmentation_options_pb2  # noqa: E402
from tflite_support import metadata_schema_py_generated as schema  # noqa: E402
from tflite_support.metadata_writers import image_segmenter, metadata_info, writer_utils  # noqa: E402
from tflite_support.task import core, processor, vision  # noqa: E402


def main(request_path: Path) -> None:
    """Describe the model that the request names, check the result, and only then write it."""
    # Where whoever asked tidies up, also after a signal.
    tempfile.tempdir = str(request_path.parent)
    request = json.loads(request_path.read_text(encoding="utf-8"))
    model = (request_path.parent / request["model"]).read_bytes()
    described = describe(model, request)
    check(described, request["labels"])
    (request_path.parent / request["out"]).write_bytes(described)


def describe(model: bytes, request: dict) -> bytes:
    """The model with metadata and labels.txt appended as TFLite's metadata format asks."""
    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder) / "labels.txt"
        labels.write_text("".join(f"{label}\n" for label in request["labels"]), encoding="utf-8")
        writer = image_segmenter.MetadataWriter.create_from_metadata_info(
            bytearray(model),
            general_md=metadata_info.GeneralMd(
                name=request["name"], description=request["description"], version=request["version"]
            ),
            input_md=metadata_info.InputImageTensorMd(
                name="image",
                description="The picture to segment, RGB.",
                norm_mean=numbers(request["mean"]),
                norm_std=numbers(request["std"]),
                color_space_type=schema.ColorSpaceType.RGB,
                tensor_type=writer_utils.get_input_tensor_types(bytearray(model))[0],
            ),
            output_md=metadata_info.TensorMd(
                name="logits",
                description="One score per class and pixel; the largest is the pixel's class.",
                associated_files=[metadata_info.LabelFileMd(file_path=str(labels))],
            ),
        )
        # zipfile stamps labels.txt with the clock; the same model must give the same sha256.
        with mock.patch("zipfile.time.localtime", return_value=(1980, 1, 1, 0, 0, 0)):
            return bytes(writer.populate())


def numbers(value: float | list[float]) -> list[float]:
    """One number for all channels, or one for each."""
    return value if isinstance(value, list) else [value]


def check(model: bytes, labels: list[str]) -> None:
    """Raises ValueError unless the Task Library finds these labels, one score per label, and a mask of these
    classes."""
    output = segmentation_options_pb2.OutputType
    confidence = segment(model, output.CONFIDENCE_MASK)
    if len(confidence.confidence_masks) != len(labels):
        raise ValueError(f"the model has {len(confidence.confidence_masks)} classes and {len(labels)} labels")
    category = segment(model, output.CATEGORY_MASK)
    found = [label.category_name for label in category.colored_labels]
    if found != labels:
        raise ValueError(f"the Task Library reads the labels {found}, not {labels}")
    mask = np.asarray(category.category_mask)
    if mask.ndim != 2 or mask.size == 0 or mask.max() >= len(labels):
        raise ValueError(f"the Task Library makes a mask of shape {mask.shape} with class {mask.max(initial=0)}")


def segment(model: bytes, output_type: int):
    """The Task Library's segmentation of a small grey ramp."""
    segmenter = vision.ImageSegmenter.create_from_options(
        vision.ImageSegmenterOptions(
            core.BaseOptions(file_content=model), processor.SegmentationOptions(output_type=output_type)
        )
    )
    picture = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], (48, 1, 3))
    return segmenter.segment(vision.TensorImage.create_from_array(picture)).segmentations[0]


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"metadata_writer: {error}")
