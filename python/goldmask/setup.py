"""How a target is to be made ready and run, where there is a choice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .config import Android


@dataclass(frozen=True)
class Setup:
    """The choices; an empty word is the target's own default.

    `root` is the project's folder. `on_step` hears `what, done, total` while a target is made ready.
    """

    root: Path
    logs: Path
    runtime: str = ""
    abi: str = ""
    android: Android = field(default_factory=Android)
    on_step: Callable[[str, int, int], None] = lambda what, done, total: None
