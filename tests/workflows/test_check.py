"""The main job through the real program: every exit code, every verdict, and what is left on disk."""

import hashlib
import json
import shutil
import xml.etree.ElementTree as ElementTree
from itertools import product

import numpy as np
import pytest
import tiny
from conftest import REPO, Project, run_program
from PIL import Image

from goldmask.contract.bundle import load_bundle, mask_of, to_json
from goldmask.contract.errors import ExitCode
from goldmask.contract.files import sha256_of
from goldmask.contract.mask import encode_mask
from goldmask.project.golden import SIDECAR

pytestmark = pytest.mark.project

NO_NETWORK = {
    "GOLDMASK_MIRROR": "",
    **dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"
    ),
    "NO_PROXY": "",
    "no_proxy": "",
    "UV_HTTP_RETRIES": "0",
}


def report_of(project: Project) -> dict:
    return json.loads((project.folder / "build/check/report.json").read_text("utf-8"))


def forge(project: Project, change) -> None:
    """Replace the golden mask of case `flag` as if it had been recorded so, hashes and all."""
    bundle = load_bundle(project.golden)
    result = bundle.result("flag")
    mask = mask_of(project.golden, result)
    data = encode_mask(change(mask))
    (project.golden / result.mask).write_bytes(data)
    forged = result.model_copy(update={"mask_sha256": hashlib.sha256(data).hexdigest()})
    results = tuple(forged if each.case == "flag" else each for each in bundle.results)
    written = to_json(bundle.model_copy(update={"results": results}))
    (project.golden / "bundle.json").write_bytes(written)
    sidecar = json.loads((project.golden / SIDECAR).read_text("utf-8"))
    sidecar["bundle_sha256"] = hashlib.sha256(written).hexdigest()
    (project.golden / SIDECAR).write_text(json.dumps(sidecar), "utf-8")


def flip_one(mask: np.ndarray) -> np.ndarray:
    mask[0, 0] = 2
    return mask


def test_all_models_pass_through_both_pipelines_and_on_android_code(tmp_path, starter_model):
    ran = run_program(REPO, "check", "--out", tmp_path)
    assert ran.code == ExitCode.OK, ran.text
    assert "144 PASS · models run: deeplabv3, shapes, shapes-int8" in ran.text
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    starter = [row for row in report["comparisons"] if row["model"] == "deeplabv3"]
    places = {(row["target"], row["pipeline"]) for row in starter}
    assert len(starter) == 24 and places == set(product(("python", "android-jvm"), ("lib_interpreter", "lib_task_api")))
    assert all(row["metrics"]["pixels"] == 66049 for row in starter)


def test_0_all_passed(project: Project):
    ran = project.run("check")
    assert ran.code == ExitCode.OK and "2 PASS" in ran.text
    report = report_of(project)
    assert [row["verdict"] for row in report["comparisons"]] == ["PASS", "PASS"]
    assert report["exit_code"] == 0 and report["skipped"] == []
    assert not (project.folder / "build/check/diffs").exists()


def test_1_a_target_nobody_has(project: Project):
    ran = project.run("check", "--target", "toaster")
    assert (
        ran.code == ExitCode.USAGE and "--target 'toaster' is not known" in ran.text and "--target python" in ran.text
    )


def test_2_a_misspelt_key(project: Project):
    project.edit("goldmask.toml", "models", "modles")
    ran = project.run("check")
    assert ran.code == ExitCode.CONFIG and "did you mean models?" in ran.text


def test_3_nothing_could_be_fetched(project: Project, tmp_path):
    project.edit("models/tiny/model.toml", 'file = "tiny.tflite"', 'urls = ["http://127.0.0.1:9/tiny.tflite"]')
    ran = project.run("check", GOLDMASK_CACHE=str(tmp_path / "cache"), **NO_NETWORK)
    assert ran.code == ExitCode.ENVIRONMENT
    assert "cannot fetch tiny.tflite" in ran.text and "2 SKIP" in ran.text and "GOLDMASK_MIRROR=" in ran.text
    report = report_of(project)
    assert [row["verdict"] for row in report["comparisons"]] == ["SKIP", "SKIP"]
    assert report["skipped"][0]["model"] == "tiny" and report["skipped"][0]["fix"]


def test_3_what_is_named_must_run(project: Project, tmp_path):
    project.edit("models/tiny/model.toml", 'file = "tiny.tflite"', 'urls = ["http://127.0.0.1:9/tiny.tflite"]')
    ran = project.run("check", "--model", "tiny", GOLDMASK_CACHE=str(tmp_path / "cache"), **NO_NETWORK)
    assert ran.code == ExitCode.ENVIRONMENT and "2 ERROR" in ran.text


def test_a_case_that_cannot_be_fetched_is_skipped_and_the_others_pass(project: Project, tmp_path):
    project.edit("models/tiny/model.toml", 'file = "wide.png"', 'urls = ["http://127.0.0.1:9/wide.png"]')
    ran = project.run("check", GOLDMASK_CACHE=str(tmp_path / "cache"), **NO_NETWORK)
    assert ran.code == ExitCode.OK and "1 PASS, 1 SKIP" in ran.text and "cannot fetch wide.png" in ran.text


def test_4_the_app_fails(project: Project):
    project.declare(tiny.scores(weight=float("nan")))
    ran = project.run("check")
    assert ran.code == ExitCode.RUN and "postprocess: the output has NaN scores" in ran.text


def test_5_no_golden(bare_project):
    ran = bare_project().run("check")
    assert ran.code == ExitCode.GOLDEN and "./goldmask golden.record" in ran.text


def test_5_a_stale_golden(project: Project):
    project.declare(tiny.scores(weight=2.0))
    ran = project.run("check")
    assert ran.code == ExitCode.GOLDEN and "stale: model " in ran.text and "all 64 pixels equal" in ran.text
    assert "masks changed in 0 of 2 cases" in ran.text and "accept: ./goldmask golden.review --model tiny" in ran.text


def test_5_a_case_without_a_golden(project: Project):
    project.edit("models/tiny/model.toml", 'id = "wide"', 'id = "fresh"')
    ran = project.run("check")
    assert ran.code == ExitCode.GOLDEN and "1 PASS, 1 ERROR" in ran.text
    assert "no golden of case fresh is recorded" in ran.text and "try: ./goldmask golden.record" in ran.text


def test_10_a_mask_differs(project: Project):
    forge(project, flip_one)
    ran = project.run("check")
    assert ran.code == ExitCode.MASKS_DIFFER
    assert "1 confident flip (at most 0)" in ran.text and "1 PASS, 1 FAIL" in ran.text
    failed = next(row for row in report_of(project)["comparisons"] if row["verdict"] == "FAIL")
    assert failed["metrics"]["confident_flips"] == 1 and failed["metrics"]["densest_window"]["differing"] == 1
    with Image.open(project.folder / "build/check" / failed["picture"]) as picture:
        assert picture.width > 3 * picture.height * 0.8  # three panels


def test_10_an_override_with_a_reason_lets_it_pass(project: Project):
    forge(project, flip_one)
    override = (
        '[[overrides]]\nreason = "the flag\'s corner is disputed"\ncase = "flag"\n'
        "tolerances = {confident_flips_max = 1, agreement_min = 0.9}\n"
    )
    with (project.folder / "goldmask.toml").open("a", encoding="utf-8") as config:
        config.write(override)
    ran = project.run("check")
    assert ran.code == ExitCode.OK and "the flag's corner is disputed" in ran.text


def test_a_difference_outranks_a_failure_of_the_machinery(project: Project):
    """CI may try 4 again; a mask that differs must not hide behind it."""
    forge(project, flip_one)
    result = load_bundle(project.golden).result("wide")
    (project.golden / result.mask).unlink()
    ran = project.run("check")
    assert ran.code == ExitCode.MASKS_DIFFER and "1 FAIL, 1 ERROR" in ran.text


def test_an_old_report_does_not_pass_for_todays(project: Project):
    assert project.run("check").code == 0
    project.edit("models/tiny/model.toml", "summary", "sumary")
    assert project.run("check").code == ExitCode.CONFIG
    ran = project.run("report")
    assert ran.code == ExitCode.USAGE and "cannot be read" in ran.text


def test_junit_counts_what_the_table_counts(project: Project):
    forge(project, flip_one)
    project.run("check")
    suite = ElementTree.parse(project.folder / "build/check/junit.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == (
        "2",
        "1",
        "0",
        "0",
    )
    assert "confident flip" in suite.find("testcase/failure").get("message")


def test_a_report_can_be_shown_again(project: Project):
    first = project.run("check")
    again = project.run("report")
    assert again.code == 0 and again.stdout == first.stdout


def test_compare_works_on_bundles_alone(project: Project):
    project.run("run", "--model", "tiny", "--image", "models/tiny/flag.png", "models/tiny/wide.png", "--out", "again")
    ran = project.run(
        "compare", "--golden", project.golden, "--bundle", "again", GOLDMASK_CACHE="/nowhere", **NO_NETWORK
    )
    assert ran.code == 0 and "2 PASS" in ran.text
    shutil.copytree(project.folder / "again", project.folder / "same")
    bare = project.run("compare", "--golden", "again", "--bundle", "same")
    assert bare.code == 0 and "2 PASS" in bare.text
    forge(project, flip_one)
    ran = project.run("compare", "--golden", project.golden, "--bundle", "again", "--out", "compared")
    assert ran.code == ExitCode.MASKS_DIFFER and (project.folder / "compared/report.json").is_file()


def test_compare_counts_what_only_one_side_has(project: Project):
    project.run("run", "--model", "tiny", "--image", "models/tiny/flag.png", "--out", "again")
    ran = project.run("compare", "--golden", project.golden, "--bundle", "again")
    assert ran.code == ExitCode.RUN and "the bundle has no result of this case" in ran.text
    ran = project.run("compare", "--golden", "again", "--bundle", project.golden)
    assert ran.code == ExitCode.GOLDEN and "the golden has no mask of this case" in ran.text


def test_a_class_map_model_says_that_it_has_no_margin(bare_project):
    project = bare_project(tiny.class_map("uint8"))
    project.record()
    assert project.run("check").code == 0
    row = report_of(project)["comparisons"][0]
    assert row["metrics"]["confident_flips"] is None and row["metrics"]["tie_flips"] is None
    forge(project, flip_one)
    ran = project.run("check")
    assert ran.code == ExitCode.MASKS_DIFFER and "agreement 98.4375%" in ran.text


def test_a_delegate_that_takes_some_of_a_model_is_told_in_its_rows(bare_project):
    project = bare_project(tiny.scored_class_map())
    project.record()
    ran = project.run("check", "--delegate", "xnnpack", "-v")
    assert ran.code == 0 and "pixels equal; xnnpack took 1 of 2 nodes" in ran.text
    assert "lib_interpreter 2 passed" in ran.text and "xnnpack took 1 of 2 nodes ran" in ran.text
    (row, _) = report_of(project)["comparisons"]
    assert row["delegate"] == {"asked": "xnnpack", "ran": "xnnpack", "nodes": {"delegated": 1, "of": 2}}
    ran = project.run("check", "--delegate", "cpu", "--verbose")
    assert ran.code == 0 and "pixels equal; the golden was recorded with xnnpack" in ran.text
    (row, _) = report_of(project)["comparisons"]
    assert row["delegate"] == {"asked": "cpu", "ran": "cpu", "nodes": {"delegated": 0, "of": 2}}
    assert "xnnpack (1 of 2 nodes)" in row["golden_runtime"]


def test_a_delegate_that_takes_nothing_of_a_model_did_not_run(bare_project):
    project = bare_project(tiny.class_map())
    project.record()
    ran = project.run("check", "--delegate", "xnnpack")
    assert ran.code == ExitCode.RUN and "the delegate xnnpack was asked for and cpu ran" in ran.text


def test_without_network_a_warm_cache_passes_and_a_cold_one_says_what_is_missing(tmp_path, starter_model):
    words = ("check", "--model", "deeplabv3", "--out", tmp_path / "out")
    warm = run_program(REPO, *words, **NO_NETWORK)
    assert warm.code == ExitCode.OK and "24 PASS" in warm.text, warm.text
    # Without a JDK, or an empty cache would first be filled with Android's compiled code.
    bare = {"GOLDMASK_CACHE": str(tmp_path / "cache"), "JAVA_HOME": str(tmp_path)}
    cold = run_program(REPO, *words, **bare, **NO_NETWORK)
    assert cold.code == ExitCode.ENVIRONMENT and "cannot fetch deeplabv3.tflite" in cold.text


def test_with_no_model_download_the_bundled_model_does_the_whole_job(tmp_path):
    """On a machine that has no JDK either."""
    bare = {"GOLDMASK_CACHE": str(tmp_path / "cache"), "JAVA_HOME": str(tmp_path)}
    ran = run_program(REPO, "check", "--out", tmp_path / "out", **bare, **NO_NETWORK)
    assert ran.code == ExitCode.OK, ran.text
    assert "60 PASS, 84 SKIP · models run: shapes, shapes-int8" in ran.text
    assert "SKIP 24 cases of deeplabv3 on python, android-jvm (lib_interpreter, lib_task_api): cannot fetch" in ran.text
    rows = json.loads((tmp_path / "out/report.json").read_text("utf-8"))["comparisons"]
    worth = [row["truth"]["miou"] for row in rows if row["verdict"] == "PASS" and row["case"] != "empty"]
    # Shapes that are found, not a benchmark of them: the cases are the odd ones, squeezed, faint and 17 pixels wide.
    assert len(worth) == 56 and np.mean(worth) > 0.8


def test_a_runtime_that_cannot_be_installed_is_skipped_with_its_reason(project: Project, tmp_path):
    """An empty uv cache and no network, as on a machine that PyPI has no wheel for."""
    ran = project.run("check", UV_CACHE_DIR=str(tmp_path / "uv"), **NO_NETWORK)
    assert ran.code == ExitCode.ENVIRONMENT and "cannot be installed here" in ran.text and "2 SKIP" in ran.text


def test_a_variant_shares_cases_and_has_goldens_of_its_own(project: Project):
    (project.model / "tiny_int8.tflite").write_bytes(tiny.scores("int8"))
    digest = sha256_of(project.model / "tiny_int8.tflite")
    with (project.model / "model.toml").open("a", encoding="utf-8") as file:
        file.write(f'[variants.int8.model]\nfile = "tiny_int8.tflite"\nsha256 = "{digest}"\n')
        file.write('[variants.int8.input]\ndtype = "int8"\n')
    assert "tiny-int8" in project.run("models.list").stdout
    assert project.run("check", "--model", "tiny-int8").code == ExitCode.GOLDEN
    project.record("--model", "tiny-int8")
    assert (project.model / "goldens-int8/lib_interpreter/golden.json").is_file()
    ran = project.run("check", "--model", "tiny", "--model", "tiny-int8")
    assert ran.code == 0 and "4 PASS · models run: tiny, tiny-int8" in ran.text
    assert project.run("golden.verify", "--model", "tiny", "tiny-int8").code == 0
    row = report_of(project)["comparisons"][-1]
    assert row["model"] == "tiny-int8" and row["metrics"]["confident_flips"] == 0


def test_a_ground_truth_tells_whether_a_change_is_for_the_better(project: Project):
    right = mask_of(project.golden, load_bundle(project.golden).result("flag"))
    (project.model / "flag_mask.png").write_bytes(encode_mask(right.repeat(3, axis=0).repeat(5, axis=1)))
    project.edit(
        "models/tiny/model.toml",
        '[[cases]]\nid = "wide"',
        f'[cases.truth]\nfile = "flag_mask.png"\nsha256 = "{sha256_of(project.model / "flag_mask.png")}"\n'
        '[[cases]]\nid = "wide"',
    )
    assert project.run("check").code == 0
    rows = {row["case"]: row["truth"] for row in report_of(project)["comparisons"]}
    assert rows == {"flag": {"miou": 1.0, "golden_miou": 1.0}, "wide": None}
    forge(project, flip_one)
    ran = project.run("check")
    assert ran.code == ExitCode.MASKS_DIFFER and "mIoU with the ground truth 1.0000, the golden's 0.9" in ran.text


def test_a_ground_truth_that_cannot_be_had_is_noted_and_its_case_is_judged(project: Project, tmp_path):
    truth = f'[cases.truth]\nurls = ["http://127.0.0.1:9/truth.png"]\nsha256 = "{"0" * 64}"\n[[cases]]\nid = "wide"'
    project.edit("models/tiny/model.toml", '[[cases]]\nid = "wide"', truth)
    ran = project.run("check", GOLDMASK_CACHE=str(tmp_path / "cache"), **NO_NETWORK)
    assert ran.code == ExitCode.OK and "2 PASS" in ran.text
    assert "tiny · flag is not scored against its ground truth: cannot fetch truth.png" in ran.text
    forge(project, flip_one)
    ran = project.run("check", GOLDMASK_CACHE=str(tmp_path / "cache"), **NO_NETWORK)
    assert ran.code == ExitCode.MASKS_DIFFER


def test_a_ground_truth_with_an_unknown_class_is_an_error(project: Project):
    (project.model / "flag_mask.png").write_bytes(encode_mask(np.full((8, 8), 9, np.uint8)))
    project.edit(
        "models/tiny/model.toml",
        '[[cases]]\nid = "wide"',
        f'[cases.truth]\nfile = "flag_mask.png"\nsha256 = "{sha256_of(project.model / "flag_mask.png")}"\n'
        '[[cases]]\nid = "wide"',
    )
    ran = project.run("check")
    assert ran.code == ExitCode.GOLDEN and "the ground truth has class 9, the model's highest is 2" in ran.text
