"""One thing that was looked at: on this machine, or in an APK."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnostic:
    """`ok` says whether it is as it must be; `fix` is empty where nothing needs fixing."""

    what: str
    ok: bool
    detail: str
    fix: str = ""
