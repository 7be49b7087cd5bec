"""`android.apk.*`."""

import tempfile
from pathlib import Path

from ..android_build import apk_verify
from ..contract.errors import ExitCode
from .doctor import show_diagnostic


def verify_apk(file: str) -> ExitCode:
    """`android.apk.verify`."""
    with tempfile.TemporaryDirectory(prefix="goldmask-") as logs:
        looked_at = apk_verify.verify(Path(file), Path(logs))
    for each in looked_at:
        show_diagnostic(each, "wrong   ")
    return ExitCode.OK if all(each.ok for each in looked_at) else ExitCode.RUN
