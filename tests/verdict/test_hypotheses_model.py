"""Which other file ran is said by what is declared; what is the golden's own file or labels is no cause."""

from dataclasses import replace

import numpy as np
import pytest

from goldmask.verdict.hypotheses_mask import Prediction
from goldmask.verdict.hypotheses_model import KnownModel, Ran, by_model, other_labels

FLOATS, BYTES, ALIEN, NOBODY = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)
KNOWN = (
    KnownModel("pets", "pets", FLOATS, ("background", "cat", "dog")),
    KnownModel("pets-int8", "pets", BYTES, ("background", "cat", "dog")),
    KnownModel("farm", "farm", ALIEN, ("background", "cow", "dog", "cat")),
)
RAN = Ran("pets", FLOATS, FLOATS, "float32", "float32")
AGREED = "agreement was 71.0%"


@pytest.mark.parametrize(
    ("ran", "name", "cause"),
    [
        (replace(RAN, sha256=BYTES), "another-precision", "pets-int8 instead of pets"),
        (replace(RAN, model="pets-int8", golden_sha256=BYTES), "another-precision", "pets instead of pets-int8"),
        (replace(RAN, sha256=ALIEN), "another-model", "another model ran: farm instead of pets"),
        (replace(RAN, sha256=NOBODY, dtype="int8"), "another-precision", "takes int8 instead of float32"),
        (replace(RAN, sha256=NOBODY), "unknown-model", "which no model.toml declares"),
        (replace(RAN, sha256=NOBODY, dtype=""), "unknown-model", "which no model.toml declares"),
        (replace(RAN, golden_sha256=NOBODY), "golden-of-another-file", "than the declared one, which ran"),
    ],
)
def test_another_file_is_named_by_what_is_declared(ran, name, cause):
    found = by_model(ran, KNOWN, AGREED)
    assert found.causes[0].name == name and cause in found.cause
    assert (found.found_by, found.certainty, found.causes[0].stage) == ("model", "certain", "model")
    assert (
        found.evidence
        == f"the golden is of model {ran.golden_sha256[:12]}…, the bundle of {ran.sha256[:12]}…; {AGREED}"
    )
    assert all((found.causes[0].kotlin, found.causes[0].swift, found.causes[0].python))


def test_the_golden_s_own_file_is_no_cause():
    assert by_model(RAN, KNOWN, AGREED) is None
    assert by_model(replace(RAN, golden_sha256=NOBODY, sha256=NOBODY), (), AGREED) is None


def test_the_line_to_correct_has_the_golden_s_file():
    found = by_model(replace(RAN, sha256=ALIEN), KNOWN, AGREED)
    assert 'loadMappedFile(context, "pets.tflite"), the file with sha256 111111111111…' in found.causes[0].kotlin


def test_numbers_of_another_list_of_labels():
    (found,) = other_labels(("background", "cat", "dog"), KNOWN)
    assert found.name == "labels-of-farm" and found.stage == "model"
    assert found.cause == "class numbers are those of the labels of farm: cat 1 → 3"
    mask = np.array([[0, 1], [2, 1]], np.uint8)
    assert found.apply(Prediction(mask, 3, (2, 2))).tolist() == [[0, 3], [2, 3]]


def test_a_class_that_the_other_list_lacks_has_no_number_there():
    (found,) = other_labels(("background", "cat", "goat"), KNOWN[2:])
    assert found.apply(Prediction(np.full((1, 1), 2, np.uint8), 3, (1, 1))) is None


@pytest.mark.parametrize("labels", [("background", "cat", "dog"), ("background",), ("sky", "sea"), ()])
def test_the_same_numbers_are_no_cause(labels):
    assert other_labels(labels, KNOWN[:2]) == ()


def test_a_label_that_stands_twice_has_no_number_of_its_own():
    assert other_labels(("background", "cat", "cat"), KNOWN[2:]) == ()


def test_models_with_one_list_are_one_hypothesis():
    twin = replace(KNOWN[2], name="ranch")
    assert [each.name for each in other_labels(("background", "cat", "dog"), (*KNOWN, twin))] == ["labels-of-farm"]
