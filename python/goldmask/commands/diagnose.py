"""The task `diagnose`."""

from ..cli.command import command


@command(example="./goldmask diagnose --golden shapes --bundle build/check/bundles/android-jvm/lib_interpreter/shapes")
def diagnose(c, golden="", bundle="", out="", verbose=False):
    """Why do masks differ? Compare two bundles, and name the cause of each failure."""
    from ..cli.diagnose import run_diagnose

    return run_diagnose(golden, bundle, out, verbose)
