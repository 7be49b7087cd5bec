"""How a target is to be made ready and run, where there is a choice."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from .config import Android, Ios, LatencyFlag


@dataclass(frozen=True)
class Setup:
    """The choices; an empty word is the target's own default.

    `root` is the project's folder. `device` is a serial, HOST:PORT, or a property (`model=Pixel 6`); `suppress` are
    flags in spite of which a latency is valid. `on_step` hears `what, done, total` while a target is made ready,
    `on_note` a sentence for the report. `destinations` are simulators and phones of Apple's. What a target starts and
    keeps for its next run (a simulator) it puts on `closing`, which whoever made the setup closes.
    """

    root: Path
    logs: Path
    runtime: str = ""
    abi: str = ""
    android: Android = field(default_factory=Android)
    device: str = ""
    all_devices: bool = False
    suppress: tuple[LatencyFlag, ...] = ()
    on_step: Callable[[str, int, int], None] = lambda what, done, total: None
    on_note: Callable[[str], None] = lambda note: None
    ios: Ios = field(default_factory=Ios)
    destinations: tuple[str, ...] = ()
    closing: ExitStack = field(default_factory=ExitStack)
