"""A clock that only tests move, in place of the module `time` of the code under test."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Clock:
    """It moves when somebody sleeps, and by `tick_s` whenever somebody looks at it."""

    tick_s: float = 0
    # What happens while somebody sleeps.
    meanwhile: Callable[[], None] = lambda: None
    now_s: float = 0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        self.now_s += self.tick_s
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let `meanwhile` happen, and move on."""
        self.meanwhile()
        self.slept.append(seconds)
        self.now_s += seconds
