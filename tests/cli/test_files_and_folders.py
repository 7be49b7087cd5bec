"""Files and folders that are not as they should be: one sentence, the right exit code, and nothing is lost."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from conftest import REPO, Project, Ran, changed_bundle, equal_bundle

from goldmask.contract.errors import ExitCode
from goldmask.machine import shell

GOLDEN = "models/tiny/goldens/lib_interpreter"
IMAGE = "models/tiny/flag.png"
# Without its capabilities root is held to a file's mode as everybody is.
UNPRIVILEGED = ("setpriv", "--inh-caps=-all", "--bounding-set=-all", "--") if os.geteuid() == 0 else ()


def run_as(project: Project, before: tuple[str, ...], *words: str | bytes | Path, cwd: Path | None = None) -> Ran:
    """The program with `before` in front of it. A traceback is a failure of any test."""
    log = project.folder.parent / "stderr.log"
    argv = [*before, sys.executable, REPO / "tasks.py", *map(os.fsdecode, words)]
    done = shell.run(argv, log=log, deadline_s=120, cwd=cwd or project.folder, env={"CI": ""})
    stderr = log.read_text("utf-8", "replace")
    assert "Traceback" not in stderr + done.stdout, stderr
    return Ran(done.code, done.stdout, stderr)


# No file may grow; nor can coverage keep what it counts, and says so by a traceback.
FULL_DISK = ("/bin/sh", "-c", 'unset COVERAGE_PROCESS_START COVERAGE_PROCESS_CONFIG; ulimit -f 0; exec "$@" 2>&1', "sh")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def bundles(project: Project) -> Project:
    """A project with a bundle that its golden passes, and one that it does not."""
    equal_bundle(project, project.folder / "equal")
    changed_bundle(project, project.folder / "changed")
    return project


COMPARE = ("compare", "--golden", GOLDEN, "--bundle", "equal", "--out", "out")
RUN = ("run", "--model", "tiny", "--image", IMAGE, "--out", "out")
RECORD = ("golden.record", "--mode", "all")
ACCEPT = ("golden.accept", "--all", "--reason", "another normalisation")
U, C, G, R, D = ExitCode.USAGE, ExitCode.CONFIG, ExitCode.GOLDEN, ExitCode.RUN, ExitCode.MASKS_DIFFER


@pytest.mark.parametrize(
    ("name", "mode", "words", "code", "sentence"),
    [
        (".", 0o555, COMPARE, U, "cannot write into out: Permission denied"),
        ("goldmask.toml", 0, COMPARE, C, "goldmask.toml cannot be read: Permission denied"),
        ("models/tiny/model.toml", 0, RUN, C, "model.toml cannot be read: Permission denied"),
        ("models/tiny/tiny.tflite", 0, RUN, U, "tiny.tflite cannot be read: Permission denied"),
        (IMAGE, 0, RUN, U, "flag.png cannot be read: Permission denied"),
        (GOLDEN, 0, COMPARE, U, "Permission denied"),
        (f"{GOLDEN}/golden.json", 0, COMPARE, G, "Permission denied"),
        ("equal/bundle.json", 0, COMPARE, R, "bundle.json cannot be read: Permission denied"),
        ("equal/masks/flag.png", 0, COMPARE, R, "flag.png cannot be read: Permission denied"),
        ("equal/masks", 0, COMPARE, R, "flag.png cannot be read: Permission denied"),
        (f"{GOLDEN}/masks", 0, COMPARE, G, "flag.png cannot be read: Permission denied"),
        ("models/tiny/goldens", 0o555, ACCEPT, G, "cannot be written: Permission denied"),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_who_may_not_is_told_which_file(bundles: Project, name: str, mode: int, words, code: int, sentence: str):
    bundles.edit("models/tiny/model.toml", "mean = [127.5]", "mean = [127]")  # so that recording changes something
    if words == ACCEPT:
        assert run_as(bundles, UNPRIVILEGED, *RECORD).code == ExitCode.OK
    before = contents(bundles.golden)
    path = bundles.folder / name
    usual = path.stat().st_mode & 0o777
    path.chmod(mode)
    try:
        ran = run_as(bundles, UNPRIVILEGED, *words)
    finally:
        path.chmod(usual)
    assert (ran.code, sentence in ran.text) == (code, True), ran.text
    assert contents(bundles.golden) == before
    assert [each for each in bundles.model.rglob(".*")] == []


def test_and_otherwise_the_same_words_work(bundles: Project):
    for words in (COMPARE, RUN, RECORD, ACCEPT):
        assert run_as(bundles, UNPRIVILEGED, *words).code == ExitCode.OK


@pytest.mark.parametrize(("bundle", "code"), [("changed", D), ("equal", R)])
def test_a_report_that_cannot_be_written_hides_no_difference(bundles: Project, bundle: str, code: int):
    ran = run_as(bundles, FULL_DISK, "compare", "--golden", GOLDEN, "--bundle", bundle)
    assert ran.code == code
    assert "report.json cannot be written: File too large" in ran.text and "free some disk space" in ran.text
    assert not (bundles.folder / "build/compare/report.json").exists()


@pytest.mark.parametrize("words", [("models.list",), ("check",)], ids=lambda words: words[0])
def test_a_folder_that_is_gone(bundles: Project, words: tuple[str, ...]):
    gone = bundles.folder / "gone"
    before = ("/bin/sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh")
    ran = run_as(bundles, before, *words)
    assert ran.code == U and "the current folder does not exist any more" in ran.text and not gone.exists()


LONG = "n" * 300


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("compare", "--golden", LONG, "--bundle", "equal"), f"{LONG}: File name too long"),
        (("compare", "--golden", "n/" * 2500, "--bundle", "equal"), "File name too long"),
        ((*COMPARE[:-1], LONG), "File name too long"),
        (("models.info", "--model", f"{LONG}.tflite"), f"{LONG}.tflite: File name too long"),
        (("models.info", "--model", LONG), f"{LONG}: File name too long"),
        ((*RUN[:4], LONG), f"{LONG} cannot be read: File name too long"),
        ((*COMPARE[:-1], "file"), "cannot write into file: File exists"),
        ((*COMPARE[:-1], "file/below"), "cannot write into file/below: Not a directory"),
        ((*COMPARE[:-1], "~nosuchuser/out"), "--out '~nosuchuser/out': there is no such user"),
        (("compare", "--golden", b"g\xff", "--bundle", "equal"), "--golden 'g\\udcff' is not UTF-8"),
        ((*RUN[:4], b"i\xff.png"), "--image 'i\\udcff.png' is not UTF-8"),
        (("compare",), "compare needs --golden"),
        (("compare", "--golden", GOLDEN), "compare needs --bundle"),
        (("compare", "--golden", "file", "--bundle", "equal"), "--golden 'file' is no folder"),
    ],
    ids=lambda each: os.fsdecode(each[-1])[:20] if isinstance(each, tuple) else None,
)
def test_names_that_cannot_be(bundles: Project, words: tuple[str | bytes, ...], sentence: str):
    (bundles.folder / "file").write_text("x")
    before = set(bundles.folder.rglob("*"))
    ran = run_as(bundles, (), *words)
    assert (ran.code, sentence in ran.text) == (U, True), ran.text
    assert set(bundles.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "words", "code", "sentence"),
    [
        ("build", ("check",), U, "cannot write into"),
        ("models", ("check",), C, "there is no model 'tiny'"),
        ("models/tiny/goldens", ACCEPT, G, "lib_interpreter cannot be written: File exists"),
        (GOLDEN, ACCEPT, G, "lib_interpreter cannot be written: Not a directory"),
    ],
)
def test_a_file_where_a_folder_should_be(bundles: Project, name: str, words: tuple[str, ...], code: int, sentence: str):
    path = bundles.folder / name
    if path.exists():
        path.rename(bundles.folder / "moved")
    path.write_text("precious")
    if words == ACCEPT:
        assert run_as(bundles, (), *RECORD).code == ExitCode.OK
    ran = run_as(bundles, (), *words)
    assert (ran.code, sentence in ran.text) == (code, True), ran.text
    assert path.read_text() == "precious"


def test_no_place_for_temporary_files(bundles: Project):
    ran = run_as(bundles, FULL_DISK, *RECORD)
    assert ran.code == ExitCode.ENVIRONMENT
    assert "temporary files can be written nowhere" in ran.text and "try: TMPDIR=" in ran.text


def test_a_tilde_in_quotes_is_the_home_folder(bundles: Project):
    home = bundles.folder / "home"
    shutil.copytree(bundles.folder / "equal", home / "equal")
    ran = run_as(bundles, ("env", f"HOME={home}"), *COMPARE[:4], "~/equal", "--out", "~/out")
    assert ran.code == ExitCode.OK and (home / "out/report.json").is_file()
    assert not (bundles.folder / "~").exists()


def test_a_project_of_a_name_that_no_report_can_hold(bundles: Project):
    strange = Path(os.fsdecode(os.fsencode(bundles.folder) + b"\xff"))
    shutil.copytree(bundles.folder, strange)
    ran = run_as(bundles, (), "check", cwd=strange)
    assert ran.code == U and "the name of the current folder is not UTF-8" in ran.text


@pytest.mark.parametrize(
    "words",
    [RUN[:-1], ("check", "--out"), COMPARE[:-1], ("golden.verify", "--out")],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("place", [GOLDEN, f"{GOLDEN}/masks", "models/tiny/goldens", "linked"])
def test_no_results_go_where_goldens_are(bundles: Project, words: tuple[str, ...], place: str):
    (bundles.folder / "linked").symlink_to(bundles.golden)
    before = contents(bundles.model)
    ran = run_as(bundles, (), *words, place)
    assert ran.code == U and f"--out {place} is a place of goldens" in ran.text
    assert contents(bundles.model) == before


def test_masks_that_no_run_wrote_are_not_in_the_way_of_one(bundles: Project):
    masks = bundles.folder / "dataset/masks"
    masks.mkdir(parents=True)
    (masks / "truth.png").write_bytes(b"precious")
    ran = run_as(bundles, (), *RUN[:-1], "dataset")
    assert ran.code == U and "dataset/masks is not from a run of goldmask" in ran.text
    assert (masks / "truth.png").read_bytes() == b"precious"
    for _ in range(2):  # those of a run are, for the next
        assert run_as(bundles, (), *RUN).code == ExitCode.OK


def test_results_go_below_the_project_from_any_folder_of_it(bundles: Project):
    below = bundles.folder / "models/tiny"
    for words in (
        ("run", "--model", "tiny", "--image", "flag.png"),
        ("check",),
        ("compare", "--golden", "goldens/lib_interpreter", "--bundle", "../../equal"),
    ):
        assert run_as(bundles, (), *words, cwd=below).code == ExitCode.OK
    assert not (below / "build").exists()
    assert {path.name for path in (bundles.folder / "build").iterdir()} == {"run", "check", "compare"}


def test_a_golden_folder_that_is_a_link_stays_one(bundles: Project, tmp_path: Path):
    real = tmp_path / "elsewhere"
    bundles.golden.rename(real)
    bundles.golden.symlink_to(real)
    assert run_as(bundles, (), "check").code == ExitCode.OK
    before = contents(real)
    bundles.edit("models/tiny/model.toml", "mean = [127.5]", "mean = [127]")
    assert run_as(bundles, (), *RECORD).code == ExitCode.OK
    bundles.accept()
    assert bundles.golden.is_symlink() and set(contents(real)) == set(before) and contents(real) != before
    assert run_as(bundles, (), "check").code == ExitCode.OK
    bundles.edit("models/tiny/model.toml", 'id = "wide"', 'id = "other"')
    assert run_as(bundles, (), "golden.prune").code == ExitCode.OK
    assert bundles.golden.is_symlink() and "masks/wide.png" not in contents(real)
    assert [path.name for path in tmp_path.iterdir() if "goldmask" in path.name or path.name.startswith(".")] == []
