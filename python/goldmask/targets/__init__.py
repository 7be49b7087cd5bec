"""Where app code runs: each module here turns a request into a bundle."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..config import Android


@dataclass(frozen=True)
class Setup:
    """How a target is to run where there is a choice; an empty word is the target's own default.

    `root` is the project's folder. `on_step` hears `what, done, total` while a target is made ready.
    """

    root: Path
    logs: Path
    runtime: str = ""
    abi: str = ""
    android: Android = field(default_factory=Android)
    on_step: Callable[[str, int, int], None] = lambda what, done, total: None
