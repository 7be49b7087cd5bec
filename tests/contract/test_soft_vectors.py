"""Soft masks by the vectors that Kotlin's tests read as well."""

import json

import pytest
from conftest import REPO
from vectors import generate_soft

VECTORS = json.loads((REPO / "tests/vectors/soft.json").read_text("utf-8"))
ROWS = VECTORS["outputs"]
IDS = [f"{index}-{row['kind']}-{row['dtype']}" for index, row in enumerate(ROWS)]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_an_output_makes_the_soft_mask_of_its_vector(row):
    if "error" in row:
        with pytest.raises(ValueError, match=row["error"]):
            generate_soft.read(row)
        return
    made = generate_soft.read(row)
    assert generate_soft.steps(made) == row["steps"] and made.mask.ravel().tolist() == row["mask"]


def test_the_vectors_are_those_of_their_program():
    assert json.loads(json.dumps(generate_soft.vectors())) == VECTORS


def test_vectors_have_both_sides_of_the_threshold_and_what_is_no_soft_mask():
    masks = [row["mask"] for row in ROWS if "mask" in row]
    assert all({0, 1} == set(mask) for mask in masks) and sum("error" in row for row in ROWS) >= 4
