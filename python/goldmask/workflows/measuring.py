"""What a run does differently where latency is measured: its cases come in a random order that can be had again."""

import random
from collections.abc import Callable

from ..contract.bundle import Request
from ..contract.options import RunOptions


def measures(options: RunOptions) -> bool:
    """Whether more is asked for than one run of each image, which is how latency is measured."""
    return options.warmup + options.runs > 1 or options.min_duration_s > 0


def in_random_order(request: Request, seed: int | None, on_note: Callable[[str], None]) -> Request:
    """The request with its cases in the order of `seed`, a new one if there is none, where latency is measured.

    In one and the same order a phone that heats up would be slow in one and the same case.
    """
    if len(request.cases) < 2 or not measures(request.options):
        return request
    if seed is None:
        seed = random.SystemRandom().randrange(1 << 32)
    on_note(f"latency: the cases of {request.model.name} ran in the order of --seed {seed}")
    cases = random.Random(seed).sample(request.cases, len(request.cases))
    return request.model_copy(update={"cases": tuple(cases)})
