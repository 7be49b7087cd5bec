"""Device farms: the files that Flank and gcloud read are read back, and folders of results become bundles or errors."""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import REPO, run_program
from hypothesis import given
from hypothesis import strategies as st
from needs import need
from transcript import transcript

from goldmask.android_build.apk import Apks
from goldmask.contract.bundle import Request, RequestCase, TargetInfo, load_bundle, load_request, save, to_json
from goldmask.contract.errors import RunError, UsageError
from goldmask.contract.files import sha256_of
from goldmask.contract.options import Options
from goldmask.project.golden import load_golden
from goldmask.project.model import fetch_model, golden_folder, load_spec
from goldmask.targets import test_lab

APKS = Apks(
    app=Path("build/app.apk"),
    test=Path("build/app-test.apk"),
    application_id="org.goldmask.app",
    test_id="org.goldmask.app.test",
    runner="androidx.test.runner.AndroidJUnitRunner",
    test_class="org.goldmask.interpreter.InterpreterGoldenTest",
    built=False,
)
PIXEL = "model=Pixel6,version=33"
OUT = "/sdcard/Android/media/org.goldmask.app/goldmask"
CASES = ("square", "wide", "tall", "noisy")


def request_of(cases=CASES) -> Request:
    """The bundled model and some of its cases, as a check would ask for them."""
    spec, folder = load_spec(REPO, "shapes"), REPO / "models/shapes"
    found = {case.id: folder / case.file for case in spec.cases if case.id in cases}
    return Request(
        model=fetch_model(REPO, "shapes", spec).request(),
        options=Options(pipeline="lib_interpreter"),
        cases=tuple(RequestCase(id=case, file=str(found[case]), sha256=sha256_of(found[case])) for case in cases),
    )


def plan(**choices) -> test_lab.Plan:
    """One phone, no retries, one shard."""
    return test_lab.Plan(**{"apks": APKS, "devices": (PIXEL,)} | choices)


def test_the_files_are_what_the_test_needs(tmp_path):
    (shard,) = test_lab.write(request_of(), plan(retries=2), tmp_path)
    data = yaml.safe_load((shard.folder / "flank.yml").read_text("utf-8"))
    gcloud = data["gcloud"]
    assert gcloud["device"] == [{"model": "Pixel6", "version": "33"}] and gcloud["num-flaky-test-attempts"] == 2
    assert Path(gcloud["app"]).is_absolute() and gcloud["app"].endswith("build/app.apk")
    assert gcloud["test-targets"] == [f"class {APKS.test_class}"] and gcloud["directories-to-pull"] == [OUT]
    told, files = gcloud["environment-variables"], gcloud["other-files"]
    assert told["goldmask.out"] == OUT and files[told["goldmask.request"]] == str(shard.folder / "request.json")
    asked = load_request(shard.folder / "request.json")
    store = str(Path(told["goldmask.request"]).parent)
    wanted = {asked.model.file: asked.model.sha256} | {case.file: case.sha256 for case in asked.cases}
    assert {f"{store}/{name}": sha256 for name, sha256 in wanted.items()} == {
        name: sha256_of(Path(path)) for name, path in files.items() if name != told["goldmask.request"]
    }
    assert data["flank"]["max-test-shards"] == 1


def test_gclouds_words_say_the_same(tmp_path):
    (shard,) = test_lab.write(request_of(), plan(devices=(PIXEL, "model=a52q,version=31,locale=de_DE")), tmp_path)
    script = (shard.folder / "gcloud.sh").read_text("utf-8")
    assert os.access(shard.folder / "gcloud.sh", os.X_OK) and script.startswith("#!/bin/sh\nexec gcloud firebase ")
    words = shlex.split(script.splitlines()[1])[1:]
    values = {word: words[at + 1] for at, word in enumerate(words) if word.startswith("--") and at + 1 < len(words)}
    data = yaml.safe_load((shard.folder / "flank.yml").read_text("utf-8"))["gcloud"]
    for flag, key in (("--environment-variables", "environment-variables"), ("--other-files", "other-files")):
        assert dict(pair.split("=", 1) for pair in values[flag].split(",")) == data[key]
    assert [words[at + 1] for at, word in enumerate(words) if word == "--device"] == [
        PIXEL,
        "model=a52q,version=31,locale=de_DE",
    ]
    assert values["--directories-to-pull"] == OUT and values["--num-flaky-test-attempts"] == "0"


def test_shards_share_out_the_cases(tmp_path):
    assert len(test_lab.write(request_of(), plan(shards=4), tmp_path)) == 4
    shards = test_lab.write(request_of(), plan(shards=3), tmp_path)
    asked = [[case.id for case in load_request(shard.folder / "request.json").cases] for shard in shards]
    assert asked == [["square", "noisy"], ["wide"], ["tall"]] and not (tmp_path / "shard-3").exists()
    assert len({shard.request for shard in shards}) == 3


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"devices": ()}, "a farm needs devices"),
        ({"devices": ("Pixel6",)}, "'Pixel6' is no device of gcloud's"),
        ({"devices": ("model=$(id),version=33",)}, "is no device of gcloud's"),
        ({"devices": ("model=Pixel6,version=33\n",)}, "is no device of gcloud's"),
        ({"shards": 5}, "4 cases cannot be shared out to 5 shards"),
        ({"shards": 0}, "cannot be shared out to 0 shards"),
        ({"retries": 11}, "--retries 11 is not from 0 to 10"),
    ],
)
def test_a_plan_that_cannot_be(choices, sentence, tmp_path):
    with pytest.raises(UsageError, match=sentence):
        test_lab.write(request_of(), plan(**choices), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_gcloud_cannot_have(tmp_path):
    (tmp_path / "a,b").mkdir()
    with pytest.raises(UsageError, match="gcloud's lists cannot have the path"):
        test_lab.write(request_of(), plan(), tmp_path / "a,b")


def execution(results: Path, cases=CASES, device: str = "Pixel6-33-en-portrait") -> Path:
    """What an execution leaves when it went well: the golden's masks, drawn by the app; the bundle's folder."""
    golden = golden_folder(REPO, "shapes", "lib_interpreter")
    folder = results / f"2026-11-25_12-00-00/shard_0/{device}/artifacts{OUT}"
    (folder / "masks").mkdir(parents=True)
    (folder.parents[5] / "logcat").write_text("I goldmask: done\n", "utf-8")
    blessed = load_golden(golden).bundle
    kept = [result.model_copy(update={"taps": {}}) for result in blessed.results if result.case in cases]
    for result in kept:
        shutil.copyfile(golden / result.mask, folder / result.mask)
    target = TargetInfo(name="android-device", kind="device", platform="android", abi="arm64-v8a", os="13")
    bundle = blessed.model_copy(update={"target": target, "results": tuple(kept)})
    save(bundle, folder / "bundle.json")
    return folder


@pytest.fixture
def planned(tmp_path) -> Path:
    """A folder of android.farm."""
    test_lab.write(request_of(), plan(), tmp_path / "plan")
    return tmp_path / "plan"


AXES = [
    line.split("│")[2].strip()
    for name in ("gcloud-failed", "gcloud-hyphen")
    for line in transcript(f"test_lab/{name}.txt").splitlines()
    if line.startswith("│ ") and "OUTCOME" not in line
]


@pytest.mark.parametrize("axis", [*AXES, "redfin-30-en-portrait-shard_2-rerun_2", "a52q-31-de_DE-default_rerun_1"])
def test_a_bundle_is_called_as_its_device(axis):
    """gcloud's TEST_AXIS_VALUE is the name of an execution's folder; models may have hyphens."""
    assert len(AXES) == 5
    name = test_lab.name_of(("2026-11-25_12-00-00", "shard_0", axis, "artifacts", "sdcard"))
    assert name == f"-{axis.lower().replace('_', '-')}"


@given(st.lists(st.text()))
def test_any_path_has_a_name_or_none(parts):
    assert re.fullmatch(r"(-[a-z0-9.-]{1,60})?", test_lab.name_of(parts))


def collect(planned: Path) -> list[test_lab.Collected]:
    """Collect `results` beside the plan."""
    return test_lab.collect(planned.parent / "results", planned, planned.parent / "out")


def edit(folder: Path, change) -> None:
    """Change what bundle.json says."""
    data = json.loads((folder / "bundle.json").read_text("utf-8"))
    change(data)
    (folder / "bundle.json").write_text(json.dumps(data), "utf-8")


def test_results_become_bundles_ready_to_compare(planned):
    execution(planned.parent / "results")
    execution(planned.parent / "results", device="a52q-31-de_DE-portrait_rerun_1")
    first, second = collect(planned)
    assert (first.name, second.name) == ("000-pixel6-33-en-portrait", "001-a52q-31-de-de-portrait-rerun-1")
    assert test_lab.failures([first, second]) == []
    bundle = load_bundle(first.folder)
    assert [result.case for result in bundle.results] == [
        result.case for result in load_golden(golden_folder(REPO, "shapes", "lib_interpreter")).bundle.results
        if result.case in CASES
    ]  # fmt: skip
    assert sorted(path.name for path in first.folder.rglob("*.png")) == sorted(f"{case}.png" for case in CASES)


def test_shards_are_held_against_their_own_requests(tmp_path):
    test_lab.write(request_of(), plan(shards=2), tmp_path / "plan")
    execution(tmp_path / "results/a", ("square", "tall"))
    execution(tmp_path / "results/b", ("wide",))
    first, second = collect(tmp_path / "plan")
    assert test_lab.failures([first]) == []
    assert test_lab.failures([second]) == [
        f"{second.name}: noisy: the farm's execution ended before this case was done"
    ]


def test_a_case_that_is_missing_is_an_error(planned):
    execution(planned.parent / "results", CASES[:3])
    (only,) = collect(planned)
    result = load_bundle(only.folder).result("noisy")
    assert result.status == "error" and "ended before this case was done" in result.error.message


def test_an_execution_without_a_bundle_is_told(planned):
    folder = execution(planned.parent / "results")
    shutil.rmtree(folder)
    (only,) = collect(planned)
    assert only.bundle is None and "no bundle" in only.problem
    assert test_lab.failures([only]) == [f"{only.name}: {only.problem}"]


def test_every_attempt_is_kept(planned):
    """A crash that the second attempt did not have is still there to see."""
    crashed = execution(planned.parent / "results")
    shutil.rmtree(crashed)
    execution(planned.parent / "results", device="Pixel6-33-en-portrait_rerun_1")
    first, second = collect(planned)
    assert first.problem and not second.problem


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data.update(results=[]), "has no cases"),
        (lambda data: data["results"][0].update(case="another"), "cases that no shard asked for"),
        (lambda data: data["model"].update(sha256="0" * 64), "is of another model"),
        (lambda data: data["target"].update(name="python"), "is of target python"),
        (lambda data: data.update(pipeline="lib_task_api"), "is of pipeline lib_task_api"),
        (lambda data: data["results"][0].update(image_sha256="0" * 64), "has another image"),
        (lambda data: data["results"][0].update(mask="../../../secret.png"), "leads out of the bundle"),
        (lambda data: data["results"][0].update(mask="bundle.json.png"), "belongs to no bundle"),
        (lambda data: data.update(surprise=1), "breaks the bundle contract"),
    ],
)
def test_a_bundle_that_cannot_be_is_a_problem_and_leaves_nothing(change, sentence, planned):
    edit(execution(planned.parent / "results"), change)
    (only,) = collect(planned)
    assert only.bundle is None and sentence in only.problem
    assert not list((planned.parent / "out").rglob("*.png"))


@pytest.mark.parametrize("harm", ["bytes", "gone", "link", "large"])
def test_a_mask_that_is_not_the_one_that_was_drawn_is_an_error_of_its_case(harm, planned):
    mask = execution(planned.parent / "results") / "masks/square.png"
    content = mask.read_bytes()
    mask.unlink()
    match harm:
        case "bytes":
            mask.write_bytes(content[:-1] + b"\0")
        case "link":
            secret = planned.parent / "secret.png"
            secret.write_bytes(content)
            mask.symlink_to(secret)
        case "large":
            with mask.open("wb") as stream:
                stream.truncate(64 << 20)
    (only,) = collect(planned)
    failed = {result.case for result in only.bundle.results if result.status == "error"}
    assert failed == {"square"} and len(test_lab.failures([only])) == 1


def test_a_link_for_a_bundle_is_not_followed(planned):
    folder = execution(planned.parent / "results")
    elsewhere = planned.parent / "elsewhere.json"
    (folder / "bundle.json").rename(elsewhere)
    (folder / "bundle.json").symlink_to(elsewhere)
    (only,) = collect(planned)
    assert "a link for a bundle" in only.problem


def test_what_an_earlier_collecting_left_does_not_count(planned):
    execution(planned.parent / "results")
    (only,) = collect(planned)
    (only.folder / "masks/old.png").write_bytes(b"old")
    collect(planned)
    assert not (only.folder / "masks/old.png").exists()


def test_no_results_are_no_pass(planned):
    with pytest.raises(UsageError, match="is no folder"):
        collect(planned)
    (planned.parent / "results").mkdir()
    with pytest.raises(RunError, match="has no results of a farm"):
        collect(planned)
    with pytest.raises(UsageError, match="is no folder of android.farm"):
        test_lab.collect(planned.parent / "results", planned.parent, planned.parent / "out")


def test_the_requests_of_a_plan_are_json(planned):
    path = planned / "shard-0/request.json"
    assert to_json(load_request(path)) == path.read_bytes()


@pytest.mark.project
def test_the_program_plans_and_collects(tmp_path):
    need("jdk")
    words = ("android.farm", "--model", "shapes", "--phone", PIXEL, "--out", tmp_path / "plan")
    ran = run_program(REPO, *words, "--flank")
    assert ran.code == 0 and f"flank firebase test android run -c {tmp_path}/plan/shard-0/flank.yml" in ran.text, (
        ran.text
    )
    data = yaml.safe_load((tmp_path / "plan/shard-0/flank.yml").read_text("utf-8"))["gcloud"]
    assert all(Path(data[key]).is_file() for key in ("app", "test"))
    assert not (tmp_path / "plan/shard-0/gcloud.sh").exists()
    everything = [case.id for case in load_request(tmp_path / "plan/shard-0/request.json").cases]
    execution(tmp_path / "results", everything)
    words = ("android.farm.collect", "--results", tmp_path / "results", "--plan", tmp_path / "plan")
    ran = run_program(REPO, *words, "--out", tmp_path / "bundles")
    assert ran.code == 0, ran.text
    (bundle,) = (tmp_path / "bundles").iterdir()
    golden = golden_folder(REPO, "shapes", "lib_interpreter")
    ran = run_program(REPO, "compare", "--golden", golden, "--bundle", bundle, "--out", tmp_path / "compared")
    assert ran.code == 0, ran.text
    edit(bundle, lambda data: data["results"].pop())
    (tmp_path / "results/2026-11-25_12-00-00/shard_0/another").mkdir()
    (tmp_path / "results/2026-11-25_12-00-00/shard_0/another/logcat").write_text("it died", "utf-8")
    ran = run_program(REPO, *words, "--out", tmp_path / "bundles")
    assert ran.code == 4 and "no bundle" in ran.text


@pytest.mark.project
@pytest.mark.parametrize(("flags", "sentence"), [((), "--flank or --firebase"), (("--flank",), "a farm needs devices")])
def test_a_plan_that_says_too_little(flags, sentence, tmp_path):
    ran = run_program(REPO, "android.farm", "--model", "shapes", "--out", tmp_path, *flags)
    assert ran.code == 1 and sentence in ran.text


@pytest.mark.parametrize("out", ["results", "results/bundles", "."])
def test_results_are_not_collected_onto_themselves(planned, out):
    execution(planned.parent / "results")
    before = contents(planned.parent / "results")
    with pytest.raises(UsageError, match="would mix"):
        test_lab.collect(planned.parent / "results", planned, planned.parent / out)
    assert before and contents(planned.parent / "results") == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
