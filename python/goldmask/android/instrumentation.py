"""What `am instrument -r` and logcat say, line by line: which case is done, and how the test and its process ended."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..contract.errors import printable

# AndroidJUnitRunner's codes of a test; 2 is what a test tells of itself in between.
FAILED = (-1, -2)
NOT_RUN = (-3, -4)
OURS = "goldmask."
# Who tells of a process besides itself: of its start, its crash, and its native stack.
WITNESSES = ("ActivityManager", "AndroidRuntime", "DEBUG", "crash_dump64", "libc", "tombstoned")


@dataclass
class Instrumentation:
    """The state of a run after the lines so far; feed it with `hear`.

    `pid` is the app's, None while it has said nothing. `stacks` are the failures of tests, the first line each.
    """

    on_case: Callable[[str], None] = lambda case: None
    pid: int | None = None
    done: list[str] = field(default_factory=list)
    tests: int = 0
    stacks: list[str] = field(default_factory=list)
    error: str = ""
    crash: str = ""
    code: int | None = None
    _status: dict[str, str] = field(default_factory=dict)
    _key: str = ""

    def hear(self, line: str) -> None:
        """One line of `am instrument -r`. Values may go on over several lines."""
        if match := re.match(r"^INSTRUMENTATION_STATUS: ([^=]+)=(.*)$", line):
            self._key = match[1]
            self._status[self._key] = match[2]
        elif match := re.match(r"^INSTRUMENTATION_STATUS_CODE: (-?\d+)$", line):
            self._finish(int(match[1]))
        elif match := re.match(r"^INSTRUMENTATION_RESULT: (?:shortMsg|longMsg)=(.*)$", line):
            self.crash = printable(match[1]) if not self.crash else self.crash
            self._key = ""
        elif match := re.match(r"^INSTRUMENTATION_(?:FAILED|ABORTED): (.*)$", line):
            self.error = self.error or printable(match[1])
        elif match := re.match(r"^INSTRUMENTATION_CODE: (-?\d+)$", line):
            self.code = int(match[1])
            self._key = ""
        elif line.startswith("INSTRUMENTATION_RESULT:"):
            self._key = ""
        elif self._key:
            self._status[self._key] += "\n" + line

    def _finish(self, code: int) -> None:
        status, self._status, self._key = self._status, {}, ""
        if status.get("Error"):
            self.error = printable(status["Error"])
        if case := status.get(f"{OURS}case"):
            self.done.append(printable(case))
            self.on_case(self.done[-1])
        if re.fullmatch(r"\d{1,9}", pid := status.get(f"{OURS}pid", "")):
            self.pid = int(pid)
        if "test" in status and code != 1 and not any(key.startswith(OURS) for key in status):
            self.tests += code not in NOT_RUN
            if code in FAILED:
                self.stacks.append(printable(status.get("stack", "").split("\n")[0]) or "without a stack")

    @property
    def problem(self) -> str:
        """Why this run is not as it should be, in words; empty where it is."""
        if self.error:
            return f"am instrument: {self.error}"
        if self.stacks:
            return self.stacks[0]
        if self.crash:
            return f"the app's process ended: {self.crash}"
        if self.code is None:
            return "am instrument ended without a result"
        if not self.tests:
            return "am instrument ran no test"
        return ""


def parse(lines: Iterable[str], on_case: Callable[[str], None] = lambda case: None) -> Instrumentation:
    """A whole transcript."""
    said = Instrumentation(on_case)
    for line in lines:
        said.hear(line)
    return said


def lines_of_process(logcat: str, pid: int | None, package: str) -> list[str]:
    """Those lines of `logcat -v threadtime` that a process wrote, or that tell of it; all, where no pid is known."""
    if pid is None:
        return logcat.splitlines()
    kept = []
    for line in logcat.splitlines():
        match = re.match(r"^\d\d-\d\d [\d:.]+ +(?:\w+ +)?(\d+) +\d+ [VDIWEFA] ([^:]*?) *:", line)
        if match and (int(match[1]) == pid or (match[2] in WITNESSES and _tells_of(line, pid, package))):
            kept.append(line)
    return kept


def _tells_of(line: str, pid: int, package: str) -> bool:
    # A native stack is many lines that name nobody; those since the run began are taken for ours.
    return bool(re.search(rf"\b{pid}\b", line)) or package in line or " F DEBUG" in line


def native_crash(lines: Iterable[str]) -> str:
    """What Android says of a native crash: `Fatal signal 11 (SIGSEGV), …`; empty without one."""
    for line in lines:
        if match := re.search(r" F libc *: (Fatal signal .*)$", line):
            return printable(match[1])
    return ""
