"""The reference runtime as diagnosis uses it: it predicts input tensors, or images, that an app may have made."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from ..contract.bundle import Predicted, Request, RequestCase, mask_of, save
from ..contract.errors import RunError
from ..contract.files import sha256_of
from ..contract.image import Pixels
from ..contract.input_tensor import Tensor
from ..contract.mask import Mask, Scores
from ..contract.metadata import UPRIGHT
from ..contract.predictions import read_predictions
from ..machine import pep723
from ..machine.scratch import scratch_folder
from ..targets.python import interpreter_of, script_of
from ..targets.target import REFERENCE, Context, find_target

# What is written for one run at most; a model of 1024 × 1024 takes 12 MB a tensor.
MAX_BYTES = 400 << 20
START_S = 120
# A name that no path is made of.
_PREFIX = "candidate"


class Predictor(Protocol):
    """What predicts candidates: the reference runtime, and what tests have in its place."""

    @property
    def takes_tensors(self) -> bool:
        """Whether it is fed tensors, not images."""

    def predict_tensors(
        self, tensors: Sequence[Tensor], scored: Collection[int], budget_s: float
    ) -> tuple[list[Mask], dict[int, Scores]]:
        """Masks of the first tensors, and scores of those that are `scored`. Raises GoldmaskError."""

    def predict_images(self, images: Sequence[Pixels]) -> list[Mask | None]:
        """The mask of each image. Raises GoldmaskError."""


@dataclass(frozen=True)
class Reference:
    """The reference for one model and pipeline; `logs` is a folder for what its processes print."""

    request: Request
    logs: Path

    @property
    def takes_tensors(self) -> bool:
        """Whether its pipeline leaves pre-processing to the app, which then makes the tensor."""
        return self.request.options.pipeline == "lib_interpreter"

    def predict_tensors(
        self, tensors: Sequence[Tensor], scored: Collection[int], budget_s: float
    ) -> tuple[list[Mask], dict[int, Scores]]:
        """The masks of the first tensors, as many as the time allows, and the scores of those that are `scored`.

        Raises GoldmaskError where the reference does not run.
        """
        pipeline = self.request.options.pipeline
        script = script_of(pipeline, None)
        tensors = tensors[: max(1, MAX_BYTES // tensors[0].nbytes)]
        pep723.prepare(script, interpreter_of(pipeline), self.logs)
        with scratch_folder() as folder:
            save(self.request, folder / "request.json")
            np.save(folder / "tensors.npy", np.concatenate(list(tensors)))
            arguments: list[str | Path] = ["--tensors", folder / "tensors.npy", "--out", folder / "out"]
            arguments += ["--budget", f"{budget_s:.2f}"]
            if scored:
                arguments += ["--scored", *map(str, sorted(scored))]
            done = pep723.run(
                script,
                interpreter_of(pipeline),
                folder / "request.json",
                *arguments,
                log=self.logs / "candidates.log",
                deadline_s=START_S + 2 * budget_s,
            )
            try:
                masks, scores = read_predictions(folder / "out")
            except (OSError, ValueError) as error:
                raise RunError(
                    f"the reference did not predict: {pep723.reason(done)}", fix="./goldmask doctor"
                ) from error
        kept = [index for index in sorted(scored) if index < len(masks)]
        return masks, dict(zip(kept, scores, strict=False))  # a class map has none

    def predict_images(self, images: Sequence[Pixels]) -> list[Mask | None]:
        """The mask of each image; None where the reference could not. Raises as `predict_tensors`."""
        with scratch_folder() as folder:
            cases: list[RequestCase] = []
            written = 0
            for index, pixels in enumerate(images):
                written += pixels.nbytes
                if written > MAX_BYTES and cases:
                    break
                path = folder / f"{_PREFIX}-{index}.bmp"
                Image.fromarray(pixels).save(path)
                name = f"{_PREFIX}-{index}"
                cases.append(RequestCase(id=name, file=str(path), sha256=sha256_of(path), orientation=UPRIGHT))
            request = self.request.model_copy(update={"cases": tuple(cases)})
            context = Context(root=folder, logs=self.logs)
            with find_target(REFERENCE).session(context) as session:
                session.prepare(request.options.pipeline)
                bundle = session.run(request, folder / "out")
            results = [bundle.result(case.id) for case in cases]
            return [mask_of(folder / "out", each) if isinstance(each, Predicted) else None for each in results]
