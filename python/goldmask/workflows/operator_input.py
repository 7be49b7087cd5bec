"""The input with which two sides are compared by operator: a prepared image, or random numbers that a seed gives."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from ..contract.errors import EnvironmentMissing, UsageError
from ..contract.image import decode, resize
from ..contract.input_tensor import to_tensor
from ..contract.tensor_runs import Values
from ..machine.progress import Progress
from ..project.case import cases_from_files
from ..project.gather import gather
from ..project.graph import Graph
from ..project.model import find_model, load_spec, model_names

SEED = 0


def inputs_of(
    root: Path, name: str, graph: Graph, image: str, case: str, progress: Progress = Progress()
) -> tuple[list[Values], str]:
    """The values of the model's inputs, and what they are: the image `image`, a declared `case`, or random numbers.

    Of a declared model without either, the first case that is here; of another model random numbers. Raises UsageError
    for a case that there is not, EnvironmentMissing where none is here, ImageError.
    """
    declared = name in model_names(root)
    if not image and not declared:
        if case:
            raise UsageError(f"{name} declares no cases", fix="--image FILE, or a model of ./goldmask models.list")
        return _random(graph), f"random numbers of seed {SEED}"
    if image:
        model, (chosen,) = find_model(root, name, progress.download), cases_from_files([Path(image)])
    else:
        spec = load_spec(root, name)
        assets = gather(root, name, spec, progress)
        known = [each for each in assets.cases if not case or fnmatchcase(each.id, case)]
        if case and not any(fnmatchcase(each.id, case) for each in spec.cases):
            ids = ", ".join(each.id for each in spec.cases)
            raise UsageError(f"{case!r} is no case of {name} ({ids})", fix=f"./goldmask models.info --model {name}")
        if not assets.model or not known:
            raise EnvironmentMissing(f"none of {name}'s cases is here", fix=f"./goldmask models.fetch --model {name}")
        model, chosen = assets.model, known[0]
    request = model.request().input
    pixels = decode(Path(chosen.file), chosen.orientation)
    resized = resize(pixels, request.height, request.width)
    quantisation = model.input.scale, model.input.zero_point
    if model.reading.constants or model.reading.signature:
        raise UsageError(f"{name} has more than one input, or runs a signature; an image is not all that it takes")
    tensor = to_tensor(resized, request, *quantisation)
    return [np.asarray(tensor)], f"image {chosen.id}"


def _random(graph: Graph) -> list[Values]:
    """Floats from -1 to 1, integers of all that an 8-bit type holds."""
    generator = np.random.default_rng(SEED)
    return [_values(graph.tensors[each].dtype, graph.tensors[each].shape, generator) for each in graph.inputs]


def _values(name: str, shape: Sequence[int], generator: np.random.Generator) -> Values:
    dtype: np.dtype[np.generic] = np.dtype(name)
    if dtype.kind == "f":
        return generator.uniform(-1, 1, shape).astype(dtype)
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(dtype)
    lowest = -128 if dtype.kind == "i" else 0
    return generator.integers(lowest, 128, shape).astype(dtype)
