"""One thing that was looked at: on this machine, or in an APK."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnostic:
    """`ok` says whether it is as it must be, and `fix` what helps; it may be empty.

    What is not ok may be `broken` (there and wrong), `optional` (what it belongs to runs without it), or `impossible`
    (no command brings it to this machine). `pipeline` is the only one that needs it.
    """

    what: str
    ok: bool
    detail: str
    fix: str = ""
    broken: bool = False
    optional: bool = False
    impossible: bool = False
    pipeline: str = ""
