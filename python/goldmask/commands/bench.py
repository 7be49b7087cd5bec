"""Tasks `bench.*` and `latency.*`: measure, keep and follow latency."""

from ..cli.command import command
from ..project.options import OPTIONS


@command(
    name="ab",
    several=("image",),
    options=("threads", "delegate", "runtime", "resize", "abi", "device", "warmup", "runs", "min_duration_s", "seed"),
    example="./goldmask bench --model shapes --a delegate=xnnpack --b delegate=cpu",
)
def ab(
    c, a="", b="", model="shapes", target="python", pipeline="lib_interpreter", image=None, pairs=20, out="", **flags
):
    """Which of two sides is faster: models, runtimes, delegates, thread counts or targets, measured in turn."""
    from ..cli.bench import a_against_b

    return a_against_b(a, b, {"model": model, "target": target, "pipeline": pipeline}, image, pairs, out, flags)


@command(
    name="record",
    several=("model", "pipeline", "target"),
    options=OPTIONS,
    example="./goldmask bench.record --model shapes --target python",
)
def record(c, suite="default", model=None, pipeline=None, target=None, out="", **flags):
    """Measure, and keep the figures as baselines in latency/, for later checks to be held against."""
    from ..cli.bench import record

    return record(suite, model, pipeline, target, out, flags)


@command(name="history", several=("folder",), example="./goldmask latency.history")
def history(c, folder=None, out=""):
    """How the committed baselines in latency/ went, as pictures, and the commits where they stepped."""
    from ..cli.bench import show_history

    return show_history(folder, out)
