"""`android.apk.*`."""

from pathlib import Path

from ..android_build import apk_verify
from ..contract.errors import ExitCode
from ..machine.scratch import scratch_folder
from .doctor import show_diagnostic


def verify_apk(file: str) -> ExitCode:
    """`android.apk.verify`."""
    with scratch_folder() as logs:
        looked_at = apk_verify.verify(Path(file), logs)
    for each in looked_at:
        show_diagnostic(each, "ok" if each.ok else "wrong")
    return ExitCode.OK if all(each.ok for each in looked_at) else ExitCode.RUN
