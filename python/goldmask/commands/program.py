"""Tasks without a noun in front: check, run, compare, report, init, doctor, test."""

from ..cli.command import command
from ..project.options import OPTIONS


@command(
    several=("model", "pipeline", "target", "case"),
    options=OPTIONS,
    example="./goldmask check --model shapes --target python --target android-jvm",
)
def check(
    c,
    suite="default",
    model=None,
    pipeline=None,
    target=None,
    case=None,
    last_failed=False,
    fail_fast=False,
    across=False,
    against="",
    variants="",
    out="",
    verbose=False,
    **flags,
):
    """Does every target still predict the golden masks? Fetch, run, compare, report."""
    from ..cli.check import CheckFlags, run_check

    chosen = CheckFlags(
        suite, model, pipeline, target, case, last_failed, fail_fast, out, flags, across, against, variants
    )
    return run_check(chosen, verbose)


@command(
    several=("image",),
    options=OPTIONS,
    example="./goldmask run --model my.tflite --image photos/*.jpg --out build/mine",
)
def run(c, target="python", pipeline="lib_interpreter", model="", image=None, out="", **flags):
    """Run any model on any images, and keep the bundle."""
    from ..cli.run import run_adhoc

    return run_adhoc(target, pipeline, model, image, out, flags)


@command(example="./goldmask compare --golden build/mine --bundle build/theirs")
def compare(c, golden="", bundle="", out="", verbose=False, across=False):
    """Compare two bundles on disk, or the goldens of two models; nothing is run."""
    from ..cli.compare import run_compare

    return run_compare(golden, bundle, out, verbose, across)


@command(example="./goldmask report --out build/check --format markdown")
def report(c, out="", verbose=False, format="text", artifact=""):
    """Show the report of an earlier check again: as a table, as Markdown, or for a job of GitHub's."""
    from ..cli.check import show_report

    return show_report(out, verbose, format, artifact)


@command(example="./goldmask init --ci github")
def init(c, ci=""):
    """Start a project in this folder: goldmask.toml, and with --ci a workflow that checks each push."""
    from ..cli.own_models import start_project

    return start_project(ci)


@command(example="./goldmask doctor")
def doctor(c):
    """What can run here, what is missing, and the command that fixes it."""
    from ..cli.doctor import show_doctor

    return show_doctor()


@command(example="./goldmask test --fast")
def test(c, select="", fast=False, coverage=False, fuzz=0):
    """Run goldmask's own tests."""
    from ..cli.testing import run_tests

    return run_tests(select, fast, coverage, fuzz)
