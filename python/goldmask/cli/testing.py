"""`test`: goldmask's own tests."""

import sys
from functools import partial

from ..contract.errors import ExitCode, UsageError
from ..machine import shell
from ..machine.resources import INSTALLED, TOOL_ROOT

TEST_DEADLINE_S = 5400


def run_tests(select: str, fast: bool, coverage: bool, fuzz: int) -> ExitCode:
    """`test`: the whole test suite, as CI runs it; `fast` runs the pure ring only (tests/rings.py).

    `coverage` measures what the tests run, sub-processes included, and is a failure where a pure room has too little.
    `fuzz` is how many minutes the fuzz suites share; nothing else is run then (tests/fuzz/fuzzing.py).
    """
    if fuzz < 0:
        raise UsageError(f"--fuzz {fuzz} is no time", fix="--fuzz 10, in minutes")
    if INSTALLED:
        raise UsageError(
            "goldmask's own tests are not installed with it", fix="git clone its repository, and test there"
        )
    # Slow tests come in files: a worker that has none left takes some of another's.
    tests = ["-m", "pytest", "-n", "auto", "--dist", "worksteal", "--durations=15"]
    tests += [str(TOOL_ROOT / "tests/fuzz" if fuzz else TOOL_ROOT / "tests")]
    tests += ["-m", "pure"] if fast else []
    tests += ["-k", select] if select else []
    if not coverage:
        return _run(tests, fuzz)
    _run(["-m", "coverage", "erase"])
    # Both are run, so that a test that fails hides no room.
    return max(_run(["-m", "coverage", "run", *tests], fuzz), _run([str(TOOL_ROOT / "tests/room_coverage.py")]))


def _run(arguments: list[str], fuzz: int = 0) -> ExitCode:
    argv = [sys.executable, *arguments]
    done = shell.run(
        argv,
        log=TOOL_ROOT / "build/test.log",
        deadline_s=TEST_DEADLINE_S + 60 * fuzz,
        cwd=TOOL_ROOT,
        env={"GOLDMASK_FUZZ_MINUTES": str(fuzz)} if fuzz else None,
        on_line=partial(print, flush=True),
    )
    sys.stderr.write(done.log_tail(20))
    return ExitCode.OK if done.code == 0 else ExitCode.USAGE
