"""Where app code runs: each module here turns a request into a bundle."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ..config import Android, Ios


@dataclass(frozen=True)
class Setup:
    """How a target is to run where there is a choice; an empty word is the target's own default.

    `root` is the project's folder. `on_step` hears `what, done, total` while a target is made ready. What a target
    starts and keeps for its next run (a simulator) it puts on `closing`, which whoever made the setup closes.
    """

    root: Path
    logs: Path
    runtime: str = ""
    abi: str = ""
    android: Android = field(default_factory=Android)
    ios: Ios = field(default_factory=Ios)
    destinations: tuple[str, ...] = ()
    on_step: Callable[[str, int, int], None] = lambda what, done, total: None
    closing: ExitStack = field(default_factory=ExitStack)
