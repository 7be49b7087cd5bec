"""Task `rig.record`: write down what real tools answer."""

from ..cli.command import command
from ..project.options import OPTIONS


@command(
    name="record",
    several=("model", "pipeline", "target"),
    options=OPTIONS,
    example="./goldmask rig.record --target ios-simulator",
)
def record(c, suite="default", model=None, pipeline=None, target=None, out="", transcripts="", **flags):
    """Check, and write down what every tool answers, without what identifies anybody."""
    from ..cli.rig import CheckFlags, record_check

    return record_check(CheckFlags(suite, model, pipeline, target, out=out, options=flags), transcripts)
