"""TFLite metadata for a model that has none: what the Task Library, and whoever gets the file, must know of it."""

import json
from collections.abc import Sequence
from pathlib import Path

from .. import __version__
from ..contract.errors import RunError, UsageError
from ..contract.files import write_atomically
from ..machine import pep723
from ..machine.scratch import scratch_folder
from ..project.declared import Normalisation
from ..project.model import Model
from ..targets.python import interpreter_of

SCRIPT = "metadata_writer.py"
DEADLINE_S = 300


def write_metadata(model: Model, normalisation: Normalisation, labels: Sequence[str], out: Path) -> None:
    """Write `model` with its normalisation and one label for each class to `out`, which may be its own file.

    Raises UsageError where the Task Library takes no such model, RunError where it refuses this one; `out` is then as
    it was. Raises EnvironmentMissing where the writer cannot be had.
    """
    reading = model.reading
    classes = reading.classes if reading.output_kind == "logits" and reading.output_layout == "nhwc" else None
    if classes is None or model.input.dtype not in ("float32", "uint8"):
        raise UsageError(
            f"{model.path}: metadata is for the Task Library, which takes float32 or uint8 images and makes masks of "
            f"scores; this model has {model.input} and {model.output}"
        )
    if model.description.has_metadata:
        raise UsageError(f"{model.path} has metadata already", fix=f"./goldmask models.info --model {model.path}")
    if len(labels) != classes:
        raise UsageError(f"{model.path} scores {classes} classes, and {len(labels)} labels are given", fix="--label …")
    script, python = pep723.references() / SCRIPT, interpreter_of("lib_task_api")
    mean, std = normalisation
    with scratch_folder() as folder:
        request = {
            "model": str(model.path.resolve()),
            "out": "described.tflite",
            "name": model.name,
            "description": "",
            "version": f"goldmask {__version__}",
            "mean": list(mean),
            "std": list(std),
            "labels": list(labels),
        }
        (folder / "request.json").write_text(json.dumps(request), "utf-8")
        pep723.prepare(script, python, folder)
        done = pep723.run(script, python, folder / "request.json", log=folder / "run.log", deadline_s=DEADLINE_S)
        if done.code:
            raise RunError(f"the Task Library refuses {model.path}: {pep723.reason(done)}")
        described = (folder / "described.tflite").read_bytes()
    write_atomically(out, described)
