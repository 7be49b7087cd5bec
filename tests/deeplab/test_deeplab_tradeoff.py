import csv
from dataclasses import replace

import keras
import pytest

from deeplab.synthetic import LABELS, dataset
from deeplab.tradeoff import (
    Row,
    conclusion,
    convolution_flops,
    draw_rows,
    tradeoff_of_strides,
    tradeoff_of_versions,
    write_rows,
)
from deeplab.train import Recipe
from goldmask.contract.errors import UsageError

pytestmark = pytest.mark.project

ROW = Row("v3", 16, 0.9, 0.8, 5.0, 90.0, 1.5, 1000)


def test_flops_by_hand():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(5, 3, strides=2, padding="same")(image)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    model = keras.Model(image, x)
    assert convolution_flops(model) == 2 * 4 * 4 * (3 * 3 * 3 * 5 + 3 * 3 * 5)


def test_finer_strides_cost_more_from_the_same_weights(tiny_backbone, tmp_path):
    recipe = Recipe(version="v1", backbone=tiny_backbone, height=32, width=32)
    keras.utils.set_random_seed(1)
    weights = tmp_path / "model.weights.h5"
    recipe.model().save_weights(weights)
    data = dataset(1, "held-out", 2, (32, 32), 2)
    seen: list[Row] = []
    rows = tradeoff_of_strides(recipe, weights, data, seen.append)
    assert [row.output_stride for row in rows] == [32, 16, 8, 4] and seen == rows
    assert len({row.parameters for row in rows}) == 1
    assert [r.mflops for r in rows] == sorted(r.mflops for r in rows)
    assert [r.peak_memory_mb for r in rows] == sorted(r.peak_memory_mb for r in rows)
    assert rows[0].mflops < rows[-1].mflops and all(row.latency_ms > 0 for row in rows)
    (again,) = tradeoff_of_versions([(recipe, weights)], data)
    assert (again.miou, again.mflops, again.output_stride) == (rows[1].miou, rows[1].mflops, 16)
    assert again.version == "v1" and again.parameters == recipe.model().count_params() and len(LABELS) == 6


def test_rows_are_written_and_drawn(tmp_path):
    write_rows([ROW, replace(ROW, version="v3+", boundary_f=0.9)], tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["version"] for row in rows] == ["v3", "v3+"]
    assert rows[1]["boundary_f"] == "0.9000"
    draw_rows([ROW], tmp_path / "rows.png")
    assert (tmp_path / "rows.png").stat().st_size > 1000


def test_an_empty_table_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="1 or more"):
        write_rows([], tmp_path / "rows.csv")
    assert not (tmp_path / "rows.csv").exists()


def test_the_conclusion_says_what_was_measured():
    better = [ROW, replace(ROW, version="v3+", boundary_f=0.9)]
    assert "raises boundary F: 0.900 against 0.800" in conclusion(better)
    worse = [ROW, replace(ROW, version="v3+", boundary_f=0.7)]
    assert "does not raise" in conclusion(worse)
    with pytest.raises(UsageError, match="measure v3 and v3"):
        conclusion([ROW])
