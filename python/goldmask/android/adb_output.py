"""What adb prints: the transports to devices and the state of each, and why no server of its own answers."""

import re
from dataclasses import dataclass

from ..contract.errors import EnvironmentMissing, GoldmaskError, RunError, excerpt, one_line

# As adb's transport.cpp names them. "no permissions" has its reason in brackets behind it.
STATES = (
    "no permissions", "unauthorized", "authorizing", "connecting", "offline", "device", "bootloader", "recovery",
    "rescue", "sideload", "host", "detached", "unknown",
)  # fmt: skip
# A serial may have spaces: `adb-R5CT (2)._adb-tls-connect._tcp` where mDNS saw the same name twice. So the state is
# looked for, and not the first space; adb puts a single one before it where the serial is long.
ROW = re.compile(rf"^(?P<serial>\S(?:.*?\S)?)\s+(?P<state>{'|'.join(STATES)})(?=\s|;|$)(?P<rest>.*)$")
SHORT_ROW = re.compile(r"^(?P<serial>[^\t]+)\t(?P<state>no permissions|[^\t ]+)(?P<rest>.*)$")
# A serial is a device's own word, and goes into messages.
SERIAL = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
NETWORK = re.compile(r":\d+$|\._adb(-tls-connect)?\._tcp$")
LOCAL = re.compile(r"^(?:localhost|127\.0\.0\.1|\[::1\]):(\d{1,5})$")
EMULATOR = re.compile(r"^emulator-(\d{1,5})$")
VERSION = re.compile(r"^Android Debug Bridge version \d+\.\d+\.(\d{1,9})$", re.MULTILINE)
MISMATCH = re.compile(r"adb server version \((\d+)\) doesn't match this client \((\d+)\)")
# What adb's log says at level F, fatal; its last line only says that there is no server.
FATAL = re.compile(r"^\S+ \S+ +\d+ +\d+ F adb +: \S+ (.*)$", re.MULTILINE)
# The four bytes that came in place of OKAY, in hexadecimal.
FAULT = re.compile(r"protocol fault \(status ((?:[0-9a-f]{2} ?)+)\?!\)")
ONE_ADB = "adb kill-server, and the platform-tools of one version for all programs that use adb"


@dataclass(frozen=True)
class Transport:
    """A way to a device as the server lists it; `detail` is why adb has no permissions."""

    serial: str
    state: str
    detail: str = ""
    model: str = ""

    @property
    def network(self) -> bool:
        """Whether it is a connection over the network: an address, or a name of mDNS."""
        return bool(NETWORK.search(self.serial))

    def device(self, serial_number: str) -> str:
        """What is the same for all transports to one device. `serial_number` is the device's own, ro.serialno.

        All emulators of one version have the same serial number: they are known by their port on this machine.
        """
        local, emulator = LOCAL.match(self.serial), EMULATOR.match(self.serial)
        if emulator:
            return f"port {int(emulator[1]) + 1}"
        if local and (not serial_number or serial_number.startswith("EMULATOR")):
            return f"port {int(local[1])}"
        own = "" if serial_number.startswith("EMULATOR") else serial_number
        return f"serial number {own}" if own else self.serial

    def __str__(self) -> str:
        return f"{self.serial} ({self.model})" if self.model else self.serial


def transports(text: str) -> list[Transport]:
    """What `adb devices`, `adb devices -l` and the server list; lines in another form are left out."""
    found = []
    for line in text.splitlines():
        match = SHORT_ROW.match(line) or ROW.match(line)
        if not match or line.startswith(("* ", "adb server", "List of devices")):
            continue
        serial, rest = match["serial"], match["rest"]
        if SERIAL.fullmatch(serial) and match["state"].isprintable():
            why = re.match(r" \(([^)]*)\)", rest)
            model = re.search(r"\bmodel:(\S+)", rest)
            detail = one_line(why[1]) if why else ""
            found.append(Transport(serial, one_line(match["state"]), detail, one_line(model[1]) if model else ""))
    return found


def error(text: str, address: str) -> GoldmaskError:
    """Why the adb program has no server at `address`, from all that it printed."""
    if fault := FAULT.search(text):
        answer = (
            bytes.fromhex(fault[1].replace(" ", "")) if re.fullmatch(r"[0-9a-f]{2}( [0-9a-f]{2})*", fault[1]) else b""
        )
        return no_server(address, answer)
    if "protocol fault" in text:
        return no_server(address, b"")
    fatal = one_line((FATAL.findall(text) or [""])[0])
    if mismatch := MISMATCH.search(text):
        return RunError(
            f"the adb server at {address} is of version 1.0.{mismatch[1]} and adb is 1.0.{mismatch[2]}: it cannot be "
            f"replaced{f' ({fatal})' if fatal else ''}",
            ONE_ADB,
        )
    return RunError(f"the adb server does not start: {fatal or excerpt(text) or 'adb says nothing'}")


def no_server(address: str, answer: bytes) -> EnvironmentMissing:
    """The error that another program listens where an adb server should be; `answer` is how its answer began."""
    answer_line = one_line(answer.decode("ascii", "replace"))
    how = f"answers {answer_line!r}" if answer_line else "closes every connection"
    return EnvironmentMissing(
        f"what listens at {address} is no adb server: it {how}",
        f"end that program (ss -ltnp 'sport = :{address.rpartition(':')[2]}'), or ANDROID_ADB_SERVER_PORT=PORT",
    )


def version(text: str) -> int:
    """The version of `adb version`, 41 for 1.0.41; 0 where it does not say."""
    match = VERSION.search(text)
    return int(match[1]) if match else 0
