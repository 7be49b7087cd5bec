# /// script
# requires-python = ">=3.11,<3.12"
# dependencies = [
#   "absl-py==2.5.1",
#   "annotated-types==0.8.0",
#   "cffi==2.1.1",
#   "flatbuffers==25.12.19",
#   "importlib-resources==7.1.0",
#   "libusb-package==1.0.30.0",
#   "numpy==1.26.4",
#   "pillow==13.0.0",
#   "protobuf==3.20.3",
#   "pybind11==3.1.0",
#   "pycparser==3.12",
#   "pydantic==2.14.3",
#   "pydantic-core==2.50.4",
#   "sounddevice==0.5.6",
#   "tflite-support==0.4.4",
#   "typing-extensions==4.16.0",
#   "typing-inspection==0.4.5",
# ]
# ///
"""The `lib_task_api` reference: the Task Library's ImageSegmenter, the same C++ as in Android's AAR.

uv run --script python/references/task_library.py request.json --out DIR
"""

import ctypes
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import libusb_package

# The wheel is linked against libusb, for Coral sticks, and does not carry it.
ctypes.CDLL(str(libusb_package.get_library_path()))

import numpy as np  # noqa: E402
from tensorflow_lite_support.python.task.processor.proto import segmentation_options_pb2  # noqa: E402
from tflite_support.task import core, processor, vision  # noqa: E402

from goldmask.contract.bundle import MarginUnit, Request, RuntimeInfo  # noqa: E402
from goldmask.contract.engine import XNNPACK_SIGN, Segmented, StageError, main, native_log  # noqa: E402
from goldmask.contract.image import Pixels  # noqa: E402
from goldmask.contract.mask import Margins, top_two_margin  # noqa: E402
from goldmask.contract.read_output import ReadOutput  # noqa: E402
from goldmask.contract.soft_output import is_soft, of_soft, soft_from_scores  # noqa: E402

OutputType = segmentation_options_pb2.OutputType


class TaskLibraryEngine:
    """A model in the Task Library, which resizes, normalises and takes the argmax itself."""

    def __init__(self, request: Request) -> None:
        options = request.options
        if request.model.input.dtype == "int8":
            raise StageError("init", "the Task Library takes float32 and uint8 images, not int8")
        self._base = core.BaseOptions(file_name=request.model.file, num_threads=options.threads)
        self._soft = request.model.output if is_soft(request.model.output) else None
        with native_log() as log:
            self._segmenter = self._open(OutputType.CONFIDENCE_MASK if self._soft else OutputType.CATEGORY_MASK)
            delegate = "xnnpack" if XNNPACK_SIGN in log() else "cpu"
        if delegate != options.delegate:
            raise StageError(
                "init", f"this Task Library chooses its delegate itself: {delegate}, not {options.delegate}"
            )
        # The same model once more: one segmenter returns classes or scores, never both.
        scores = "margin" in options.taps and not self._soft
        self._scorer = self._open(OutputType.CONFIDENCE_MASK) if scores else None
        # The library turns quantised scores into floats; a margin of steps is got back by division.
        self._step = request.model.output.scale
        self.runtime = RuntimeInfo(
            name="Task Library", version=version("tflite-support"), delegate=delegate, threads=options.threads
        )

    def _open(self, output_type: int) -> vision.ImageSegmenter:
        return vision.ImageSegmenter.create_from_options(
            vision.ImageSegmenterOptions(self._base, processor.SegmentationOptions(output_type=output_type))
        )

    def segment(self, pixels: Pixels, with_margin: bool) -> Segmented:
        """The mask of `pixels`. Raises StageError."""
        began = time.perf_counter()
        # Decoded pixels, not the file: the library's own JPEG decoder is another one than a phone's.
        image = vision.TensorImage.create_from_array(pixels)
        prepared = time.perf_counter()
        try:
            found = self._segmenter.segment(image).segmentations[0]
        except (RuntimeError, ValueError) as error:
            raise StageError("inference", str(error)) from error
        inference_ms = (time.perf_counter() - prepared) * 1e3
        read = self._read(found, image, with_margin)
        return Segmented(
            mask=read.mask,
            margin=read.margin,
            unit="step" if self._step else "score",
            soft=read.soft,
            resized=None,
            tensor=None,
            preprocess_ms=(prepared - began) * 1e3,
            inference_ms=inference_ms,
            postprocess_ms=0.0,
        )

    def segment_tensor(self, data: bytes, with_margin: bool) -> Segmented:
        """Raises StageError: the library makes its tensor itself."""
        raise StageError("preprocess", "the Task Library takes images and no tensors")

    def _read(self, found: Any, image: vision.TensorImage, with_margin: bool) -> ReadOutput:
        """The category mask of the library, or what a soft mask makes of its confidence masks."""
        unit: MarginUnit = "step" if self._step else "score"
        if not self._soft:
            margin = self._margin(self._scorer, image) if self._scorer and with_margin else None
            return ReadOutput(np.array(found.category_mask, np.uint8), margin, unit)
        try:
            scores = np.stack([np.asarray(mask.value, np.float32) for mask in found.confidence_masks], axis=-1)
            made = of_soft(soft_from_scores(scores, self._soft).soft, self._soft, self._step)
        except ValueError as error:
            raise StageError("postprocess", str(error)) from error
        return ReadOutput(made.mask, made.margin if with_margin else None, unit, made.soft)

    def _margin(self, scorer: vision.ImageSegmenter, image: vision.TensorImage) -> Margins:
        # Two seconds an image: on Python 3.11 the protobuf that tflite-support needs has no native code, and it
        # unpacks a million floats one by one. Only recording goldens asks for margins.
        masks = scorer.segment(image).segmentations[0].confidence_masks
        try:
            margin = top_two_margin(np.stack([np.asarray(mask.value) for mask in masks], axis=-1))[1]
            return np.round(margin / self._step) if self._step else margin
        except ValueError as error:
            raise StageError("postprocess", str(error)) from error


if __name__ == "__main__":
    main(TaskLibraryEngine, ("tflite-support",))
