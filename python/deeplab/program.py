"""What the deeplab.* tasks do: the user's words in, printed results and an exit code out."""

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from rich.table import Table
from rich.text import Text

from goldmask.cli.console import ProgressBars, out
from goldmask.cli.folders import out_folder
from goldmask.contract.errors import ExitCode, UsageError
from goldmask.contract.files import sha256_of, write_atomically

from .builder import VERSIONS
from .cases import SEED, write_cases
from .evaluate import agreement, evaluate
from .export import PRECISIONS, convert, export
from .heads import with_head
from .synthetic import LABELS, dataset, example, normalise
from .tradeoff import Row, conclusion, draw_rows, tradeoff_of_strides, tradeoff_of_versions, write_rows
from .train import Progress, Recipe, train

RECIPE_FILE, WEIGHTS_FILE = "recipe.json", "best.weights.h5"
HELD_OUT_IMAGES, CALIBRATION_IMAGES = 500, 200
DESCRIPTION = "DeepLab {} for five shapes, trained on synthetic images."
# Versions are compared after the same short training, each on the body that the full training made.
SHORT_STEPS, SHORT_WARM_UP = 600, 100


def run_train(version: str, steps: int, seed: int, folder: str) -> ExitCode:
    """`deeplab.train`: the bundled model's recipe, changed by what the user says; goes on where it stopped."""
    ours = Recipe()
    recipe = replace(ours, version=version or ours.version, steps=steps or ours.steps, seed=seed or ours.seed)
    path = _folder(folder)
    with ProgressBars() as bars:
        training = train(recipe, path, partial(_show, bars, "train"))
    # Only now: a training that was refused must not leave its recipe beside another's weights.
    write_atomically(path / RECIPE_FILE, _json(asdict(recipe)))
    best = training.best
    out.print(Text(f"step {best.step}: mIoU {best.miou:.4f}, boundary F {best.boundary_f:.4f} on the validation split"))
    out.print(Text(f"{path / WEIGHTS_FILE}, {path / 'curves.csv'}, {path / 'curves.png'}"))
    return ExitCode.OK


def run_export(weights: str, folder: str, head: str = "") -> ExitCode:
    """`deeplab.export`: every precision with metadata, scored on held-out images; and the test cases.

    With a `head` one float32 file with that output instead, without metadata.
    """
    recipe, file = trained(weights)
    path = _folder(folder)
    model = recipe.model()
    model.load_weights(file)
    if head:
        target = path / f"shapes_{head}.tflite"
        write_atomically(target, convert(with_head(model, head), "float32"))
        out.print(Text(f"{target}: {target.stat().st_size:,} bytes"))
        return ExitCode.OK
    size = (recipe.height, recipe.width)
    samples = [normalise(example(recipe.seed, "train", index, size)[0]).numpy() for index in range(CALIBRATION_IMAGES)]
    held_out = dataset(recipe.seed, "held-out", HELD_OUT_IMAGES, size, 20)
    scores = {"keras": asdict(evaluate(model, held_out, len(LABELS)))}
    for precision in PRECISIONS:
        target = path / (f"shapes_{precision}.tflite" if precision != "float32" else "shapes.tflite")
        export(model, precision, samples, target, LABELS, "shapes", DESCRIPTION.format(recipe.version))
        scores[precision] = asdict(evaluate(target, held_out, len(LABELS))) | {
            "bytes": target.stat().st_size,
            "sha256": sha256_of(target),
            "agreement_with_keras": agreement(model, target, held_out, len(LABELS)),
        }
        out.print(Text(f"{target}: mIoU {scores[precision]['miou']:.4f}, {target.stat().st_size:,} bytes"))
    write_atomically(path / "scores.json", _json({"recipe": asdict(recipe), "scores": scores}))
    write_cases(path / "cases", SEED)
    return ExitCode.OK


def run_tradeoff(weights: str, folder: str) -> ExitCode:
    """`deeplab.tradeoff`: output strides from one set of weights, and the versions after the same short training."""
    recipe, file = trained(weights)
    path = _folder(folder)
    held_out = dataset(recipe.seed, "held-out", HELD_OUT_IMAGES, (recipe.height, recipe.width), 20)
    body = recipe.model()
    body.load_weights(file)
    short_runs = []
    with ProgressBars() as bars:
        for version in VERSIONS:
            short = replace(
                recipe, version=version, steps=SHORT_STEPS, evaluate_every=SHORT_STEPS // 2, warm_up=SHORT_WARM_UP
            )
            train(short, path / version, partial(_show, bars, f"train {version}"), body)
            short_runs.append((short, path / version / WEIGHTS_FILE))
    strides = tradeoff_of_strides(recipe, file, held_out)
    versions = tradeoff_of_versions(short_runs, held_out)
    for name, rows in (("strides", strides), ("versions", versions)):
        write_rows(rows, path / f"tradeoff_{name}.csv")
        draw_rows(rows, path / f"tradeoff_{name}.png")
        out.print(_table(rows))
    out.print(Text(conclusion(versions)))
    return ExitCode.OK


def _show(bars: ProgressBars, what: str, progress: Progress) -> None:
    bars.step(what, progress.step, progress.steps)


def _table(rows: list[Row]) -> Table:
    table = Table(*asdict(rows[0]), box=None, header_style="bold")
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in asdict(row).values()))
    return table


def _folder(given: str) -> Path:
    path = out_folder(given, "build/deeplab")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write into {path}: {error.strerror}", fix="--out <a folder you own>") from error
    return path


def trained(weights: str) -> tuple[Recipe, Path]:
    """The recipe and the best weights in a folder that deeplab.train wrote."""
    folder = out_folder(weights, "build/deeplab")
    recipe, file = folder / RECIPE_FILE, folder / WEIGHTS_FILE
    if not recipe.is_file() or not file.is_file():
        raise UsageError(f"{folder} has no finished training", fix=f"./goldmask deeplab.train --out {folder}")
    try:
        return Recipe(**json.loads(recipe.read_text("utf-8"))), file
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{recipe} is not a recipe: {error}", fix=f"./goldmask deeplab.train --out {folder}"
        ) from error


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
