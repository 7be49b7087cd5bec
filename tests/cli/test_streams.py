"""stdout and stderr that are closed, full, without a reader or in ASCII: the exit code is the verdict's, as ever."""

import re
import sys
from pathlib import Path

import pytest
from conftest import REPO, Project, Ran, changed_bundle, equal_bundle

from goldmask.contract.errors import ExitCode
from goldmask.machine import shell

DIFFERENT = ("compare", "--golden", "models/tiny/goldens/lib_interpreter", "--bundle", "changed")
EQUAL = (*DIFFERENT[:-1], "equal")
FULL = "goldmask: stdout cannot be written: No space left on device"


@pytest.fixture
def bundles(project: Project) -> Project:
    """A project with a bundle that its golden passes, and one that it does not."""
    equal_bundle(project, project.folder / "equal")
    changed_bundle(project, project.folder / "changed")
    return project


def run_in_shell(project: Project, script: str, *words: str, **environment: str) -> Ran:
    """The program as `"$@"` of a shell script."""
    log = project.folder / "stderr.log"
    argv = ["/bin/sh", "-c", script, "sh", sys.executable, REPO / "tasks.py", *words]
    done = shell.run(argv, log=log, deadline_s=120, cwd=project.folder, env={"CI": "", **environment})
    stderr = log.read_text("utf-8", "replace")
    assert "Traceback" not in stderr and "Exception ignored" not in stderr, stderr
    return Ran(done.code, done.stdout, stderr)


@pytest.mark.parametrize(
    "redirections",
    ["", ">&-", ">/dev/full", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"],
    ids=lambda s: s or "-",
)
def test_a_failing_compare_fails_whatever_becomes_of_its_words(bundles: Project, redirections: str):
    ran = run_in_shell(bundles, f'exec "$@" {redirections}', *DIFFERENT)
    assert ran.code == ExitCode.MASKS_DIFFER
    assert ("1 FAIL" in ran.text) == (redirections == "")
    assert (bundles.folder / "build/compare/report.json").is_file()


@pytest.mark.parametrize(("words", "code"), [(DIFFERENT, ExitCode.MASKS_DIFFER), (EQUAL, ExitCode.OK)])
def test_a_reader_that_went_away_is_no_error(bundles: Project, words: tuple[str, ...], code: ExitCode):
    ran = run_in_shell(bundles, '{ "$@"; echo $? >code; } | :', *words)
    assert (bundles.folder / "code").read_text("ascii") == f"{int(code)}\n"
    assert ran.stderr == ""


@pytest.mark.parametrize(
    "words", [EQUAL, ("models.list",), ("--list",), ("golden.prune", "--help")], ids=lambda w: w[0]
)
def test_words_that_are_lost_are_an_error_of_a_run_that_has_no_other(bundles: Project, words: tuple[str, ...]):
    ran = run_in_shell(bundles, 'exec "$@" >/dev/full', *words)
    assert ran.code == ExitCode.USAGE and ran.stderr.strip() == FULL


def test_and_a_usage_error_keeps_its_own_sentence(bundles: Project):
    ran = run_in_shell(bundles, 'exec "$@" >/dev/full', "compare", "--golden", "nowhere")
    assert ran.code == ExitCode.USAGE and "--golden 'nowhere' is no folder" in ran.stderr and FULL not in ran.stderr


ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}


def test_a_terminal_without_the_characters_gets_escapes(bundles: Project):
    ran = run_in_shell(bundles, 'exec "$@"', *DIFFERENT, **ASCII)
    assert ran.code == ExitCode.MASKS_DIFFER
    assert ran.stdout.isascii() and "tiny | python | lib_interpreter" in ran.stdout


def test_a_real_terminal_of_80_columns(bundles: Project):
    """Of 80 by its COLUMNS; the golden's folder has a long name, and still no line is wider."""
    at_a_terminal = f'exec {sys.executable} -c "import pty, sys; pty.spawn(sys.argv[1:])" "$@"'
    ran = run_in_shell(bundles, at_a_terminal, *DIFFERENT, "--out", "out/" + "x" * 70, COLUMNS="80", TERM="xterm")
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in ran.stdout.splitlines()]
    assert max(map(len, lines)) == 80 and "\x1b[" in ran.stdout
    assert "  FAIL   flag  32 confident flips (at most 0); agreement 50.0000% (at least" in lines


def test_without_a_terminals_name(bundles: Project):
    ran = run_in_shell(bundles, 'unset TERM COLUMNS HOME USER; exec "$@"', *DIFFERENT)
    assert ran.code == ExitCode.MASKS_DIFFER and "1 FAIL" in ran.text


def test_nothing_that_is_opened_takes_the_number_of_a_closed_stream(bundles: Project, tmp_path: Path):
    """A report.json that was file 1 would get whatever native code prints."""
    ran = run_in_shell(bundles, 'exec "$@" >&- 2>&-', "check", "--out", "out")
    assert ran.code == ExitCode.OK
    assert (bundles.folder / "out/report.json").read_text("utf-8").startswith("{")
