"""Transcripts of every call that a run makes to other programs, made fit for strangers: so that a run becomes a test.

The layout is that of `tests/transcripts`: a folder for each tool with its answers and their origins. What names a
person, a device or a secret is taken out (machine/sanitise.py); where a known one would be left in, nothing is written.
"""

import getpass
import json
import platform
import re
import shlex
import shutil
import socket
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..android import adb_output, logcat
from ..contract.errors import RunError
from ..machine.cache import cache_folder
from ..machine.recording import Call
from ..machine.sanitise import Sanitiser

MAX_CHARACTERS = 1 << 20
LICENCE = "Apache-2.0"
INDEX = "calls.json"
ORIGINS = "origins.toml"
# Tools that are called through another one.
CARRIERS = {"xcrun", "env"}
# A flag that names a file which has the answer instead of stdout.
ANSWER_FILE = "--json-output"
# Of a device's log, the lines of those who say why a process ended; the others are none of our business.
WITNESSES = re.compile("|".join([*logcat.WITNESSES, "TestRunner", "tflite", "TensorFlow", "goldmask"]), re.IGNORECASE)


@dataclass(frozen=True)
class Transcript:
    """One answer of a tool, still as it came: `stream` is stdout, stderr, a file or a log."""

    tool: str
    call: Call
    stream: str
    text: str


@dataclass(frozen=True)
class Written:
    """What was written: the folder, and the number of calls, and of answers that differ."""

    folder: Path
    calls: int
    transcripts: int


@dataclass
class Recorder:
    """Listens to calls (machine/recording.py) and writes them down at the end."""

    calls: list[tuple[Call, str]] = field(default_factory=list)

    def __call__(self, call: Call) -> None:
        """Keep a call, and what it wrote to the file that its flag names, which may be gone in a moment."""
        answer = ""
        if ANSWER_FILE in call.argv[:-1]:
            path = Path(call.argv[call.argv.index(ANSWER_FILE) + 1])
            answer = path.read_text("utf-8", "replace") if path.is_file() else ""
        self.calls.append((call, answer))

    def write(self, folder: Path, project: Path, environment: Mapping[str, str]) -> Written:
        """Write what was heard to `folder`, which is emptied first; `project` is where the run's files are.

        Raises RunError where something that identifies would be left, or the folder is another's; then nothing is
        written.
        """
        if folder.exists() and any(folder.iterdir()) and not (folder / INDEX).is_file():
            raise RunError(f"{folder} has other files than transcripts", fix="--transcripts FOLDER, a new one")
        transcripts = list(self._transcripts())
        sanitiser = _sanitiser(project, environment)
        for call, _ in self.calls:
            _learn_of(sanitiser, call)
        for each in transcripts:
            sanitiser.learn(each.text)
            _learn_names(sanitiser, each)
        files, index = _files(transcripts, sanitiser, self.calls)
        _refuse_survivors(files, sanitiser)
        if folder.exists():
            shutil.rmtree(folder)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        return Written(folder, len(self.calls), len(index))

    def _transcripts(self) -> Iterator[Transcript]:
        for call, answer in self.calls:
            log = call.log.read_text("utf-8", "replace") if call.log and call.log.is_file() else ""
            streams = {"stdout": call.stdout, "stderr": call.stderr, "json": answer, "log": log}
            for stream, text in streams.items():
                if text.strip():
                    yield Transcript(tool_of(call.argv), call, stream, _shortened(tool_of(call.argv), text))


def tool_of(argv: tuple[str, ...]) -> str:
    """The folder of a call: `simctl` of `xcrun simctl list`, `getprop` of `adb shell getprop`; or the program."""
    command = [Path(word).name for word in argv]
    if command[:2] == ["adb", "-s"] and command[3:4] == ["shell"]:
        command = command[4:]
    elif command[0] in CARRIERS and len(command) > 1 and not command[1].startswith("-"):
        command = command[1:]
    # Only a name is a folder's: `sh -c` is a script, and what a device is asked may be anything.
    name = command[0].lower() if command else ""
    return name if re.fullmatch(r"[a-z][a-z0-9_.-]*", name) else "other"


def _sanitiser(project: Path, environment: Mapping[str, str]) -> Sanitiser:
    """What this machine is known by."""
    sanitiser = Sanitiser()
    sanitiser.know_secrets(environment)
    for path, instead in (
        (project, "/project"),
        (cache_folder(), "/cache"),
        (Path(tempfile.gettempdir()), "/tmp"),
        (Path.home(), "/Users/someone" if platform.system() == "Darwin" else "/home/someone"),
    ):
        for form in {str(path), str(path.resolve())}:
            if len(form) > 1 and form != "/tmp":
                sanitiser.know(form, instead)
    user = getpass.getuser()
    sanitiser.know_person(user, *_full_name(user))
    host = socket.gethostname()
    if host.split(".")[0].lower() not in ("", "localhost"):
        sanitiser.know(host, "host")
        sanitiser.know(host.split(".")[0], "host")
    return sanitiser


def _full_name(user: str) -> list[str]:
    try:
        import pwd

        name = pwd.getpwnam(user).pw_gecos.split(",")[0].strip()
    except (ImportError, KeyError):
        return []
    return [name] if " " in name else []


def _learn_of(sanitiser: Sanitiser, call: Call) -> None:
    """Serial numbers in an argv, and in adb's list of devices."""
    for flag, value in zip(call.argv, call.argv[1:], strict=False):
        if flag == "-s" and Path(call.argv[0]).name == "adb":
            sanitiser.know_serial(value)
    if call.argv[:2] == ("adb", "devices"):
        for each in adb_output.transports(call.stdout):
            sanitiser.know_serial(each.serial)
            if mdns := re.match(r"adb-(\w+)-\w+\b.*\._adb", each.serial):
                sanitiser.know_serial(mdns[1])


def _learn_names(sanitiser: Sanitiser, transcript: Transcript) -> None:
    """The names that people gave their phones, out of devicectl's list."""
    if transcript.tool != "devicectl":
        return
    try:
        listing: Any = json.loads(transcript.text)
    except ValueError:
        return
    for value in _named(listing):
        sanitiser.know_device(value)


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key in ("deviceProperties", "state"):
            group = value.get(key)
            if isinstance(group, dict) and isinstance(group.get("name"), str):
                yield group["name"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _named(each)


def _shortened(tool: str, text: str) -> str:
    """Of a device's log the witnesses; of an answer without end both ends."""
    if tool == "logcat":
        text = "".join(line for line in text.splitlines(keepends=True) if WITNESSES.search(line))
    if len(text) > MAX_CHARACTERS:
        half = MAX_CHARACTERS // 2
        text = f"{text[:half]}\n[{len(text) - MAX_CHARACTERS} characters are left out here]\n{text[-half:]}"
    return text


def _files(
    transcripts: list[Transcript], sanitiser: Sanitiser, calls: list[tuple[Call, str]]
) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """The files to write by name, and the name of each answer; the same answer of a tool is written once."""
    system = f"macOS {platform.mac_ver()[0]}" if platform.system() == "Darwin" else platform.system()
    label = re.sub(r"[^a-z0-9.]+", "-", system.lower()).strip("-.")
    origin = f"recorded: goldmask {__version__} on {system}, {LICENCE}, whoever ran goldmask rig.record"
    files: dict[str, str] = {}
    names: dict[tuple[str, str], str] = {}
    origins: dict[str, dict[str, str]] = {}
    entries: dict[int, dict[str, str]] = {}
    for each in transcripts:
        text = sanitiser.clean(each.text)
        key = (each.tool, text)
        if key not in names:
            suffix = "json" if text.lstrip().startswith("{") else "txt"
            number = 1 + sum(tool == each.tool for tool, _ in names)
            names[key] = f"{label}-{number:02d}.{suffix}"
            files[f"{each.tool}/{names[key]}"] = text
            origins.setdefault(each.tool, {})[names[key]] = origin
        entries.setdefault(id(each.call), {})[each.stream] = f"{each.tool}/{names[key]}"
    for tool, named in origins.items():
        lines = [f"{json.dumps(name)} = {json.dumps(origin)}" for name, origin in sorted(named.items())]
        files[f"{tool}/{ORIGINS}"] = "\n".join([*lines, ""])
        tomllib.loads(files[f"{tool}/{ORIGINS}"])
    index = [
        {
            "argv": sanitiser.clean(shlex.join(call.argv)),
            "code": call.code,
            "seconds": round(call.seconds, 3),
            **entries.get(id(call), {}),
        }
        for call, _ in calls
    ]
    files[INDEX] = json.dumps(index, indent=1) + "\n"
    return files, names


def _refuse_survivors(files: Mapping[str, str], sanitiser: Sanitiser) -> None:
    for name, text in files.items():
        if left := sanitiser.survivors(name + "\n" + text):
            raise RunError(
                f"{len(left)} values that identify somebody would be left in {name}; nothing was written",
                fix="report this as a bug, without the transcript",
            )
