"""What logcat says of a process: its own lines, those of the system that tell of it, and how it came to its end."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import RunError, one_line
from .adb import Device

# Who tells of a process besides itself: of its start, its crash, its native stack, and of whoever ended it.
WITNESSES = {
    "ActivityManager", "AndroidRuntime", "DEBUG", "InputDispatcher", "WindowManager", "Zygote", "crash_dump32",
    "crash_dump64", "libc", "lmkd", "lowmemorykiller", "tombstoned", "zygote", "zygote64",
}  # fmt: skip
# `logcat -v threadtime`, with or without a user's column.
LINE = re.compile(r"^\d\d-\d\d [\d:.]+ +(?:\w+ +)?(\d{1,9}) +(\d{1,9}) ([VDIWEFA]) ([^:]*?) *: ?(.*)$")
MAX_LINE = 4096
# A report of several lines names its process only in the first; the others come from the same thread.
REPORT = re.compile(r"^(ANR in |Killing ')")
REPORT_LINES = 4
# Android's own tools write "Kill", "Killing" (8, 9) and, on Samsung's, "Reclaim".
LOW_MEMORY = re.compile(r"^(?:Kill(?:ing)?|Reclaim) '[^']*' \((\d+)\)(.*)$")
# What ends an instrumentation that is over, or that was told to stop: not the cause of anything.
OWN_END = re.compile(r"finished inst|from pid \d+$|\bforce.stop", re.IGNORECASE)
MORE_MEMORY = (
    "{adb} reboot, close its other apps, or use a device with more memory; "
    "an emulator's is hw.ramSize in its config.ini"
)


@dataclass(frozen=True)
class Line:
    """A line of `logcat -v threadtime`; `text` is what comes after the tag."""

    raw: str
    pid: int
    thread: int
    level: str
    tag: str
    text: str


def now(device: Device) -> str:
    """The device's own clock, as logcat writes it. Raises DeviceLost."""
    output = device.shell(["date", "+%m-%d %H:%M:%S.000"]).text.strip()
    return output if re.fullmatch(r"\d\d-\d\d \d\d:\d\d:\d\d\.000", output) else "01-01 00:00:00.000"


def save(device: Device, since: str, pid: int | None, package: str, log: Path) -> RunError | None:
    """Write what a process said, and what was said of it, to `log`; returns its `ending`."""
    try:
        output = device.shell(["logcat", "-d", "-v", "threadtime", "-b", "main,system,crash", "-T", since]).text
    except RunError as error:  # a log that cannot be had is no reason to leave the masks behind
        log.write_text(f"{error}\n", "utf-8")
        return None
    log.write_text(of_process(output, pid, package), "utf-8")
    return ending(output, pid, package)


def parse(logcat: str) -> list[Line]:
    """The lines that are in the form of `logcat -v threadtime`; what is not is left out."""
    return [
        Line(raw, int(match[1]), int(match[2]), match[3], match[4], match[5].rstrip("\r"))
        for raw in (line[:MAX_LINE] for line in logcat.splitlines())
        if (match := LINE.match(raw))
    ]


def pid_of(lines: Sequence[Line], package: str) -> int | None:
    """The first process that Android started for `package`, None where the log does not say so."""
    name = re.escape(package)
    started = re.compile(rf"^Start proc (?:(\d{{1,9}}):{name}/|{name} for .*\bpid=(\d{{1,9}})\b)")
    found = (match for line in lines if line.tag == "ActivityManager" and (match := started.match(line.text)))
    return next((int(match[1] or match[2]) for match in found), None)


def of_process(logcat: str, pid: int | None, package: str) -> str:
    """The part of a log that a process wrote, or that tells of it; all of it, where no pid is known."""
    lines = parse(logcat)
    pid = pid if pid is not None else pid_of(lines, package)
    return logcat if pid is None else "".join(f"{line.raw}\n" for line in _kept(lines, pid, package))


def _kept(lines: Sequence[Line], pid: int, package: str) -> Iterator[Line]:
    report: dict[tuple[str, int], int] = {}  # how many lines of a witness's report are still to come
    for line in lines:
        writer = (line.tag, line.thread)
        # A native stack is many lines that name nobody; those since the run began are taken for ours.
        stack = (line.tag, line.level) == ("DEBUG", "F")
        names_it = stack or package in line.text or re.search(rf"\b{pid}\b", line.text)
        if line.pid == pid or (line.tag in WITNESSES and names_it):
            if REPORT.match(line.text):
                report[writer] = REPORT_LINES
            yield line
        elif report.get(writer, 0) > 0:
            yield line
        if writer in report:
            report[writer] -= 1


def ending(logcat: str, pid: int | None, package: str) -> RunError | None:
    """How a process came to its end, where the log says so: the first cause, and not what followed from it.

    Low memory, a native crash, an exception of Java, an ANR, somebody who ended it, or a signal that nobody explains.
    `{adb}` in its `fix` stands for `adb -s SERIAL`.
    """
    lines = parse(logcat)
    pid = pid if pid is not None else pid_of(lines, package)
    if pid is None:
        return None
    own = list(_kept(lines, pid, package))
    for cause in (_low_memory, _native, _java, _not_responding, _ended, _signal):
        if found := cause(own, pid, package):
            return found
    return None


def _low_memory(lines: Sequence[Line], pid: int, package: str) -> RunError | None:
    for index, line in enumerate(lines):
        match = LOW_MEMORY.match(line.text)
        if line.tag in ("lowmemorykiller", "lmkd") and match and int(match[1]) == pid:
            rest = " ".join([match[2], *(each.text for each in lines[index + 1 :][:1] if each.tag == line.tag)])
            why = re.search(r"(?:reason: |because )([^;]+)", rest)
            detail = f": {one_line(why[1])}" if why else ""
            return RunError(f"Android ended the app's process because memory ran out{detail}", MORE_MEMORY)
        if re.search(rf"Out of memory: Kill(?:ed)? process {pid}\b", line.text):
            return RunError("Linux ended the app's process because memory ran out", MORE_MEMORY)
    return None


def _native(lines: Sequence[Line], pid: int, package: str) -> RunError | None:
    # The native stack is written by a process of its own, which names ours.
    dumps = {line.pid for line in lines if line.tag == "DEBUG" and re.search(rf"\bpid: {pid}\b", line.text)}
    own = [line for line in lines if line.pid == pid or (line.tag == "DEBUG" and line.pid in dumps)]
    signals = [line.text for line in own if line.tag == "libc" and line.text.startswith("Fatal signal")]
    signals = signals or [line.text for line in own if line.tag == "DEBUG" and re.match(r"signal \d+ \(", line.text)]
    if not signals:
        return None
    aborts = [line.text for line in own if re.match(r"Abort message: ", line.text, re.IGNORECASE)]
    frames = [match[1] for line in own if (match := re.match(r"\s*#00 +pc [0-9a-f]+ +(.*)$", line.text))]
    detail = "; ".join(one_line(each) for each in (signals[0], *aborts[:1], *(f"in {each}" for each in frames[:1])))
    return RunError(f"the app crashed in native code: {detail}")


def _java(lines: Sequence[Line], pid: int, package: str) -> RunError | None:
    own = [line.text for line in lines if line.tag == "AndroidRuntime" and line.pid == pid and line.level == "E"]
    for index, text in enumerate(own):
        if text.startswith("FATAL EXCEPTION"):
            thrown = next((each for each in own[index + 1 :] if not each.startswith(("Process: ", "PID: "))), text)
            return RunError(f"the app crashed in Java or Kotlin: {one_line(thrown)}")
    return None


def _not_responding(lines: Sequence[Line], pid: int, package: str) -> RunError | None:
    reason = None
    for line in lines:
        if line.tag == "ActivityManager" and line.text.startswith(f"ANR in {package}"):
            reason = reason or ""
        elif line.tag == "ActivityManager" and reason == "" and line.text.startswith("Reason: "):
            reason = line.text.removeprefix("Reason: ")
        elif line.tag in ("WindowManager", "InputDispatcher") and "dispatching timed out" in line.text:
            reason = reason or line.text.rpartition("Reason: ")[2]
    if reason is None:
        return None
    return RunError(f"the app did not respond (ANR){f': {one_line(reason)}' if reason else ''}")


def _ended(lines: Sequence[Line], pid: int, package: str) -> RunError | None:
    for line in lines:
        match = re.match(rf"Killing {pid}:\S+ \(adj -?\d+\): (.*)$", line.text)
        if line.tag == "ActivityManager" and match and not OWN_END.search(match[1]):
            return RunError(f"Android ended the app's process: {one_line(match[1])}")
    return None


def _signal(lines: Sequence[Line], pid: int, package: str) -> RunError | None:
    if any(line.text.startswith(f"Killing {pid}:") for line in lines):
        return None  # Android ended what was over already
    for line in lines:
        match = re.match(rf"Process {pid} exited (due to signal .*|cleanly \(.*\))$", line.text)
        if line.tag.lower().startswith("zygote") and match:
            return RunError(f"the app's process exited {one_line(match[1])}")
    return None
