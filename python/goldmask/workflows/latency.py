"""What latency adds to the rows of a check: budgets, and baselines."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..contract.errors import ConfigError
from ..machine.host_class import host_class
from ..project.app_pipelines import held_against, pipeline_names
from ..project.config import Config
from ..project.model import load_spec, model_names
from ..verdict.baseline import Baseline, host_figures, with_baselines, with_host_ratio
from ..verdict.budget import unused, with_budgets
from ..verdict.compare import Comparison


def judge_latency(
    root: Path, config: Config, rows: Sequence[Comparison], baselines: Sequence[Baseline]
) -> tuple[list[Comparison], Sequence[str]]:
    """The rows with what their latency adds to their verdicts, and notes."""
    suppress = config.device.suppress
    judged = [with_budgets(row, config.budgets, suppress) for row in rows]
    notes = list(unused(config.budgets, judged, _declared(root, config)) if config.budgets else ())
    if baselines:
        judged, reasons = with_baselines(judged, baselines, config.latency, suppress, host_class())
        notes += reasons
    host = host_figures(judged, baselines)
    return [with_host_ratio(row, host) for row in judged], notes


def _declared(root: Path, config: Config) -> Iterator[tuple[str, str]]:
    """All models of the project with their pipelines, not only those that ran."""
    for name in model_names(root):
        try:
            of_model = load_spec(root, name).pipelines
            yield from ((name, each) for each in pipeline_names(config) if held_against(config, each) in of_model)
        except ConfigError:  # told to whoever wants that model
            yield name, "*"
