"""The task `diagnose`."""

from ..cli.command import command


@command(
    options=("threads", "delegate", "runtime", "abi"),
    example="./goldmask diagnose --golden shapes --bundle build/check/bundles/android-jvm/lib_interpreter/shapes",
)
def diagnose(
    c,
    golden="",
    bundle="",
    ops=False,
    a="",
    b="",
    model="",
    target="",
    case="",
    image="",
    threshold="",
    out="",
    verbose=False,
    **flags,
):
    """Why do masks differ? Compare two bundles and name the cause, or (--ops) two sides operator by operator."""
    by_operator = {"a": a, "b": b, "model": model, "target": target, "case": case, "image": image} | flags
    by_operator["threshold"] = threshold
    if ops:
        from ..cli.operators import diagnose_operators

        return diagnose_operators({"golden": golden, "bundle": bundle}, by_operator, out, verbose)
    from ..cli.diagnose import run_diagnose

    return run_diagnose(golden, bundle, out, verbose, by_operator)
