"""`android.apk.*`."""

from pathlib import Path

from rich.text import Text

from ..android_build import apk, apk_verify
from ..contract.errors import ExitCode, UsageError
from ..machine.scratch import scratch_folder
from .console import out
from .doctor import show_diagnostic
from .folders import from_here, root


def verify_apk(file: str) -> ExitCode:
    """`android.apk.verify`: one APK, or all that `android.build` has put into build/apk."""
    files = [Path(file)] if file else apk.built_in(root())
    if not files:
        raise UsageError(f"there are no APKs in {apk.FOLDER}", fix="./goldmask android.build, or --apk FILE")
    ok = True
    for path in files:
        if not file:
            out.print(Text(str(from_here(path)), "bold"))
        with scratch_folder() as logs:
            looked_at = apk_verify.verify(path, logs)
        for each in looked_at:
            show_diagnostic(each, "ok" if each.ok else "wrong")
        ok = ok and all(each.ok for each in looked_at)
    return ExitCode.OK if ok else ExitCode.RUN
