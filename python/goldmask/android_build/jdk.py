"""The JDK of this machine: where it is, and how to get one."""

import functools
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import EnvironmentMissing
from ..machine import shell
from ..machine.scratch import scratch_folder

INSTALL = "sudo apt-get install openjdk-17-jdk-headless, or brew install openjdk@17"
OLDEST = 17
DEADLINE_S = 60
# For a JVM that lives for seconds: without optimising code and collecting garbage beside it, it needs a third to two
# thirds of the processor's time (measured: D8 on kotlin-stdlib, 23 s and 7 s; a check on android-jvm, 19 s and 12 s).
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@dataclass(frozen=True)
class Jdk:
    """A Java installation with a compiler; `version` is its feature release, 17 say."""

    home: Path
    version: int

    @property
    def java(self) -> Path:
        """The launcher."""
        return self.home / "bin/java"

    @property
    def javac(self) -> Path:
        """The compiler."""
        return self.home / "bin/javac"


def find_jdk() -> Jdk:
    """JAVA_HOME's JDK, or that of the `java` on PATH. Raises EnvironmentMissing where there is none of 17 or later."""
    home = os.environ.get("JAVA_HOME", "")
    java = str(Path(home) / "bin/java") if home else shutil.which("java")
    if not java or not Path(java).is_file():
        where = f"JAVA_HOME ({home}) has no bin/java" if home else "no java is on PATH"
        raise EnvironmentMissing(f"a JDK is needed and {where}", fix=INSTALL)
    props = _properties(java)
    version = int(props.get("java.specification.version", "0").removeprefix("1."))
    if version < OLDEST:
        raise EnvironmentMissing(
            f"{java} is Java {version or 'of an unknown version'}; {OLDEST} or later is needed", fix=INSTALL
        )
    jdk = Jdk(Path(props["java.home"]), version)
    if not jdk.javac.is_file():
        raise EnvironmentMissing(f"{jdk.home} is a Java runtime without a compiler", fix=INSTALL)
    return jdk


@functools.cache  # a check asks for every pipeline, and each answer takes a fifth of a second
def _properties(java: str) -> dict[str, str]:
    """The system properties of a Java installation."""
    with scratch_folder() as folder:
        log = folder / "java.log"
        shell.run([java, "-XshowSettings:properties", "-version"], log=log, deadline_s=DEADLINE_S)
        text = log.read_text("utf-8", "replace")
    return dict(re.findall(r"^\s*([\w.]+) = (.*\S)\s*$", text, re.MULTILINE))
