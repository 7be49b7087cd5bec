"""Why an xcodebuild failed, found in what it printed: one sentence, and the command that helps.

Of Xcode 9 to 26, with one destination and with several, where tests are told in other words. Where nothing here fits,
there is no cause: whoever asks shows the output itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import EnvironmentMissing, GoldmaskError, RunError
from .compiler_output import complaint_at, crash, first_complaint, lines_of

MAX_SENTENCE = 600
DOWNLOAD = "xcodebuild -downloadPlatform iOS"
FIRST_LAUNCH = "sudo xcodebuild -runFirstLaunch"
SIGNING = "set team in the [ios] table of goldmask.toml, and open the project in Xcode once: Signing & Capabilities"
UNLOCK = "security unlock-keychain login.keychain-db, in the session that runs this"

# What is wrong with the machine rather than with the project: the words, and Apple's own cure.
SELECT = "sudo xcode-select --switch /Applications/Xcode.app"
MACHINE = (
    (r"A required plugin failed to load\b.*|.*try running 'xcodebuild -runFirstLaunch'.*", FIRST_LAUNCH),
    (
        r".*\b(?:not agreed to the Xcode license|Agreeing to the Xcode\S* license)\b.*",
        "sudo xcodebuild -license accept",
    ),
    (r".*requires Xcode, but active developer directory.*", SELECT),
    (r"xcrun: error: invalid active developer path.*", "xcode-select --install"),
    (r"xcrun: error: unable to find utility.*", SELECT),
)
OWN = re.compile(r"^xcodebuild: error: (?P<message>.+)$")
DESTINATION = re.compile(r"Unable to find a de(?:vice|stination) matching|Timed out waiting for all destinations")
INELIGIBLE = re.compile(r"\{(?P<fields>[^{}]*?)\berror: ?(?P<reason>[^{}]+?)\s*\}")
NOT_INSTALLED = re.compile(r"\b(?:iOS|watchOS|tvOS|visionOS) [\d.]+ is not installed\b")

# Code signing: Xcode 9's prefix and older ones; Xcode 8's bare sentences; from 10 on they are plain errors.
SIGNING_PREFIX = re.compile(r"^(?:\[BEROR\] ?)?code ?sign(?:ing)? error: (?P<message>.+)$", re.IGNORECASE)
SIGNING_WORDS = re.compile(
    r"""^Signing\ for\ ".+"\ requires
    | ^No\ (?:profiles?|account|accounts|signing\ certificate|code\ signing\ identit\w+|matching\ provisioning)\b
    | ^".+"\ requires\ a\ provisioning\ profile
    | ^".+"\ has\ conflicting\ provisioning\ settings
    | ^Provisioning\ profile\ "
    | ^Automatic\ signing\ (?:failed|cannot)
    | ^Code\ ?signing\ (?:is\ required|".+"\ requires)
    | ^(?:None\ of\ your\ accounts\ are\ a\ member|There\ are\ no\ accounts\ registered)
    | ^Failed\ Registering\ Bundle\ Identifier
    | ^Communication\ with\ Apple\ failed
    | ^Revoke\ certificate
    | ^Xcode\ couldn't\ find\ any\ .*provisioning\ profile""",
    re.VERBOSE | re.IGNORECASE,
)
# Said after the reason, and alone only where that was cut off.
SIGNING_ECHO = re.compile(r"^code signing is required for product type", re.IGNORECASE)
KEYCHAIN = re.compile(r"errSecInternalComponent|User interaction is not allowed")

SCRIPT = re.compile(r"^PhaseScriptExecution (?P<name>.+?) (?P<script>/\S.*?\.sh)(?: \(in target:? .*\))?$")
FAILED_COMMAND = re.compile(r"^Command (?P<name>\S+) failed with (?:a nonzero exit code|exit code \d+)")
SUMMARY = "The following build commands failed:"

TESTING = re.compile(
    r"^(?:Testing started\b|Restarting after unexpected exit\b|Test (?i:suite|case) '|\W{0,2}\s?Test run started)"
)
ASSERTION = re.compile(
    r"^\S[^:\n]*:\d+: error: (?P<test>-\[[\w.]+ [^\]]+\]|[\w.]+(?:\(\))?) : .+$"
    r"|^.{0,2}\s?Test .{1,200}? recorded an issue\b.* at .+$"
)
CASE_FAILED = re.compile(
    r"^\s*Test [Cc]ase '(?P<test>[^'\n]+)' failed(?: on '(?P<where>[^\n]+)')? \((?P<seconds>[\d.]+) seconds\)"
)
RESTARTING = re.compile(r"^(?P<text>Restarting after unexpected exit[^;\n]*)")
TESTING_FAILED = re.compile(r"^\s*Testing failed:\s*(?P<rest>.*)$")
DIED = re.compile(
    r"^(?:\S+:\d+: )?(?:Fatal error|Precondition failed|Assertion failed): .+$"
    r"|^\*\*\* Terminating app due to uncaught exception .+$"
    r"|^Child process terminated with signal .+$"
)
CLONE = re.compile(r"^Clone \d+ of ")
HOSTED = re.compile(r" - (?:(?! - ).)+ \(\d+\)$")


@dataclass(frozen=True)
class Cause:
    """Why a tool failed: `what` in its own words, `fix`, and whether it is something that the machine lacks."""

    what: str
    fix: str = ""
    missing: bool = False

    def error(self, prefix: str, log: Path, suffix: str = "") -> GoldmaskError:
        """The error to raise: EnvironmentMissing for what the machine lacks, RunError otherwise."""
        kind = EnvironmentMissing if self.missing else RunError
        return kind(f"{prefix}: {self.what}{suffix}", fix=self.fix or f"cat {log}")


@dataclass(frozen=True)
class FailedTest:
    """A test that xcodebuild reports as failed; `device` is empty where it tests on one destination."""

    test: str
    device: str
    line: str


def cause_of(text: str, testing: bool = False) -> Cause | None:
    """The cause of a failed build or test run; None where nothing in `text` is known to be one.

    Where `testing` says that nothing was built, a compiler's words are none: the app has said them.
    """
    lines = lines_of(text)
    begin = 0 if testing else next((at for at, line in enumerate(lines) if TESTING.match(line)), len(lines))
    build, tests = lines[:begin], lines[begin:]
    found = (
        _first(lines, (_machine,))
        or _first(build, (_refusal, _signing, _complaint))
        or _tests(tests)
        or _first(tests, (_refusal,))
        or _script(build)
        or _command(build)
        or _signing_echo(build)
        or _testing_failed(lines)
        or _last_resort(lines, build)
    )
    return found and Cause(" ".join(found.what.split())[:MAX_SENTENCE], found.fix, found.missing)


def machine_cause(text: str) -> Cause | None:
    """What is wrong with the machine's Xcode, where the words of any of its tools say so."""
    return _first(lines_of(text), (_machine,))


def failed_tests(text: str) -> list[FailedTest]:
    """The tests that failed, in the order of the log."""
    found = (CASE_FAILED.match(line) for line in lines_of(text))
    return [FailedTest(each["test"], device_name(each["where"] or ""), each[0].strip()) for each in found if each]


def failed_on(text: str, devices: Sequence[str]) -> dict[str, str]:
    """What failed on each of several devices; nothing where the log does not tell them apart."""
    failed = [each for each in failed_tests(text) if each.device]
    if len(set(devices)) < max(2, len(devices)) or {each.device for each in failed} - set(devices):
        return {}
    return {each.device: each.line for each in reversed(failed)}


def device_name(where: str) -> str:
    """`iPhone 15` of `Clone 1 of iPhone 15 - App (4711)`, as xcodebuild says where a test ran."""
    return CLONE.sub("", HOSTED.sub("", where))


def _first(lines: Sequence[str], rules) -> Cause | None:
    """What the first line that fits one of the rules comes to."""
    for at in range(len(lines)):
        for rule in rules:
            if found := rule(lines, at):
                return found
    return None


def _machine(lines: Sequence[str], at: int) -> Cause | None:
    for printed, fix in MACHINE:
        if found := re.match(printed, lines[at]):
            return Cause(found[0].strip(), fix, missing=True)
    return None


def _refusal(lines: Sequence[str], at: int) -> Cause | None:
    """xcodebuild's own error, and the indented lines that belong to it."""
    found = OWN.match(lines[at])
    if not found:
        return None
    block = []
    for line in lines[at + 1 :]:
        if line.strip() and not line[:1].isspace():
            break
        block.append(line)
    if not DESTINATION.search(found["message"]):
        details = [line.strip() for line in block if line.strip()][:4]
        return Cause(" ".join([lines[at], *details]))
    block = [line.strip() for line in block if line.strip()]
    title = next((number for number, line in enumerate(block) if line.endswith(":")), len(block))
    asked = next((line for line in block[:title] if line.startswith("{")), "")
    sentence = next((line for line in block if not line.startswith("{") and not line.endswith(":")), "")
    reason = _ineligible(asked, block) or sentence
    what = f"{lines[at]} {asked}".rstrip() + (f": {reason}" if reason else "")
    if reason and NOT_INSTALLED.search(reason):
        return Cause(what, DOWNLOAD, missing=True)
    return Cause(what)


def _ineligible(asked: str, block: Sequence[str]) -> str:
    """Why the destination that was asked for cannot be used: of several reasons that of its id, or of its platform."""
    reasons = [(found["fields"], found["reason"].strip()) for line in block if (found := INELIGIBLE.search(line))]
    for key in (r"\bid:([^,}\s]+)", r"\bplatform:([^,}]+)"):
        wanted = re.search(key, asked)
        for fields, reason in reasons:
            has = re.search(key, fields)
            if wanted and has and wanted[1].strip() == has[1].strip():
                return reason
    return reasons[0][1] if reasons else ""


def _signing(lines: Sequence[str], at: int) -> Cause | None:
    line = lines[at].strip()
    prefixed = SIGNING_PREFIX.match(line)
    message = prefixed["message"] if prefixed else re.sub(r"^(?:[^:\n]+: )?error: ", "", line)
    if SIGNING_ECHO.match(message) or not (prefixed or SIGNING_WORDS.match(message)):
        return None
    return Cause(line, SIGNING)


def _signing_echo(lines: Sequence[str]) -> Cause | None:
    for line in lines:
        prefixed = SIGNING_PREFIX.match(line.strip())
        if SIGNING_ECHO.match(prefixed["message"] if prefixed else re.sub(r"^(?:[^:\n]+: )?error: ", "", line.strip())):
            return Cause(line.strip(), SIGNING)
    return None


def _complaint(lines: Sequence[str], at: int) -> Cause | None:
    found = complaint_at(lines, at)
    if found is None or found.echo or OWN.match(lines[at]) or SIGNING_ECHO.match(found.message):
        return None
    return Cause(found.text)


def _script(lines: Sequence[str]) -> Cause | None:
    """A script phase that failed, and the last lines of what it printed."""
    for at, line in enumerate(lines):
        failed = FAILED_COMMAND.match(line)
        if not failed or failed["name"] not in ("PhaseScriptExecution", "/bin/sh"):
            continue
        above = [(number, found) for number in range(at) if (found := SCRIPT.match(lines[number]))]
        name = re.sub(r"\\(.)", r"\1", above[-1][1]["name"]) if above else ""
        output = _printed(lines[(above[-1][0] + 1 if above else max(0, at - 6)) : at])
        printed = " | ".join(output[-3:] or _after(lines, at + 1)[:3]) or "it printed nothing"
        return Cause(f"the script phase {name!r} failed: {printed}" if name else f"a script phase failed: {printed}")
    return None


def _command(lines: Sequence[str]) -> Cause | None:
    """Another command of the build that failed, and what it printed just before; a compiler's crash is told as such."""
    if found := crash(lines):
        return Cause(found.text)
    for at, line in enumerate(lines):
        failed = FAILED_COMMAND.match(line)
        if not failed:
            continue
        start = at
        while start and lines[start - 1].strip() and not lines[start - 1][:1].isspace():
            start -= 1
        if output := [each.strip() for each in lines[start:at]][-3:] or _after(lines, at + 1)[:3]:
            printed = " | ".join(output)
            return Cause(f"{failed['name']} failed: {printed}", UNLOCK if KEYCHAIN.search(printed) else "")
    return None


def _printed(lines: Sequence[str]) -> list[str]:
    """What a command of the build printed, without xcodebuild's own lines about how it was started."""
    start = re.compile(r"^\s+(?:cd|export|setenv|/bin/sh -c) ")
    return [line.strip() for line in lines if line.strip() and not start.match(line)]


def _after(lines: Sequence[str], start: int) -> list[str]:
    """What follows a failed command: its output comes later where another stream carried it."""
    follows = []
    for line in lines[start:]:
        if (
            not line.strip()
            or line.startswith(("** ", "note: ", "Testing failed:", SUMMARY))
            or FAILED_COMMAND.match(line)
        ):
            break
        follows.append(line.strip())
    return follows


def _tests(lines: Sequence[str]) -> Cause | None:
    """Why a test run failed. Other lines with "error: " are the app's own log."""
    if failed := next((line for line in lines if ASSERTION.match(line)), None):
        return Cause(failed)
    died = next((line.strip() for line in lines if DIED.match(line)), "")
    restarting = next((found["text"] for line in lines if (found := RESTARTING.match(line))), "")
    ended = _testing_failed(lines)
    if how := ended.what if ended else restarting.rstrip(". "):
        return Cause(f"{how}; the app's last words: {died}" if died else how)
    failed_cases = [each for each in (CASE_FAILED.match(line) for line in lines) if each]
    if failed_cases:
        more = f"; and {len(failed_cases) - 1} more" if len(failed_cases) > 1 else ""
        return Cause(failed_cases[0][0].strip() + more)
    at = next((at for at, line in enumerate(lines) if line.strip() == "Failing tests:"), None)
    names = [line.strip() for line in _block(lines, at + 1)] if at is not None else []
    if names:
        return Cause(f"Failing tests: {', '.join(names[:3])}" + (f"; and {len(names) - 3} more" if names[3:] else ""))
    return Cause(died) if died else None


def _testing_failed(lines: Sequence[str]) -> Cause | None:
    """`Testing failed:` and the lines that say why."""
    for at, line in enumerate(lines):
        if found := TESTING_FAILED.match(line):
            block = [found["rest"], *(each.strip() for each in _block(lines, at + 1))]
            # Several attempts fail alike but for the number of their process.
            alike = {re.sub(r"\d+", "", each): each for each in reversed(block) if each}
            return Cause(f"Testing failed: {'; '.join(list(alike.values())[::-1][:3])}")
    return None


def _block(lines: Sequence[str], start: int) -> list[str]:
    """The indented lines from `start` on."""
    end = start
    while end < len(lines) and lines[end][:1].isspace() and lines[end].strip():
        end += 1
    return list(lines[start:end])


def _last_resort(lines: Sequence[str], build: Sequence[str]) -> Cause | None:
    """xcodebuild's list of what failed, or an echo of a cause that the log does not have."""
    if found := first_complaint(build):
        return Cause(found.text)
    at = next((at for at, line in enumerate(lines) if line.strip() == SUMMARY), None)
    names = [line.strip() for line in _block(lines, at + 1)] if at is not None else []
    return Cause(f"{SUMMARY} {'; '.join(names[:2])}") if names else None
