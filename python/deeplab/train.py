"""Training: a recipe in, the best weights and their curves out, resumable at every evaluation."""

import csv
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import keras
import matplotlib
import numpy as np
import tensorflow as tf

from goldmask.contract.errors import UsageError

from .builder import copy_body, deeplab
from .evaluate import evaluate
from .synthetic import LABELS, dataset

matplotlib.use("Agg")  # curves are files; a display may be missing
from matplotlib import pyplot


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training's result. The defaults make the bundled model."""

    version: str = "v3+"
    backbone: str = "small"
    output_stride: int = 16
    height: int = 129  # a multiple of every output stride, plus one: see builder.deeplab
    width: int = 129
    seed: int = 1
    steps: int = 8000
    batch_size: int = 8
    learning_rate: float = 2e-3  # the peak, after warm-up
    warm_up: int = 200  # steps
    weight_decay: float = 1e-4
    evaluate_every: int = 500  # steps; also the distance of checkpoints
    validation_images: int = 100
    patience: int = 6  # evaluations without a better mIoU before training stops early

    def model(self, output_stride: int | None = None) -> keras.Model:
        """An untrained model of this recipe, at its own output stride or another."""
        return deeplab(
            self.version, self.backbone, output_stride or self.output_stride, len(LABELS), (self.height, self.width)
        )


@dataclass(frozen=True)
class Point:
    """One evaluation: a row of the curves."""

    step: int
    loss: float  # cross-entropy per pixel in nats, the mean since the row before
    learning_rate: float
    miou: float  # on the validation split
    boundary_f: float
    elapsed_s: float


@dataclass(frozen=True)
class Progress:
    """What the callback gets after every step; `point` only when the step ended in an evaluation."""

    step: int
    steps: int
    loss: float
    point: Point | None


@dataclass(frozen=True)
class Training:
    """The finished run. `model` carries the weights of the best evaluation."""

    recipe: Recipe
    model: keras.Model
    points: tuple[Point, ...]
    best: Point
    stopped_early: bool


def train(
    recipe: Recipe,
    folder: Path,
    report: Callable[[Progress], None] = lambda progress: None,
    body: keras.Model | None = None,
) -> Training:
    """Train by `recipe`; `folder` receives best.weights.h5, curves.csv, curves.png and checkpoint.npz.

    `body` is a trained model whose backbone to begin with, as the papers begin with one trained on ImageNet.

    A folder with a checkpoint of the same recipe is resumed: the result is that of an uninterrupted run, since
    examples, schedule and optimiser state all follow from the step. The schedule is the "poly" one of DeepLab v2
    section 4.1.2, with a warm-up. Raises UsageError when the recipe cannot be run or the folder holds another recipe's
    checkpoint.
    """
    _check(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    model = recipe.model()
    if body:
        copy_body(body, model)
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay)
    optimizer.build(model.trainable_variables)
    points = _restore(recipe, folder, model, optimizer)
    done, before_s = (points[-1].step, points[-1].elapsed_s) if points else (0, 0.0)
    size = (recipe.height, recipe.width)
    validation = dataset(recipe.seed, "validation", recipe.validation_images, size, recipe.batch_size)
    step_of = _step(model, optimizer)
    started, losses = time.monotonic(), []
    if not _finished(recipe, points):
        examples = dataset(
            recipe.seed,
            "train",
            recipe.steps * recipe.batch_size,
            size,
            recipe.batch_size,
            start=done * recipe.batch_size,
        )
        for step, (images, masks) in enumerate(examples, start=done + 1):
            optimizer.learning_rate.assign(learning_rate(recipe, step))
            losses.append(float(step_of(images, masks)))
            point = None
            if step % recipe.evaluate_every == 0 or step == recipe.steps:
                scores = evaluate(model, validation, len(LABELS))
                point = Point(
                    step=step,
                    loss=float(np.mean(losses)),
                    learning_rate=learning_rate(recipe, step),
                    miou=scores.miou,
                    boundary_f=scores.boundary_f,
                    elapsed_s=before_s + time.monotonic() - started,
                )
                losses = []
                if not points or point.miou > _best(points).miou:
                    model.save_weights(folder / "next.weights.h5")
                    (folder / "next.weights.h5").replace(folder / "best.weights.h5")
                points.append(point)
                _save(recipe, folder, model, optimizer, points)
            report(Progress(step, recipe.steps, losses[-1] if losses else points[-1].loss, point))
            if _finished(recipe, points):
                break
    model.load_weights(folder / "best.weights.h5")
    _draw_curves(points, folder / "curves.png")
    return Training(recipe, model, tuple(points), _best(points), stopped_early=points[-1].step < recipe.steps)


def learning_rate(recipe: Recipe, step: int) -> float:
    """The rate at `step` (from 1): a linear warm-up times (1 - step / steps) ** 0.9 (v2 section 4.1.2)."""
    warm_up = min(1.0, step / recipe.warm_up) if recipe.warm_up else 1.0
    return recipe.learning_rate * warm_up * (1 - (step - 1) / recipe.steps) ** 0.9


def read_curves(path: Path) -> list[Point]:
    """The rows of a curves.csv."""
    with path.open(newline="") as file:
        return [Point(int(row.pop("step")), **{k: float(v) for k, v in row.items()}) for row in csv.DictReader(file)]


def _check(recipe: Recipe) -> None:
    for name in ("steps", "batch_size", "evaluate_every", "validation_images", "patience"):
        if getattr(recipe, name) < 1:
            raise UsageError(
                f"{name} of {getattr(recipe, name)} leaves nothing to train or evaluate on", f"use {name} of 1 or more"
            )
    if recipe.learning_rate <= 0:
        raise UsageError(f"a learning rate of {recipe.learning_rate} learns nothing", "use a rate above 0, as 0.003")


def _step(model: keras.Model, optimizer: keras.optimizers.Optimizer):
    @tf.function
    def step(images, masks):
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.cast(masks, tf.int32), logits=logits)
            )
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return step


def _best(points: list[Point]) -> Point:
    return max(points, key=lambda point: point.miou)


def _finished(recipe: Recipe, points: list[Point]) -> bool:
    if not points:
        return False
    stale = len(points) - 1 - points.index(_best(points))
    return points[-1].step >= recipe.steps or stale >= recipe.patience


def _save(recipe: Recipe, folder: Path, model: keras.Model, optimizer, points: list[Point]) -> None:
    """Checkpoint and curves, each put in place whole: a run that is killed here still resumes."""
    values = [variable.numpy() for variable in (*model.variables, *optimizer.variables)]
    with (folder / "checkpoint.tmp").open("wb") as file:
        np.savez(file, *values, recipe=_identity(recipe), step=points[-1].step)
    with (folder / "curves.tmp").open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Point)])
        writer.writeheader()
        writer.writerows(asdict(point) for point in points)
    (folder / "curves.tmp").replace(folder / "curves.csv")
    (folder / "checkpoint.tmp").replace(folder / "checkpoint.npz")


def _restore(recipe: Recipe, folder: Path, model: keras.Model, optimizer) -> list[Point]:
    path = folder / "checkpoint.npz"
    if not path.exists():
        return []
    with np.load(path) as checkpoint:
        if str(checkpoint["recipe"]) != _identity(recipe):
            raise UsageError(
                f"{path} belongs to another recipe: {checkpoint['recipe']}",
                "train into another folder, or remove this one",
            )
        for index, variable in enumerate((*model.variables, *optimizer.variables)):
            variable.assign(checkpoint[f"arr_{index}"])
        step = int(checkpoint["step"])
    return [point for point in read_curves(folder / "curves.csv") if point.step <= step]


def _identity(recipe: Recipe) -> str:
    """The recipe without its patience, which may be raised to go on after an early stop."""
    return repr(replace(recipe, patience=1))


def _draw_curves(points: list[Point], path: Path) -> None:
    steps = [point.step for point in points]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    left.plot(steps, [point.loss for point in points], marker=".")
    left.set(xlabel="step", ylabel="training cross-entropy (nats per pixel)", yscale="log")
    right.plot(steps, [point.miou for point in points], marker=".", label="mIoU")
    right.plot(steps, [point.boundary_f for point in points], marker=".", label="boundary F")
    right.set(xlabel="step", ylabel="validation score", ylim=(0, 1))
    right.legend()
    right.grid(alpha=0.3)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
