"""The Swift of this machine: where it is, how to get one, and building a package's program with it."""

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import EnvironmentMissing, RunError, excerpt
from ..machine import shell
from ..machine.scratch import scratch_folder
from .compiler_output import first_complaint, lines_of

INSTALL = "install Swift: swift.org/install, sudo apt-get install swiftlang (Debian 13), or xcode-select --install"
OLDEST = (5, 9)
VERSION_DEADLINE_S = 60
BUILD_DEADLINE_S = 1800
Progress = Callable[[str, int, int], None]  # what, parts done, parts in all


@dataclass(frozen=True)
class Swift:
    """A Swift toolchain with its package manager; `version` as it says it, for example `6.0.3`."""

    program: str
    version: str

    def build(
        self, package: Path, product: str, flags: Sequence[str], scratch: Path, logs: Path, on_part: Progress
    ) -> Path:
        """The program `product` of the package in a folder, optimised; what did not change is not built again.

        `scratch` keeps what was built; two that want it at once wait for each other. Raises RunError with the
        compiler's own first error.
        """
        argv = [self.program, "build", "-c", "release", "--product", product]
        argv += ["--package-path", str(package), "--scratch-path", str(scratch), *flags]
        log = logs / f"swift.{product}.log"

        def tell(line: str) -> None:
            if found := re.match(r"\[(\d+)/(\d+)\] ", line):
                on_part("compile Swift", int(found[1]), int(found[2]))

        scratch.parent.mkdir(parents=True, exist_ok=True)
        done = shell.run(
            argv, log=log, deadline_s=BUILD_DEADLINE_S, env={"GOLDMASK_HOST": "1"}, on_line=tell, cwd=package
        )
        if done.code:
            # The compiler's words are on stdout, the package manager's on stderr: one log for people.
            text = done.stdout + log.read_text("utf-8", "replace")
            log.write_text(text, "utf-8")
            reason = first_error(text) or excerpt(text)
            raise RunError(f"{product} does not build ({done.ending}): {reason}", fix=f"cat {log}")
        return scratch / "release" / product


def find_swift() -> Swift:
    """The `swift` that SWIFT names, or that on PATH. Raises EnvironmentMissing where there is none of 5.9 or later."""
    named = os.environ.get("SWIFT", "")
    program = shutil.which(named or "swift")
    if not program:
        where = f"SWIFT ({named}) is no program" if named else "no swift is on PATH"
        raise EnvironmentMissing(f"Swift is needed and {where}", fix=INSTALL)
    program = str(Path(program).absolute())  # it is run in other folders than this one
    with scratch_folder() as folder:
        argv = [program, "--version"]
        done = shell.run(argv, log=folder / "swift.log", deadline_s=VERSION_DEADLINE_S)
        complaint = done.log_tail(1) or done.ending
    found = re.search(r"Swift version (\d+(?:\.\d+)*)", done.stdout)
    if not found:  # OpenStack's client has that name too
        raise EnvironmentMissing(f"{program} is no Swift toolchain ({complaint})", fix=INSTALL)
    if tuple(map(int, found[1].split("."))) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise EnvironmentMissing(f"{program} is Swift {found[1]}; {oldest} or later is needed", fix=INSTALL)
    return Swift(program, found[1])


def first_error(text: str) -> str:
    """The cause in a failed build's output: `Mask.swift:12: cannot find 'x' in scope`; empty where there is none."""
    found = first_complaint(lines_of(text))
    if not found:
        return ""
    if found.path:
        return f"{Path(found.path).name}:{found.line}: {found.message}"
    # SwiftPM's own errors begin with the word, and a linker's name is worth more than a second one.
    return found.message if found.text.startswith(("error: ", "<unknown>:")) else found.text
