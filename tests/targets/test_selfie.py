"""The selfie segmenter: a real soft mask, of four photographs, on the host and in Android's code."""

import json

import pytest
from conftest import REPO, run_program
from needs import need

from goldmask.machine.fetch import fetch
from goldmask.project.golden import load_golden
from goldmask.project.model import golden_folder, load_spec, model_folder

STEP = 1 / 255


def rows(out) -> list[dict]:
    """The rows of a check, as report.json has them."""
    return json.loads((out / "report.json").read_text("utf-8"))["comparisons"]


def test_both_files_have_the_same_goldens():
    """One network, of which one file has an operator of MediaPipe's own: the same masks, byte for byte."""
    ours, theirs = (load_golden(golden_folder(REPO, name, "lib_interpreter")) for name in ("selfie", "selfie-builtin"))
    assert [each.case for each in ours.bundle.results] == ["astronaut", "camera", "chelsea", "coffee"]
    for one, other in zip(ours.bundle.results, theirs.bundle.results, strict=True):
        assert one.soft.sha256 == other.soft.sha256 and one.mask_sha256 == other.mask_sha256


@pytest.mark.project
def test_python_gives_the_goldens(tmp_path):
    ran = run_program(REPO, "check", "--suite", "selfie", "--target", "python", "--out", tmp_path)
    assert ran.code == 0, ran.text
    assert len(rows(tmp_path)) == 4
    assert all(row["verdict"] == "PASS" and row["soft"]["largest"] <= STEP for row in rows(tmp_path))


@pytest.mark.rig
def test_androids_own_library_gives_the_goldens_within_a_step_of_8_bits(tmp_path):
    need("linux", "jdk", "maven")
    ran = run_program(REPO, "check", "--suite", "selfie", "--target", "android-jvm", "--out", tmp_path)
    assert ran.code == 0, ran.text
    found = rows(tmp_path)
    assert len(found) == 4 and {row["target"] for row in found} == {"android-jvm"}
    # Other bytes than the golden's, and so really another runtime's.
    assert all(row["soft"]["largest"] <= STEP for row in found) and any(row["soft"]["largest"] > 0 for row in found)
    assert all(row["metrics"]["confident_flips"] == 0 for row in found)


@pytest.mark.project
def test_the_file_for_phones_is_made_of_the_one_on_npm():
    need("npm")
    from deeplab.custom_operator import with_builtin
    from goldmask.contract.errors import UsageError

    folder, specs = model_folder(REPO, "selfie"), [load_spec(REPO, name) for name in ("selfie", "selfie-builtin")]
    theirs, ours = (fetch(spec.model, folder).read_bytes() for spec in specs)
    assert with_builtin(theirs) == ours
    with pytest.raises(UsageError, match="has no Convolution2DTransposeBias"):
        with_builtin(ours)
