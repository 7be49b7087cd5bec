"""Whose machine it was: what names a person, a device, a network or a secret is taken out of what tools printed.

A value is replaced by one of the same form, the same one everywhere, so that a parser reads the result as it reads the
original. What is looked for: this machine's own names and folders; values that stand where a serial number, a
device's name or a team stands; and whatever has the form of an identifier, an address or a token. `survivors` is the
second look, at the result.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

# Nobody's: what CI machines and containers call their user.
NOBODY = {"root", "runner", "user", "admin", "test", "someone", "nobody", "build", "ubuntu", "vagrant", "localhost"}
NOBODY |= {"shared", "public", "guest", "linuxbrew"}  # folders beside those of people
SECRET_NAME = (
    r"(?:token|secret|passw(?:or)?d|passphrase|api_?key|access_?key|private_?key|credentials?|authorization|cookie)"
)
SECRET_VARIABLE = re.compile(rf"(?:^|_){SECRET_NAME}(?:_|$)", re.IGNORECASE)
MIN_SECRET = 6
MIN_NAME = 3


BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


# What has a form of its own: how to find it, and one like it by number.
FORMS: tuple[tuple[str, Callable[[int], str]], ...] = (
    (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        lambda number: f"PRIVATE-KEY-{number}",
    ),
    (r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", lambda number: f"TOKEN-{number}"),
    (
        r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|AKIA|ASIA|AIza|ya29\.)[\w-]{12,}",
        lambda number: f"TOKEN-{number}",
    ),
    (r"\b[\w.+-]+@[\w-]+\.[\w.-]*\w", lambda number: f"someone{number}@example.com"),
    (r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b", _uuid),
    (r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{16}\b", lambda number: f"00008000-{number:016d}"),
    (r"\b[0-9A-Fa-f]{40}\b", lambda number: f"{number:040d}"),
    (r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b", lambda number: f"02:00:00:00:00:{number % 256:02x}"),
    (
        r"(?<![\w.:])(?!::1\b)(?=[0-9A-Fa-f:]*[A-Fa-f])[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){3,7}(?![\w:])",
        lambda number: f"2001:db8::{number:x}",
    ),
    (
        rf"(?<![\w.-])(?!127\.|0\.0\.0\.0|10\.0\.2\.)(?:{BYTE}\.){{3}}{BYTE}(?![\w.-])",
        lambda number: f"192.0.2.{number % 256}",
    ),
    (r"(?<![\w.-])[A-Za-z0-9][\w-]*(?:\.coredevice)?\.local\b", lambda number: f"host-{number}.local"),
)
# What stands in a place that says what it is. The group `value` is what is replaced, here and everywhere else.
PLACES: tuple[tuple[str, Callable[[int], str]], ...] = (
    (r'"serialNumber"\s*:\s*"(?P<value>[^"]+)"', lambda number: f"SERIAL{number:06d}"),
    (r"\[[\w.]*serialno\w*\]: \[(?P<value>[^\]\s]+)\]", lambda number: f"SERIAL{number:06d}"),
    (r'"ecid"\s*:\s*(?P<value>\d{6,})', lambda number: f"{number:016d}"),
    (
        r"(?:Apple|iPhone|Mac) (?:Development|Distribution|Developer): (?P<value>[^\"'()\n]+?) ?\(",
        lambda number: f"Someone {number}",
    ),
    (r"(?:DEVELOPMENT_TEAM\\?=|[Tt]eam(?: ID)? [\"'“])(?P<value>[A-Z0-9]{10})\b", lambda number: f"TEAM{number:06d}"),
    (
        r"(?:Development|Distribution|Developer): [^()\n]+ \((?P<value>[A-Z0-9]{10})\)",
        lambda number: f"TEAM{number:06d}",
    ),
    (
        rf"(?i:[\w.-]*{SECRET_NAME}[\w.-]*[\"']?\s*\\?[:=]\s*[\"']?(?:bearer )?)"
        rf"(?P<value>[^\s\"'\\,;]{{{MIN_SECRET},}})",
        lambda number: f"SECRET-{number}",
    ),
    (r"(?:/|\\/)(?:Users|home)(?:/|\\/)(?P<value>[^/\\\s\"':,]+)", lambda number: "someone"),
    (r"(?:/|\\/)var(?:/|\\/)folders(?:/|\\/)\w\w(?:/|\\/)(?P<value>\w{12,})", lambda number: f"folder{number}"),
)
# Whole lines that no parser here reads and that tell much of a phone's owner.
PRIVATE_PROPERTY = re.compile(
    r"^\[(?:gsm|persist|net|ril|dhcp|wifi|wlan|bluetooth|vendor\.ril)\..*\]: \[.*$\n?", re.MULTILINE
)


@dataclass
class Sanitiser:
    """Replaces what it knows; `learn` everything first, so that a value found in one place goes everywhere."""

    known: dict[str, str] = field(default_factory=dict)
    _numbers: dict[object, int] = field(default_factory=dict)

    def know(self, value: str, instead: str) -> None:
        """A value that is to go, and what stands in its place; also as JSON, URLs and Makefiles write it."""
        for form in (value, value.replace("/", "\\/"), value.replace(" ", "%20"), value.replace(" ", "\\ ")):
            self.known.setdefault(form, instead.replace("/", "\\/") if "\\/" in form else instead)

    def know_person(self, *names: str) -> None:
        """The names of whoever uses this machine."""
        for name in names:
            if len(name) >= MIN_NAME and name.lower() not in NOBODY:
                self.know(name, "someone")

    def know_secrets(self, environment: Mapping[str, str]) -> None:
        """The values of variables whose name says that they are secret."""
        for name, value in environment.items():
            if SECRET_VARIABLE.search(name) and len(value) >= MIN_SECRET:
                self.know(value, f"SECRET-{self._number('secret')}")

    def know_device(self, name: str) -> None:
        """The name that somebody gave a phone."""
        if len(name) >= MIN_NAME:
            self.know(name, f"Phone {self._number('phone')}")

    def know_serial(self, serial: str) -> None:
        """A device's serial number; an emulator's is nobody's."""
        if len(serial) >= MIN_NAME and not serial.startswith(("emulator-", "SERIAL", "127.0.0.1:")):
            self.know(serial, f"SERIAL{self._number('serial'):06d}")

    def learn(self, text: str) -> None:
        """Remember every value in `text` that stands where an identifying one stands."""
        for pattern, like in PLACES:
            for found in re.finditer(pattern, text):
                value = found["value"]
                if value not in self.known and value.lower() not in NOBODY and not _made(value):
                    self.know(value, like(self._number(pattern)))

    def clean(self, text: str) -> str:
        """`text` without what is known, and without what has the form of something that identifies."""
        text = PRIVATE_PROPERTY.sub("", text)
        for value in sorted(self.known, key=len, reverse=True):
            instead = self.known[value].replace("\\", r"\\")
            text = _word(value).sub(instead, text)
        for pattern, like in FORMS:
            values = {found[0] for found in re.finditer(pattern, text, re.DOTALL)}
            stand_ins = {value: self._like(value, pattern, like) for value in sorted(values)}
            text = re.sub(pattern, partial(_stand_in, stand_ins), text, flags=re.DOTALL)
        return text

    def survivors(self, text: str) -> list[str]:
        """The known values that are still in a cleaned text."""
        return [value for value, instead in self.known.items() if value != instead and _word(value).search(text)]

    def _like(self, value: str, key: str, like: Callable[[int], str]) -> str:
        """The value's stand-in, the same one each time; a stand-in stays."""
        if _made(value):
            return value
        entry = (key, value.lower())
        if entry not in self._numbers:
            self._numbers[entry] = self._number(key)
        return like(self._numbers[entry])

    def _number(self, key: object) -> int:
        self._numbers[key] = self._numbers.get(key, 0) + 1
        return self._numbers[key]


def _stand_in(stand_ins: Mapping[str, str], found: re.Match[str]) -> str:
    return stand_ins[found[0]]


def _made(value: str) -> bool:
    """Whether a value is one of ours, so that cleaning twice changes nothing."""
    return bool(
        re.fullmatch(
            r"00000000-0000-4000-8000-\d{12}|00008000-\d{16}|\d{40}|02:00:00:00:00:..|2001:db8::[0-9a-f]+|192\.0\.2\.\d+"
            r"|host-\d+\.local|someone\d*@example\.com|(?:SECRET|TOKEN|PRIVATE-KEY)-\d+|SERIAL\d{6}|TEAM\d{6}|0{6,}\d*"
            r"|Someone \d+|folder\d+",
            value,
        )
    )


def _word(value: str) -> re.Pattern[str]:
    """The value where it is no part of a longer word."""
    before = r"(?<![A-Za-z0-9])" if value[:1].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if value[-1:].isalnum() else ""
    return re.compile(before + re.escape(value) + after, re.IGNORECASE)
