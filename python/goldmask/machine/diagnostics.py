"""One thing that was looked at: on this machine, or in an APK."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnostic:
    """`ok` says whether it is as it must be, `broken` that it is there and wrong; `fix` may be empty."""

    what: str
    ok: bool
    detail: str
    fix: str = ""
    broken: bool = False
