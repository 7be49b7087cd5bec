"""The life of a golden through the real program: recorded on request only, checked on every read."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import NORMALISED, Project, colours
from PIL import Image

from goldmask.contract.bundle import DelegatedNodes, load_bundle, margin_of
from goldmask.contract.errors import ExitCode, GoldenError
from goldmask.project.golden import SIDECAR, load_golden


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def add_case(project: Project, name: str) -> None:
    Image.fromarray(colours(12, 12)).save(project.model / f"{name}.png")
    project.declare((project.model / "tiny.tflite").read_bytes())


def test_a_golden_says_where_it_comes_from(project: Project):
    golden = load_golden(project.golden)
    assert golden.bundle.runtime.name == "LiteRT Interpreter" and golden.bundle.runtime.threads == 2
    assert golden.provenance.labels == ("red", "green", "blue") and golden.provenance.tool.startswith("goldmask ")
    margin, unit = margin_of(project.golden, golden.bundle.result("flag"))
    assert unit == "score" and margin == pytest.approx(np.full((8, 8), 170 / 127.5), rel=0.2)
    assert all(
        result.latency is result.memory_init_mb is result.memory_steady_mb is None for result in golden.bundle.results
    )


def test_recording_again_changes_no_byte(project: Project):
    before = contents(project.golden)
    ran = project.run("golden.record", "--mode", "all")
    assert ran.code == 0 and "unchanged tiny lib_interpreter flag" in ran.text
    assert contents(project.golden) == before


def test_missing_records_only_what_is_missing(project: Project):
    add_case(project, "new")
    before = contents(project.golden)
    ran = project.run("golden.record")
    assert (
        ran.code == 0 and "pends tiny lib_interpreter new" in ran.text and "kept tiny lib_interpreter flag" in ran.text
    )
    assert contents(project.golden) == before, "nothing is golden before it is accepted"
    project.accept()
    after = contents(project.golden)
    assert set(after) - set(before) == {"masks/new.png", "taps/new.margin.png"}
    assert all(after[name] == before[name] for name in before if name.endswith(".png"))
    assert project.run("check").code == 0


@pytest.mark.parametrize("words", [("--mode", "never"), ()], ids=["never", "in CI"])
def test_never_writes_and_says_what_is_missing(project: Project, words):
    add_case(project, "new")
    before = contents(project.golden)
    ran = project.run("golden.record", *words, CI="true")
    assert ran.code == ExitCode.GOLDEN and "has no golden of new" in ran.text
    assert contents(project.golden) == before


def test_a_stale_golden_is_not_recorded_over_by_accident(project: Project):
    project.declare(tiny.scores(weight=2.0))
    before = contents(project.golden)
    ran = project.run("golden.record")
    assert ran.code == ExitCode.GOLDEN and "stale" in ran.text and "--mode all" in ran.text
    assert contents(project.golden) == before
    project.record("--mode", "all")
    assert project.run("check").code == 0


def test_half_a_golden_is_none(bare_project):
    project = bare_project(tiny.scores(weight=float("nan")))
    ran = project.run("golden.record")
    assert (
        ran.code == ExitCode.RUN
        and "the golden of tiny through lib_interpreter was not recorded, because case flag failed (postprocess"
        in ran.text
    )
    assert not project.golden.exists()


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ('orientation = 6\n[[cases]]\nid = "wide"', "another orientation"),
        ('[[cases]]\nid = "wide"', "labels"),
    ],
    ids=["orientation", "labels"],
)
def test_what_changes_a_mask_makes_its_golden_stale(project: Project, declared, why):
    if why == "labels":
        project.edit("models/tiny/model.toml", '"red"', '"crimson"')
    else:
        project.edit("models/tiny/model.toml", '[[cases]]\nid = "wide"', declared)
    ran = project.run("check")
    assert (
        ran.code == ExitCode.GOLDEN
        and f"stale: recorded with {'other' if why == 'labels' else ''}" in ran.text
        and why in ran.text
    )


def test_another_normalisation_makes_a_golden_stale(project: Project):
    project.edit("models/tiny/model.toml", NORMALISED, "[input]\nmean = [0]\nstd = [255]\n")
    ran = project.run("check")
    assert ran.code == ExitCode.GOLDEN and "another input size or normalisation" in ran.text


def test_a_changed_image_makes_its_golden_stale(project: Project):
    Image.fromarray(255 - colours()).save(project.model / "flag.png")
    project.declare((project.model / "tiny.tflite").read_bytes())
    ran = project.run("check")
    assert ran.code == ExitCode.GOLDEN and "stale: recorded of image" in ran.text and "1 PASS, 1 ERROR" in ran.text


@pytest.mark.parametrize("name", ["bundle.json", SIDECAR, "masks/flag.png", "taps/flag.margin.png"])
def test_an_edited_golden_is_noticed(project: Project, name):
    path = project.golden / name
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    assert project.run("check").code == ExitCode.GOLDEN


def test_verify_runs_the_reference_and_finds_the_unused(project: Project):
    assert project.run("golden.verify").code == 0
    before = contents(project.golden)
    (project.model / "wide.png").unlink()
    project.declare((project.model / "tiny.tflite").read_bytes())
    (project.golden / "masks/stray.png").write_bytes(b"x")
    assert project.run("check").code == 0
    ran = project.run("golden.verify")
    assert (
        ran.code == ExitCode.GOLDEN and "2 ERROR" in ran.text and "wide" in ran.text and "masks/stray.png" in ran.text
    )
    assert {name: data for name, data in contents(project.golden).items() if "stray" not in name} == before
    ran = project.run("golden.prune")
    assert ran.code == 0 and "removed tiny lib_interpreter wide" in ran.text and "2 unused goldens removed" in ran.text
    assert project.run("golden.verify").code == 0
    assert [result.case for result in load_bundle(project.golden).results] == ["flag"]


def edit_runtime(project: Project, **changes) -> None:
    """Change what the golden's bundle says of its runtime, as if it had been recorded so; None leaves a key out."""
    path = project.golden / "bundle.json"
    bundle = json.loads(path.read_text("utf-8"))
    runtime = bundle["runtime"] | changes
    bundle["runtime"] = {key: value for key, value in runtime.items() if value is not None}
    text = (json.dumps(bundle, indent=2, ensure_ascii=False) + "\n").encode()
    path.write_bytes(text)
    sidecar = json.loads((project.golden / SIDECAR).read_text("utf-8"))
    sidecar["bundle_sha256"] = hashlib.sha256(text).hexdigest()
    (project.golden / SIDECAR).write_text(json.dumps(sidecar), "utf-8")


@pytest.mark.parametrize("changes", [{"version": "1.0.0"}, {"delegate": "cpu", "nodes": {"delegated": 0, "of": 1}}])
def test_goldens_of_one_runtime_do_not_mix_with_anothers(project: Project, changes):
    edit_runtime(project, **changes)
    add_case(project, "new")
    assert project.run("golden.record").code == 0
    with pytest.raises(GoldenError, match="one golden has one runtime"):
        project.accept()


def test_a_golden_that_does_not_tell_its_nodes_stays_as_it_is_and_takes_new_cases(project: Project):
    edit_runtime(project, nodes=None)
    before = contents(project.golden)
    ran = project.run("golden.record", "--mode", "all")
    assert ran.code == 0 and "unchanged tiny lib_interpreter flag" in ran.text and contents(project.golden) == before
    add_case(project, "new")
    assert "pends tiny lib_interpreter new" in project.record().text
    assert load_golden(project.golden).bundle.runtime.nodes == DelegatedNodes(delegated=1, of=1)


def test_other_nodes_make_another_golden(project: Project):
    edit_runtime(project, nodes={"delegated": 1, "of": 2})
    ran = project.record("--mode", "all")
    assert "pends tiny lib_interpreter flag" in ran.text and load_golden(
        project.golden
    ).bundle.runtime.nodes == DelegatedNodes(delegated=1, of=1)


def test_an_unwritable_place_leaves_the_old_golden(project: Project, monkeypatch):
    """A disk that fails while files are copied; the golden is the old one, whole, and nothing lies beside it."""
    from goldmask.contract.errors import GoldenError
    from goldmask.project import golden as goldens

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = contents(project.model / "goldens")
    golden = load_golden(project.golden)
    monkeypatch.setattr(goldens.shutil, "copyfile", full)
    with pytest.raises(GoldenError, match="No space left on device") as caught:
        goldens.prune(golden, ["flag"])
    assert caught.value.fix == "free some disk space"
    assert contents(project.model / "goldens") == before


def rewritten(name: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    """Replaces `old`, which must be there, in a file of a golden once."""

    def change(golden: Path) -> None:
        data = (golden / name).read_bytes()
        assert old in data
        (golden / name).write_bytes(data.replace(old, new, 1))

    return change


def sidecar(make: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda golden: (golden / SIDECAR).unlink() or make(golden / SIDECAR)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (sidecar(lambda path: path.symlink_to("/nowhere/golden.json")), "golden.json is damaged: No such file"),
        (sidecar(lambda path: path.symlink_to("/dev/zero")), "golden.json is damaged: it is a device, not a file"),
        (sidecar(os.mkfifo), "golden.json is damaged: it is a named pipe, not a file"),
        (sidecar(Path.mkdir), "golden.json is damaged: it is a folder, not a file"),
        (rewritten(SIDECAR, b'"labels"', b'"labels": ["x"], "labels"'), "the key 'labels' is there twice"),
        (rewritten(SIDECAR, b'"schema": 1', b'"schema": true'), "schema: must be a whole number"),
        (rewritten(SIDECAR, b'"threads": 2', b'"threads": "2"'), "options.threads"),
        (rewritten(SIDECAR, b'"std": [\n      127.5', b'"std": [\n      0'), "a std of 0 divides by zero"),
        (rewritten(SIDECAR, b"{", b"[" * 100_000), "nested too deeply"),
        (rewritten("bundle.json", b'"threads": 2', b'"threads": 3'), "was changed after it was recorded"),
        (lambda golden: (golden / "bundle.json").unlink(), "bundle.json does not exist"),
    ],
)
def test_a_damaged_golden_is_told(project: Project, change, why):
    assert load_golden(project.golden).bundle.results
    change(project.golden)
    with pytest.raises(GoldenError, match=re.escape(why)):
        load_golden(project.golden)


def test_a_golden_that_leads_nowhere_is_not_a_bare_bundle(project: Project, tmp_path):
    """Compared as a bare bundle it would lose its labels and its proof, and pass."""
    shutil.copytree(project.golden, tmp_path / "copy")
    words = ("compare", "--golden", project.golden, "--bundle", tmp_path / "copy")
    assert project.run(*words).code == 0
    (project.golden / SIDECAR).unlink()
    (project.golden / SIDECAR).symlink_to("nowhere.json")
    ran = project.run(*words)
    assert ran.code == ExitCode.GOLDEN and "golden.json is damaged" in ran.text


@pytest.mark.parametrize("way", ["", "/../lib_interpreter"])
def test_a_golden_is_not_compared_with_itself(project: Project, tmp_path, way):
    (tmp_path / "link").symlink_to(project.golden)
    for bundle in (f"{project.golden}{way}", tmp_path / "link"):
        ran = project.run("compare", "--golden", project.golden, "--bundle", bundle)
        assert ran.code == ExitCode.USAGE and "--golden and --bundle are one folder" in ran.text
