"""`rig.record`."""

import os

from rich.text import Text

from ..contract.errors import ExitCode
from ..machine.recording import listening
from ..workflows.narrowing import CheckFlags
from ..workflows.rig_record import Recorder
from .check import run_check
from .console import out
from .folders import out_folder, root


def record_check(
    flags: CheckFlags,
    transcripts: str,
) -> ExitCode:
    """`rig.record`: a check whose calls are written down, also where it breaks off; its exit code is the check's."""
    recorder = Recorder()
    path = out_folder(transcripts, "build/transcripts")
    try:
        with listening(recorder):
            code = run_check(flags, verbose=False)
    finally:
        written = recorder.write(path, root(), os.environ)
        out.print(Text(f"transcripts: {written.transcripts} answers of {written.calls} calls in {written.folder}"))
    return code
