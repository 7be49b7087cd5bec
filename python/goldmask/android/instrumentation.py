"""What `am instrument -r` says, line by line: which case is done, and how the test and the app's process ended."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..contract.errors import RunError, excerpt, one_line

# AndroidJUnitRunner's codes of a test; 2 is what a test tells of itself in between.
FAILED = (-1, -2)
FINISHED = -1  # of the whole run, Activity.RESULT_OK
NOT_RUN = (-3, -4)
OURS = "goldmask."
MAX_VALUE = 4000
SIGN_ALIKE = "./goldmask android.apk.verify --apk APK, which shows an APK's signer, and sign both with one key"
# Why Android starts no instrumentation, in its words and in ours, and what to do. \1 and \2 are the words' groups.
REFUSALS = tuple(
    (re.compile(pattern), what, fix)
    for pattern, what, fix in (
        (
            r"package (\S+) does not have a signature matching the target (\S+)",
            r"Android does not let \1 test \2: the two are signed with different keys",
            SIGN_ALIKE,
        ),
        (
            r"Unable to find instrumentation info for: ComponentInfo\{([^}]*)\}",
            r"the device has no test runner \1: its APK is not installed, or has another runner",
            "adb shell pm list instrumentation",
        ),
        (
            r"Unable to find instrumentation target package: (\S+)",
            r"the app \1, which the test is for, is not installed",
            "./goldmask android.build",
        ),
        (r"Bad component name: (.*)", r"'\1' does not name a test as PACKAGE/RUNNER", "./goldmask android.build"),
        (
            r"Can't connect to activity manager|Can't find service: activity|System has crashed",
            "Android itself is not up, or restarted while the test ran",
            "adb shell getprop sys.boot_completed, and run the target again",
        ),
    )
)
# How an exception begins in a stack trace of Java: its class, and mostly a message.
EXCEPTION = re.compile(r"^(?:Caused by: )?((?:[a-z_]\w*\.)+[A-Z][\w$]*)(?:: (.*))?$")


@dataclass
class Instrumentation:
    """The state of a run after the lines so far; feed it with `hear` (stdout) and `hear_error` (stderr).

    `pid` is the app's, None while it has said nothing; `out` the folder that it writes its bundle to. `stacks` are the
    failures of tests, the first line each.
    `result` is what Android says at the end: `shortMsg` and `longMsg` where the app's process ended before its test.
    """

    on_case: Callable[[str], None] = lambda case: None
    pid: int | None = None
    out: str = ""
    done: list[str] = field(default_factory=list)
    tests: int = 0
    stacks: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    result: dict[str, str] = field(default_factory=dict)
    code: int | None = None
    _status: dict[str, str] = field(default_factory=dict)
    _open: tuple[dict[str, str], str] | None = None

    def hear(self, line: str) -> None:
        """One line of `am instrument -r`. Values may go on over several lines."""
        if match := re.match(r"^INSTRUMENTATION_(STATUS|RESULT): ([^=]+)=(.*)$", line):
            values = self._status if match[1] == "STATUS" else self.result
            values[match[2]] = match[3]
            self._open = (values, match[2])
        elif match := re.match(r"^INSTRUMENTATION_STATUS_CODE: (-?\d{1,9})$", line):
            self._finish(int(match[1]))
        elif re.match(r"^INSTRUMENTATION_(?:FAILED|ABORTED): ", line):
            self.errors.append(line)
        elif match := re.match(r"^INSTRUMENTATION_CODE: (-?\d{1,9})$", line):
            self.code, self._open = int(match[1]), None
        elif self._open:
            values, key = self._open
            values[key] = f"{values[key]}\n{line}"[:MAX_VALUE]
        elif line.strip():
            self.unknown.append(line)

    def hear_error(self, line: str) -> None:
        """One line of its stderr."""
        if line.strip():
            self.stderr.append(line)

    def _finish(self, code: int) -> None:
        status, self._status, self._open = self._status, {}, None
        if status.get("Error"):
            self.errors.append(status["Error"])
        if case := status.get(f"{OURS}case"):
            self.done.append(one_line(case))
            self.on_case(self.done[-1])
        if re.fullmatch(r"\d{1,9}", pid := status.get(f"{OURS}pid", "")):
            self.pid = int(pid)
        if out := status.get(f"{OURS}out", ""):
            self.out = one_line(out)
        if "test" in status and code != 1 and not any(key.startswith(OURS) for key in status):
            self.tests += code not in NOT_RUN
            if code in FAILED:
                self.stacks.append(one_line(status.get("stack", "").split("\n")[0]) or "without a stack")

    @property
    def ended(self) -> bool:
        """Whether the app's process ended before its test did; logcat then says more than `problem`."""
        if self.errors or self.stacks:
            return False
        return bool(self.result.keys() & {"shortMsg", "longMsg"}) or (self._began and self.code != FINISHED)

    @property
    def _began(self) -> bool:
        return bool(self.pid or self.done or self.tests)

    @property
    def problem(self) -> RunError | None:
        """Why this run is not as it should be; None where it is."""
        output = [*self.errors, *self.stderr]
        if self.errors or (self.stderr and self.code is None and not self._began):
            return _refused(output, self.unknown)
        if self.stacks:
            return RunError(self.stacks[0])
        if self.result.keys() & {"shortMsg", "longMsg"}:
            return RunError(self._death())
        if self.code is None:
            heard = excerpt("\n".join([*self.unknown, *self.stderr]))
            return RunError(f"am instrument ended without a result{f': {heard}' if heard else ''}")
        if not self.tests:
            return RunError("am instrument ran no test")
        if self.code != FINISHED:
            return RunError(f"am instrument ended with code {self.code}: its test did not come to its end")
        return None

    def _death(self) -> str:
        """How the process ended, as Android tells it: `longMsg` has the cause, `shortMsg` only its kind."""
        short, long = (one_line(self.result.get(key, "").replace("\n", " ")) for key in ("shortMsg", "longMsg"))
        if short == "keyDispatchingTimedOut" or re.match(r"(ANR )?(Input dispatching|executing service)", long):
            return f"the app did not respond (ANR): {long or short}"
        if short == "Native crash":
            return f"the app crashed in native code: {long or short}"
        return f"the app's process ended: {long or short or 'Android does not say why'}"


def _refused(output: list[str], unknown: list[str]) -> RunError:
    """Why Android started no test: its known reasons in our words, else its own."""
    for pattern, what, fix in REFUSALS:
        for line in output:
            if match := pattern.search(line):
                return RunError(one_line(match.expand(what)), fix)
    # `Error: …` is the last line after a page of usage; an exception is the first line before its stack.
    usage = [line.removeprefix("Error: ") for line in output if line.startswith("Error: ")]
    thrown = [match[2] or match[1] for line in output if (match := EXCEPTION.match(line))]
    reason = one_line((usage[-1:] or thrown[:1] or [""])[0]) or excerpt("\n".join([*output, *unknown]))
    return RunError(f"am instrument: {reason}")


def parse(
    lines: Iterable[str], on_case: Callable[[str], None] = lambda case: None, stderr: Iterable[str] = ()
) -> Instrumentation:
    """A whole transcript, of stdout and of stderr."""
    output = Instrumentation(on_case)
    for line in lines:
        output.hear(line)
    for line in stderr:
        output.hear_error(line)
    return output
