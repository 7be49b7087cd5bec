"""A bundle of another model, or with another model's class numbers, has that model as its cause."""

from dataclasses import replace
from pathlib import Path

import pytest
from buggy import INPUT, LABELS, App, save_photos
from conftest import REPO

from goldmask.contract.errors import ExitCode
from goldmask.contract.files import sha256_of
from goldmask.project.model import load_spec
from goldmask.verdict.compare import Across, Judged, Verdict
from goldmask.verdict.hypotheses_mask import permutation
from goldmask.verdict.hypotheses_model import KnownModel
from goldmask.workflows.diagnose import Materials, diagnose_rows
from goldmask.workflows.failed_case import Sides
from goldmask.workflows.known_models import known_models

OTHERS = (KnownModel("paint", "paint", "5" * 64, ("green", "blue", "red")),)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The cases."""
    return save_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture
def diagnosed(tmp_path, photos):
    """The diagnoses of an app's rows, which are changed by `update`."""

    def run(app: App, materials: Materials, **update):
        golden, bundle = (each.write(tmp_path / name, photos) for each, name in ((App(), "golden"), (app, "now")))
        row = Judged(
            model="colours",
            case="",
            target="android-jvm",
            pipeline="lib_interpreter",
            verdict=Verdict.FAIL,
            reason="it differs",
            exit_code=ExitCode.MASKS_DIFFER,
        )
        rows = [row.model_copy(update={"case": name} | update) for name in photos]
        sides = Sides(tmp_path / "golden", golden, tmp_path / "now", bundle)
        return [row.diagnosis for row in diagnose_rows(rows, sides, materials)]

    return run


MATERIALS = Materials(len(LABELS), INPUT, {}, labels=LABELS, known=OTHERS)
STALE = {"across": Across(golden="0" * 64, model="5" * 64), "exit_code": ExitCode.GOLDEN}


def test_another_model_s_file_is_the_cause(diagnosed):
    for found in diagnosed(App(), MATERIALS, **STALE):
        assert found.cause == "another model ran: paint instead of colours"
        assert found.evidence.endswith("the bundle of 555555555555…; the masks have other sizes")


def test_another_model_on_purpose_has_no_cause(diagnosed):
    on_purpose = STALE | {"exit_code": ExitCode.MASKS_DIFFER}
    assert diagnosed(App(), MATERIALS, **on_purpose) == [None] * 3


def test_labels_of_another_model_are_named(diagnosed):
    for found in diagnosed(App(mask=permutation((2, 0, 1))), MATERIALS):
        names = [found.cause, *found.alternatives]
        assert any(
            each.startswith("class numbers are those of the labels of paint: red 0 → 2, green 1 → 0") for each in names
        )


def test_a_permutation_that_no_model_has_is_a_permutation(diagnosed):
    for found in diagnosed(App(mask=permutation((1, 0, 2))), MATERIALS):
        assert found.causes[0].name == "labels-permuted" and not found.alternatives


def test_declared_models_with_their_variants():
    found = {each.name: each for each in known_models(REPO)}
    path = REPO / "models/shapes" / load_spec(REPO, "shapes").model.file
    assert found["shapes"].sha256 == sha256_of(path) and found["shapes"].labels
    assert found["shapes-int8"].family == "shapes" and found["shapes-int8"].sha256 != found["shapes"].sha256
    assert found["deeplabv3"].sha256 == load_spec(REPO, "deeplabv3").model.pin
    assert len(found["deeplabv3"].labels) == 21


def test_a_model_that_cannot_be_read_is_left_out(tmp_path: Path):
    (tmp_path / "models/broken").mkdir(parents=True)
    (tmp_path / "models/broken/model.toml").write_text("schema = 7", "utf-8")
    assert known_models(tmp_path) == ()


def test_without_the_other_model_the_labels_are_a_permutation(diagnosed):
    for found in diagnosed(App(mask=permutation((2, 0, 1))), replace(MATERIALS, known=())):
        assert not any("paint" in each for each in (found.cause, *found.alternatives))
