"""What compilers and linkers print: the first complaint that is a cause, and not the echo of one.

Of swiftc, SwiftPM 5.9 to 6.2 and clang; of Apple's linkers (ld64, and ld_prime of Xcode 15 and later), gold, GNU ld
and lld.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

PLACED = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+)(?::\d+)?: (?:fatal )?error: (?P<message>.+)$")
UNPLACED = re.compile(r"^(?:(?P<tool>[^\s:][^:\n]{0,300}?) ?: )?(?:fatal )?error: (?P<message>.+)$")
# What is printed because something else failed.
ECHO = re.compile(
    r"""\bcommand\ failed\ (?:with\ exit\ code|due\ to\ signal)\b
    | \bfailed\ with\ a\ nonzero\ exit\b
    | ^(?:the\ )?following\ (?:build\ )?commands?\ failed
    | ^(?:the\ )?build\ (?:failed|had\ \d+\ command\ failures)
    | ^could\ not\ build\ (?:\S+\ )?module\b
    | ^failed\ to\ build\ module\ .*\ due\ to\ the\ errors\ above
    | ^failed\ to\ emit\ precompiled\b
    | ^too\ many\ errors\ emitted
    | ^terminated\(\d+\)
    | ^tests\ exited\ with
    | ^fatalError$
    | \bInvalid\ manifest\b
    | \bld\ returned\ \d+\ exit\ status""",
    re.VERBOSE | re.IGNORECASE,
)
UNDEFINED = re.compile(r"^(?:ld: )?(?P<text>Undefined symbols?(?: for architecture [^\s:]+)?):\s*(?P<symbol>.*)$")
DUPLICATE = re.compile(r"^(?P<text>duplicate symbol .+ in:)\s*$")
UNDEFINED_REFERENCE = re.compile(r"^.+: undefined reference to .+$")
LINKER = re.compile(r"^(?:\S*/)?ld(?:[-.]\w+)?: (?!warning\b|note\b)(?P<message>.+)$")
LINKER_ECHO = re.compile(
    r"symbol\(s\) not found|^\d+ duplicate symbols?\b|final link failed|in function .*:$", re.IGNORECASE
)
DUMP = re.compile(r"^(?:Stack dump:|Please submit a bug report )")
DUMPED = re.compile(r"^\d+\.\s+(?P<text>While .+)$")
SIGNAL = re.compile(r"\b(?P<command>[\w-]+) command failed due to signal (?P<number>\d+)")
# What Linux and macOS send to a process when memory is short.
KILLED = 9


@dataclass(frozen=True)
class Complaint:
    """`text` as the tool printed it, in one line; `path`, `line` and `message` where it is about a line of a file."""

    text: str
    path: str = ""
    line: str = ""
    message: str = ""
    echo: bool = False


def lines_of(text: str) -> list[str]:
    """The lines of a log without colours and carriage returns."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def complaint_at(lines: Sequence[str], at: int) -> Complaint | None:
    """The complaint that begins at line `at`; None where there is none."""
    line = lines[at]
    if found := PLACED.match(line):
        path = "" if found["path"] == "<unknown>" else found["path"]
        return Complaint(line, path, found["line"], found["message"], echo=bool(ECHO.search(found["message"])))
    if found := UNDEFINED.match(line):
        if found["symbol"]:
            return Complaint(line)
        return Complaint(_undefined(found["text"], _indented(lines, at + 1)))
    if found := DUPLICATE.match(line):
        return Complaint(" ".join([found["text"], ", ".join(each.strip() for each in _indented(lines, at + 1))]))
    if found := UNPLACED.match(line):
        return Complaint(line, message=found["message"], echo=bool(ECHO.search(found["message"])))
    if UNDEFINED_REFERENCE.match(line):
        return Complaint(line)
    if (found := LINKER.match(line)) and not LINKER_ECHO.search(found["message"]):
        return Complaint(line)
    return None


def first_complaint(lines: Sequence[str]) -> Complaint | None:
    """The first complaint that is a cause; then a compiler's crash; then an echo, for want of anything better."""
    complaints = [each for at in range(len(lines)) if (each := complaint_at(lines, at))]
    causes = [each for each in complaints if not each.echo]
    return next(iter(causes), None) or crash(lines) or next(iter(complaints), None)


def crash(lines: Sequence[str]) -> Complaint | None:
    """How the compiler itself died, where it did: its stack dump says what it was at."""
    if any(DUMP.match(line) for line in lines):
        at = next((found["text"] for line in lines if (found := DUMPED.match(line))), "it left a stack dump")
        return Complaint(f"the compiler crashed: {at}")
    found = next((found for line in lines if (found := SIGNAL.search(line))), None)
    if found and int(found["number"]) == KILLED:
        what = f"signal 9 ended the compiler ({found['command']}), as happens where memory is short"
        return Complaint(what)
    return None


def _indented(lines: Sequence[str], start: int) -> list[str]:
    """The indented lines from `start` on."""
    block = []
    for line in lines[start:]:
        if not line[:1].isspace() or not line.strip():
            break
        block.append(line)
    return block


def _undefined(title: str, block: Sequence[str]) -> str:
    """`Undefined symbols for architecture arm64: "_f", referenced from: g in h.o; and 2 more`."""
    symbols = [at for at, line in enumerate(block) if line.rstrip().endswith("referenced from:")]
    if not symbols:
        return " ".join([f"{title}:", *(line.strip() for line in block[:2])])
    first = symbols[0]
    where = block[first + 1].strip() if first + 1 < len(block) and first + 1 not in symbols else ""
    others = f"; and {len(symbols) - 1} more" if len(symbols) > 1 else ""
    return f"{title}: {block[first].strip()} {where}".rstrip() + others
