"""A target run by a test in its own process: a session with options, made ready, and one request."""

from pathlib import Path
from typing import Any, get_args

from goldmask.contract.bundle import Bundle, Predicted, Request
from goldmask.project.budget import FigureName
from goldmask.project.options import TargetOptions
from goldmask.targets.target import Context, find_target
from goldmask.verdict.budget import interval
from goldmask.verdict.latency import measured


def context_of(root: Path, logs: Path, **choices: Any) -> Context:
    """What a target is given; `choices` are options, or else fields of the context."""
    options = {name: value for name, value in choices.items() if name in TargetOptions.model_fields}
    rest = {name: value for name, value in choices.items() if name not in options}
    return Context(root, logs, TargetOptions.model_validate(options), **rest)


def figures_without(bundle: Bundle) -> set[str]:
    """The figures of budgets that a case of the bundle has not; every target measures all of them."""
    latencies = [measured(bundle, result) for result in bundle.results if isinstance(result, Predicted)]
    assert latencies
    return {
        name for latency in latencies for name in get_args(FigureName) if latency is None or not interval(latency, name)
    }


def run_target(name: str, request: Request, out: Path, context: Context, **listener: Any) -> Bundle:
    """The bundle of one request, on a target that was made ready for its pipeline."""
    with find_target(name).session(context) as session:
        session.prepare(request.options.pipeline)
        return session.run(request, out, **listener)
