"""The one way to Apple's small tools, `xcrun`, and their own reason where they fail."""

import re
from collections.abc import Sequence
from pathlib import Path

from ..contract.errors import RunError, excerpt
from ..machine import shell
from .compiler_output import lines_of
from .xcodebuild_output import machine_cause

SIMCTL = re.compile(r"^An error was encountered processing the command \(")
UNDERLYING = re.compile(r"^Underlying error ?\(")
DEVICECTL = re.compile(r"^\s*ERROR: (?P<text>.+)$")
FIELD = re.compile(r"^\s*NSLocalized(?:FailureReason|RecoverySuggestion) = (?P<text>.+)$")
OTHER_FIELD = re.compile(r"^\s*\w+ = ")


def xcrun(argv: Sequence[str | Path], log: Path, deadline_s: float) -> str:
    """Run `xcrun argv` to its end; its stdout.

    Raises RunError with the tool's own reason, EnvironmentMissing where it says that this machine's Xcode is not ready.
    """
    done = shell.run(["xcrun", *argv], log=log, deadline_s=deadline_s)
    if done.code:
        name = " ".join(map(str, argv[:2]))
        text = log.read_text("utf-8", "replace")
        if cause := machine_cause(text):
            raise cause.error(f"{name} failed", log)
        raise RunError(f"{name} failed: {reason_of(text) or done.ending}", fix=f"cat {log}")
    return done.stdout


def reason_of(text: str) -> str:
    """Why simctl or devicectl failed, in their own words; of other tools the first and last lines."""
    lines = [line for line in lines_of(text) if line.strip()]
    for at, line in enumerate(lines):
        if SIMCTL.match(line):
            return _of_simctl(lines[at + 1 :]) or excerpt(text)
        if found := DEVICECTL.match(line):
            return _of_devicectl(found["text"], lines[at + 1 :])
    return excerpt(text)


def _of_simctl(lines: Sequence[str]) -> str:
    """`Unable to boot the Simulator. launchd failed to respond. (Failed to start launchd_sim: …)`."""
    end = next((at for at, line in enumerate(lines) if UNDERLYING.match(line)), len(lines))
    message = " ".join(line.strip() for line in lines[:end])
    because = " ".join(line.strip() for line in lines[end + 1 : end + 3])
    return excerpt(f"{message} ({because})" if because else message)


def _of_devicectl(first: str, lines: Sequence[str]) -> str:
    """devicectl's first sentence, and the reasons under it in the order of its list."""
    reasons = []
    for line in lines:
        if found := FIELD.match(line):
            reasons.append(found["text"].strip())
        elif not OTHER_FIELD.match(line) and not set(line.strip()) <= {"-"}:
            reasons.append(DEVICECTL.sub(r"\g<text>", line).strip())
    unique = [each for at, each in enumerate(reasons) if each not in reasons[:at]]
    return ": ".join([first.strip(), *([" ".join(unique)[:400]] if unique else [])])
