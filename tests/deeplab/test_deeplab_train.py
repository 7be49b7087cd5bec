from dataclasses import replace

import numpy as np
import pytest

from deeplab import train as training
from deeplab.score import Scores
from deeplab.train import Progress, Recipe, learning_rate, read_curves, train
from goldmask.contract.errors import UsageError

pytestmark = [pytest.mark.project, pytest.mark.usefixtures("tiny_backbone")]

TINY = Recipe(
    version="v1",
    backbone="tests",
    height=32,
    width=32,
    steps=4,
    batch_size=2,
    warm_up=2,
    evaluate_every=2,
    validation_images=2,
    seed=7,
)


class Interrupted(Exception):
    pass


def stop_at(step: int):
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise Interrupted

    return report


@pytest.fixture(scope="module")
def whole(tiny_backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    seen: list[Progress] = []
    return train(TINY, folder, seen.append), seen, folder


def losses(points) -> list[float]:
    return [point.loss for point in points]


def test_a_run_reports_every_step_and_leaves_its_files(whole):
    result, seen, folder = whole
    assert [p.step for p in seen] == [1, 2, 3, 4]
    assert [p.point is not None for p in seen] == [False, True, False, True]
    assert {p.name for p in folder.iterdir()} == {"best.weights.h5", "checkpoint.npz", "curves.csv", "curves.png"}
    assert tuple(read_curves(folder / "curves.csv")) == result.points
    assert not result.stopped_early


def test_a_seed_decides_the_result(whole, tmp_path):
    again = train(TINY, tmp_path / "again")
    assert losses(again.points) == pytest.approx(losses(whole[0].points), rel=1e-5)
    other = train(replace(TINY, seed=8), tmp_path / "other")
    assert losses(other.points) != pytest.approx(losses(whole[0].points), rel=1e-5)


def test_a_resumed_run_ends_as_an_uninterrupted_one(whole, tmp_path):
    with pytest.raises(Interrupted):
        train(TINY, tmp_path, stop_at(3))  # after the checkpoint of step 2, in the middle of the next stretch
    seen: list[Progress] = []
    resumed = train(TINY, tmp_path, seen.append)
    assert [p.step for p in seen] == [3, 4]
    assert losses(resumed.points) == pytest.approx(losses(whole[0].points), rel=1e-4)
    for one, other in zip(resumed.model.get_weights(), whole[0].model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_finished_run_is_not_trained_again(whole):
    _, _, folder = whole
    seen: list[Progress] = []
    assert train(TINY, folder, seen.append).points == whole[0].points
    assert seen == []


def test_a_folder_of_another_recipe_is_an_error(whole):
    with pytest.raises(UsageError, match="another folder"):
        train(replace(TINY, seed=8), whole[2])


def test_training_stops_when_nothing_improves_and_keeps_the_best(monkeypatch, tmp_path):
    script = iter((0.5, 0.4, 0.3, 0.2))

    def scored(*_):
        return Scores(images=1, pixel_accuracy=0, miou=next(script), class_iou=(), boundary_f=0)

    monkeypatch.setattr(training, "evaluate", scored)
    result = train(replace(TINY, evaluate_every=1, patience=2), tmp_path)
    assert result.stopped_early
    assert (len(result.points), result.best.step) == (3, 1)


def test_another_version_can_begin_with_a_trained_body(whole, tmp_path):
    body = whole[0].model
    recipe = replace(TINY, version="v3+", steps=1, evaluate_every=1, learning_rate=1e-9, warm_up=0, weight_decay=0.0)
    begun, fresh = train(recipe, tmp_path / "begun", body=body).model, train(recipe, tmp_path / "fresh").model
    kernel = body.get_layer("block2_project").kernel
    np.testing.assert_allclose(begun.get_layer("block2_project").kernel, kernel, atol=1e-6)
    assert np.abs(fresh.get_layer("block2_project").kernel - kernel).max() > 1e-3


def test_the_schedule_warms_up_and_ends_near_zero():
    recipe = Recipe(steps=1000, warm_up=100, learning_rate=0.01)
    rates = [learning_rate(recipe, step) for step in range(1, 1001)]
    assert rates[0] == pytest.approx(0.01 / 100, rel=0.01)
    assert max(rates) == pytest.approx(0.01, rel=0.1) and rates.index(max(rates)) == 99
    assert 0 < rates[-1] < 0.01 * 0.01
    assert rates[100:] == sorted(rates[100:], reverse=True)


@pytest.mark.parametrize("name", ["steps", "batch_size", "evaluate_every", "validation_images", "patience"])
def test_recipes_that_train_on_nothing_are_errors(name, tmp_path):
    with pytest.raises(UsageError, match=f"use {name} of 1 or more"):
        train(replace(TINY, **{name: 0}), tmp_path)


def test_a_rate_that_learns_nothing_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="above 0"):
        train(replace(TINY, learning_rate=0.0), tmp_path)
