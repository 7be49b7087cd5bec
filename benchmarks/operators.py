"""How often `diagnose --ops` finds a fault at its operator: seeded DeepLabs of every version, stride and precision.

.venv/bin/python benchmarks/operators.py [--small]
Exit code 1 where one of the twenty is not found, or takes more runs than log2(n) + 2. `--small` tries one fault in the
bundled model.
"""

import math
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

from deeplab.faults import Fault, put_fault  # noqa: E402 - after the path that makes it importable
from goldmask.project.config import load_config  # noqa: E402
from goldmask.workflows.bench import side_of  # noqa: E402
from goldmask.workflows.operator_input import inputs_of  # noqa: E402
from goldmask.workflows.operator_runs import open_sides  # noqa: E402
from goldmask.workflows.operators import Operators, compare_operators  # noqa: E402

MODELS, CLASSES, SIZE = 20, 6, (65, 65)
VERSIONS, STRIDES = ("v1", "v2", "v3", "v3+"), (8, 16, 32)
DELEGATES = ("cpu", "xnnpack")


def make_model(seed: int) -> tuple[str, bytes]:
    """A DeepLab with weights of a seed, and what it is."""
    import keras

    from deeplab.builder import deeplab
    from deeplab.export import PRECISIONS, convert

    version, stride = VERSIONS[seed % len(VERSIONS)], STRIDES[seed % len(STRIDES)]
    precision = PRECISIONS[(seed // len(VERSIONS)) % len(PRECISIONS)]
    keras.utils.set_random_seed(seed)
    model = deeplab(version, "small", stride, CLASSES, SIZE)
    generator = np.random.default_rng(seed)
    samples = [generator.uniform(-1, 1, (*SIZE, 3)).astype(np.float32) for _ in range(4)]
    return f"{version} stride {stride} {precision}", convert(model, precision, samples)


def find(model: Path, fault: Fault, out: Path, delegate: str) -> Operators:
    """Compare a model with its faulty copy in the reference runtime."""
    out.mkdir()
    (out / "faulty.tflite").write_bytes(fault.data)
    common = {"model": str(model), "target": "python", "pipeline": "lib_interpreter"}
    given: dict[str, object] = {"delegate": delegate}
    sides = side_of("A", "", common, given), side_of("B", f"model={out / 'faulty.tflite'}", common, given)
    with ExitStack() as closing:
        running = open_sides(ROOT, load_config(ROOT), sides, out, closing)
        inputs, _ = inputs_of(ROOT, str(model), running[0].graph, "", "")
        return compare_operators(running, inputs)


def main(small: bool) -> int:
    """A line for each model, and how many faults were found."""
    right = 0
    seeds = range(1 if small else MODELS)
    with tempfile.TemporaryDirectory() as name:
        for seed in seeds:
            path = Path(name) / f"{seed}.tflite"
            what, data = ("bundled", (ROOT / "models/shapes/shapes.tflite").read_bytes()) if small else make_model(seed)
            path.write_bytes(data)
            fault = put_fault(data, seed)
            started = time.perf_counter()
            found = find(path, fault, Path(name) / str(seed), DELEGATES[seed % 2])
            graph = found.sides[0].graph
            runs = max(side.runs for side in found.sides)
            is_right = found.first == fault.number and runs <= math.log2(len(graph.operators)) + 2
            right += is_right
            model = f"{what}, {DELEGATES[seed % 2]}, {len(graph.operators)} operators"
            print(
                f"{'found' if is_right else 'NOT FOUND'} | {model} | "
                f"{graph.name(fault.number)}: {fault.what} | {runs} runs a side, {time.perf_counter() - started:.1f} s",
                flush=True,
            )
    print(f"found {right} of {len(seeds)}")
    return 0 if right == len(seeds) else 1


if __name__ == "__main__":
    sys.exit(main("--small" in sys.argv[1:]))
