"""What latency adds to the rows of a check: budgets, and baselines."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..contract.errors import ConfigError
from ..project.config import Config
from ..project.model import load_spec, model_names
from ..verdict.budget import unused, with_budgets
from ..verdict.compare import Comparison


def judge_latency(root: Path, config: Config, rows: Iterable[Comparison]) -> tuple[list[Comparison], Sequence[str]]:
    """The rows with what their latency adds to their verdicts, and notes."""
    judged = [with_budgets(row, config.budgets, config.device.suppress) for row in rows]
    return judged, unused(config.budgets, judged, _declared(root)) if config.budgets else ()


def _declared(root: Path) -> Iterator[tuple[str, str]]:
    """All models of the project with their pipelines, not only those that ran."""
    for name in model_names(root):
        try:
            yield from ((name, pipeline) for pipeline in load_spec(root, name).pipelines)
        except ConfigError:  # told to whoever wants that model
            yield name, "*"
