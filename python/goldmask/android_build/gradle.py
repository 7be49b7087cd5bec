"""Gradle itself, where this machine has one that fits and an Android SDK: the standard way to build an app."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import RunError
from ..contract.files import sha256_of
from ..machine import shell

WRAPPER = "gradle/wrapper/gradle-wrapper.properties"
DEADLINE_S = 3600
VERSION_DEADLINE_S = 600  # a wrapper downloads its Gradle first


@dataclass(frozen=True)
class Built:
    """The APKs of an app and its test; `anew` is False where Gradle had nothing to do."""

    app: Path
    test: Path
    anew: bool


def find_gradle(folder: Path, logs: Path, on_note: Callable[[str], None]) -> Path | None:
    """The Gradle to build `folder`'s project with; None without one that fits. `on_note` is told why one does not."""
    if not _has_sdk(folder):
        return None
    properties = _properties(folder)
    pinned = re.search(r"gradle-([\d.]+)-(?:bin|all)\.zip", properties.get("distributionUrl", ""))
    if (folder / "gradlew").is_file() and (folder / "gradle/wrapper/gradle-wrapper.jar").is_file():
        if not properties.get("distributionSha256Sum"):
            on_note(f"{folder / WRAPPER} has no distributionSha256Sum; goldmask builds the APKs without Gradle")
            return None
        program = folder / "gradlew"
    elif found := shutil.which("gradle"):
        program = Path(found)
    else:
        return None
    done = shell.run([program, "--version"], log=logs / "gradle-version.log", deadline_s=VERSION_DEADLINE_S, cwd=folder)
    version = re.search(r"^Gradle ([\d.]+)", done.stdout, re.MULTILINE)
    if done.code or not version:
        on_note(f"{program} does not start ({done.ending}); goldmask builds the APKs without it")
        return None
    if pinned and _order(version[1]) < _order(pinned[1]):
        on_note(f"{program} is {version[1]}, the project needs {pinned[1]}; goldmask builds the APKs without it")
        return None
    return program


def assemble(
    program: Path, folder: Path, module: Path, flavour: str, logs: Path, on_step: Callable[[str, int, int], None]
) -> Built:
    """Have Gradle build the debug APKs of a flavour. Raises RunError with Gradle's own reason."""
    variant = f"{flavour[:1].upper()}{flavour[1:]}Debug"
    names = [word for word in (module.name, flavour, "debug") if word]
    outputs = module / "build/outputs/apk"
    app = outputs / flavour / "debug" / f"{'-'.join(names)}.apk"
    test = outputs / "androidTest" / flavour / "debug" / f"{'-'.join(names)}-androidTest.apk"
    before = [sha256_of(path) if path.is_file() else "" for path in (app, test)]
    tasks = [f":{module.name}:assemble{variant}", f":{module.name}:assemble{variant}AndroidTest"]
    # Without a daemon: what we start ends with us.
    argv: list[str | Path] = [program, "--no-daemon", "--console=plain", *tasks]
    on_step("gradle", 0, 1)
    log = logs / f"gradle-{'-'.join(names)}.log"
    done = shell.run(argv, log=log, deadline_s=DEADLINE_S, cwd=folder)
    on_step("gradle", 1, 1)
    if done.code:
        reason = re.search(r"\* What went wrong:\n(.+)", log.read_text("utf-8", "replace"))
        raise RunError(f"Gradle failed: {reason[1] if reason else done.log_tail(1) or done.ending}", fix=f"cat {log}")
    if missing := [path for path in (app, test) if not path.is_file()]:
        raise RunError(f"Gradle ended well but made no {missing[0]}", fix=f"cat {log}")
    return Built(app, test, before != [sha256_of(path) for path in (app, test)])


def _has_sdk(folder: Path) -> bool:
    named = [os.environ.get(name, "") for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT")]
    return any(name and Path(name).is_dir() for name in named) or (folder / "local.properties").is_file()


def _properties(folder: Path) -> dict[str, str]:
    if not (folder / WRAPPER).is_file():
        return {}
    lines = (folder / WRAPPER).read_text("utf-8", "replace").splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)
