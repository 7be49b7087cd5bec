"""Tasks `golden.*`: record, review and accept goldens."""

from ..cli.command import command


@command(name="record", several=("model", "pipeline"), example="./goldmask golden.record --model shapes")
def record(c, model=None, pipeline=None, mode="", assume=False, ties=False):
    """Run the reference; masks that are not golden pend until they are accepted."""
    from ..cli.golden import record_goldens

    return record_goldens(model, pipeline, mode, assume, ties)


@command(name="pending", several=("model", "case"), example="./goldmask golden.pending")
def pending(c, model=None, case=None, from_=""):
    """List masks that wait for a decision; exit 5 if there are any."""
    from ..cli.review import list_pending

    return list_pending(model, case, from_)


@command(name="review", several=("model", "case"), example="./goldmask golden.review --from downloaded/goldmask")
def review(c, model=None, case=None, reason="", from_=""):
    """Look at masks that wait for a decision one by one: accept, reject, skip."""
    from ..cli.review import review_pending

    return review_pending(model, case, reason, from_)


@command(
    name="accept", several=("model", "case"), example="./goldmask golden.accept --all --reason 'retrained on rain'"
)
def accept(c, model=None, case=None, all=False, reason="", from_=""):
    """Make masks that wait golden; the reason goes into their provenance."""
    from ..cli.review import accept_pending

    return accept_pending(model, case, all, reason, from_)


@command(
    name="reject", several=("model", "case"), example="./goldmask golden.reject --case crossing --reason 'no kerb'"
)
def reject(c, model=None, case=None, all=False, reason="", from_=""):
    """Drop masks that wait; a check tells that they were rejected."""
    from ..cli.review import reject_pending

    return reject_pending(model, case, all, reason, from_)


@command(name="verify", several=("model", "pipeline"), example="./goldmask golden.verify --model shapes")
def verify(c, suite="default", model=None, pipeline=None, runtime="", out="", verbose=False):
    """Run the reference again and compare; unused goldens fail too. Writes no golden."""
    from ..cli.golden import verify_goldens

    return verify_goldens(suite, model, pipeline, runtime, out, verbose)


@command(name="calibrate", several=("model",), example="./goldmask golden.calibrate --model road-int8 --write")
def calibrate(c, model=None, write=False):
    """Measure how undecided the pixels are that flip between delegates, threads and runtimes; propose a tie margin."""
    from ..cli.golden import calibrate_margins

    return calibrate_margins(model, write)


@command(name="prune", several=("model",), example="./goldmask golden.prune")
def prune(c, model=None):
    """Remove goldens that no case uses."""
    from ..cli.golden import prune_goldens

    return prune_goldens(model)
