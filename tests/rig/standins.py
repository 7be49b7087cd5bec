"""What Android has and Debian lacks, as far as goldmask asks for it: getprop, pm, am, cmd, run-as and others.

Each stand-in keeps real state in state.json: packages with version, signer and native libraries, settings, the
battery. faults.json decides what goes wrong. Answers are worded as Android's own.
"""

import contextlib
import json
import shutil
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rig.apk import BadApk, Package, read_package
from rig.device import write_json
from rig.instrument import ANDROID_8, instrument

# As Android 7 says it; later ones throw an exception.
NO_ROOM = "INSTALL_FAILED_INSUFFICIENT_STORAGE: Failed to override installation location"


class Out:
    """Where a stand-in writes; a client that is gone is no reason for an app to stop."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client

    def send(self, kind: bytes, data: bytes) -> None:
        """One frame: its kind, its length, its bytes."""
        with contextlib.suppress(OSError):
            self.client.sendall(struct.pack(">cI", kind, len(data)) + data)

    def line(self, text: str) -> None:
        """A line to stdout."""
        self.send(b"o", text.encode() + b"\n")

    def error(self, text: str) -> None:
        """A line to stderr."""
        self.send(b"e", text.encode() + b"\n")


@dataclass
class Phone:
    """The device as its stand-ins see it; `root` is its file system as seen from outside."""

    folder: Path
    root: Path
    unplugged_until: float = 0
    stalled_until: float = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    # How to end the process of a package, while it has one.
    processes: dict[str, Callable[[], None]] = field(default_factory=dict)

    def properties(self) -> dict[str, str]:
        """What getprop says."""
        return json.loads((self.folder / "properties.json").read_text("utf-8"))

    def faults(self) -> dict:
        """What shall go wrong."""
        return json.loads((self.folder / "faults.json").read_text("utf-8"))

    def state(self) -> dict:
        """state.json."""
        return json.loads((self.folder / "state.json").read_text("utf-8"))

    def packages(self) -> dict[str, dict]:
        """The installed packages by name."""
        return self.state().get("packages", {})

    def change(self, name: str, value: object) -> None:
        """Replace a part of the state."""
        with self.lock:
            write_json(self.folder / "state.json", self.state() | {name: value})

    def tell(self, line: str) -> None:
        """Into the list of commands that tests read."""
        with self.lock, (self.folder / "commands.log").open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def logcat(self, pid: int, tag: str, text: str, level: str = "I") -> None:
        """A line for logcat."""
        now = time.time()
        stamp = time.strftime("%m-%d %H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}"
        with self.lock, (self.folder / "logcat.txt").open("a", encoding="utf-8") as stream:
            stream.writelines(f"{stamp} {pid:5} {pid:5} {level} {tag}: {line}\n" for line in text.splitlines())

    def started(self, package: str, end: Callable[[], None]) -> None:
        """A package has a process now, and `end` ends it."""
        self.processes[package] = end
        self._show_processes()

    def ended(self, package: str) -> None:
        """The process of a package is gone."""
        self.processes.pop(package, None)
        self._show_processes()

    def _show_processes(self) -> None:
        with self.lock:
            write_json(self.folder / "processes.json", {"running": sorted(self.processes)})

    def path(self, inside: str) -> Path:
        """A path of the device as seen from outside."""
        return self.root / inside.lstrip("/")

    def kill(self, package: str) -> None:
        """End the process of a package, if it has one."""
        if end := self.processes.get(package):
            end()


def answer(client: socket.socket, phone: Phone) -> None:
    """Hear one command and answer it."""
    with client:
        words = b"".join(iter(lambda: client.recv(1 << 16), b"")).decode("utf-8", "replace").split("\0")
        phone.tell(" ".join(words))
        out = Out(client)
        try:
            code = STANDINS[words[0]](words[1:], phone, out)
        except Exception as error:
            out.error(f"rig: {words}: {type(error).__name__}: {error}")
            phone.tell(f"rig failed: {words}: {error!r}")
            code = 70
        if code is not None:
            out.send(b"x", str(code).encode())


def getprop(words: list[str], phone: Phone, out: Out) -> int:
    """getprop [NAME [DEFAULT]]"""
    properties = phone.properties()
    if words:
        out.line(properties.get(words[0], words[1] if len(words) > 1 else ""))
        return 0
    for name, value in sorted(properties.items()):
        out.line(f"[{name}]: [{value}]")
    return 0


def pm(words: list[str], phone: Phone, out: Out) -> int:
    """pm install [-r] [-t] [-d] PATH · pm path NAME · pm uninstall NAME · pm list packages"""
    packages = phone.packages()
    match words:
        case ["install", *rest]:
            return _install([w for w in rest if w.startswith("-")], rest[-1], phone, out)
        case ["path", name]:
            if name in packages:
                out.line(f"package:{packages[name]['path']}")
            return 0 if name in packages else 1
        case ["uninstall", name]:
            if name not in packages:
                out.line("Failure [DELETE_FAILED_INTERNAL_ERROR]")
                return 1
            phone.kill(name)
            for folder in (f"/data/data/{name}", f"/storage/emulated/0/Android/media/{name}"):
                shutil.rmtree(phone.path(folder), ignore_errors=True)
            shutil.rmtree(phone.path(packages[name]["path"]).parent, ignore_errors=True)
            phone.change("packages", {key: value for key, value in packages.items() if key != name})
            out.line("Success")
            return 0
        case ["list", "packages", *_]:
            for name in sorted(packages):
                out.line(f"package:{name}")
            return 0
    out.error(f"Unknown command: {' '.join(words)}")
    return 255


def _install(flags: list[str], inside: str, phone: Phone, out: Out) -> int:
    """Android's rules for an APK, in the order in which Android looks at them."""
    file = phone.path(inside)
    if not file.is_file():
        out.error(f"Error: Unable to open file: {inside}")
        out.error("Consider using a file under /data/local/tmp/")
        return 1
    try:
        package = read_package(file)
        with phone.lock:
            refusal = phone.faults().get("install") or _refusal(package, flags, file.stat().st_size, phone)
            if not refusal:
                if not phone.faults().get("install_does_nothing"):
                    _place(package, file, phone)
                out.line("Success")
                return 0
    except BadApk as error:
        refusal = str(error)
    if refusal == NO_ROOM and int(phone.properties()["ro.build.version.sdk"]) >= ANDROID_8:
        out.error("\nException occurred while executing 'install':")
        out.error("android.os.ParcelableException: java.io.IOException: Requested internal only, but not enough space")
        out.error("\tat android.util.ExceptionUtils.wrap(ExceptionUtils.java:34)")
        return 255
    out.line(f"Failure [{refusal}]")
    return 1


def _refusal(package: Package, flags: list[str], size: int, phone: Phone) -> str:
    old = phone.packages().get(package.name)
    abis = phone.properties()["ro.product.cpu.abilist"].split(",")
    if not package.signer:
        return f"INSTALL_PARSE_FAILED_NO_CERTIFICATES: Failed to collect certificates from {package.name}"
    if package.test_only and "-t" not in flags:
        return f"INSTALL_FAILED_TEST_ONLY: Failed to install test-only apk {package.name}"
    if package.abis and not package.abis & set(abis):
        return "INSTALL_FAILED_NO_MATCHING_ABIS: Failed to extract native libraries, res=-113"
    if old and "-r" not in flags:
        return f"INSTALL_FAILED_ALREADY_EXISTS: Attempt to re-install {package.name} without first uninstalling."
    if old and old["signer"] != package.signer:
        return (
            f"INSTALL_FAILED_UPDATE_INCOMPATIBLE: Existing package {package.name} signatures do not match "
            "newer version; ignoring!"
        )
    if old and old["version"] > package.version and "-d" not in flags:
        return (
            "INSTALL_FAILED_VERSION_DOWNGRADE: Downgrade detected: Update version code "
            f"{package.version} is older than current {old['version']}"
        )
    if shutil.disk_usage(phone.path("/data")).free < size:
        return NO_ROOM
    return ""


def _place(package: Package, file: Path, phone: Phone) -> None:
    phone.kill(package.name)
    path = f"/data/app/~~rig==/{package.name}-1/base.apk"
    phone.path(path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, phone.path(path))
    phone.path(f"/data/data/{package.name}/files").mkdir(parents=True, exist_ok=True)
    entry = {
        "path": path,
        "version": package.version,
        "signer": package.signer,
        "debuggable": package.debuggable,
        "runners": package.runners,
    }
    phone.change("packages", phone.packages() | {package.name: entry})


def am(words: list[str], phone: Phone, out: Out) -> int:
    """am instrument … · am force-stop NAME"""
    match words:
        case ["force-stop", name]:
            phone.kill(name)
            return 0
        case ["instrument", *rest]:
            return instrument(rest, phone, out)
    out.error(f"Error: unknown command '{' '.join(words)}'")
    return 255


def cmd(words: list[str], phone: Phone, out: Out) -> int:
    """cmd power set-fixed-performance-mode-enabled true|false"""
    match words:
        case ["power", "set-fixed-performance-mode-enabled", value]:
            if phone.faults().get("no_fixed_performance"):
                out.error("Fixed performance mode is not supported")
                return 255
            phone.change("fixed_performance", value == "true")
            return 0
    out.error(f"cmd: Can't find service: {words[0] if words else ''}")
    return 20


def run_as(words: list[str], phone: Phone, out: Out) -> int | None:
    """run-as NAME COMMAND…: the command really runs, in the app's data folder."""
    package = phone.packages().get(words[0])
    if not package:
        out.error(f"run-as: unknown package: {words[0]}")
        return 1
    if not package["debuggable"] and not phone.faults().get("debuggable"):
        out.error(f"run-as: package not debuggable: {words[0]}")
        return 1
    out.send(b"r", "\0".join([f"/data/data/{words[0]}", *words[1:]]).encode())
    return None


def tar(words: list[str], phone: Phone, out: Out) -> int | None:
    """tar …: Debian's, unless a fault sends something else."""
    if tampered := phone.faults().get("tar_bytes"):
        out.send(b"o", (phone.folder / tampered).read_bytes())
        return 0
    out.send(b"r", "\0".join(["/", "/usr/bin/tar", *words]).encode())
    return None


def settings(words: list[str], phone: Phone, out: Out) -> int:
    """settings get|put NAMESPACE KEY [VALUE]"""
    kept = phone.state().get("settings", {})
    match words:
        case ["get", space, key]:
            out.line(kept.get(f"{space} {key}", "null"))
        case ["put", space, key, value]:
            phone.change("settings", kept | {f"{space} {key}": value})
        case ["delete", space, key]:
            phone.change("settings", {name: value for name, value in kept.items() if name != f"{space} {key}"})
            out.line("Deleted 1 rows")
        case _:
            return 255
    return 0


def logcat(words: list[str], phone: Phone, out: Out) -> int:
    """logcat -d … -T TIME: all since then."""
    since = words[words.index("-T") + 1] if "-T" in words else ""
    out.line("--------- beginning of main")
    with contextlib.suppress(FileNotFoundError):
        for line in (phone.folder / "logcat.txt").read_text("utf-8").splitlines():
            if line[: len(since)] >= since:
                out.line(line)
    return 0


def key_event(words: list[str], phone: Phone, out: Out) -> int:
    """input keyevent …"""
    phone.change("screen_on", True)
    return 0


def dumpsys(words: list[str], phone: Phone, out: Out) -> int:
    """dumpsys battery · dumpsys thermalservice · dumpsys SurfaceFlinger"""
    state = phone.state()
    match words:
        case ["battery"]:
            out.line("Current Battery Service state:")
            for name, value in ({"AC powered": "true", "level": 100, "scale": 100} | state.get("battery", {})).items():
                out.line(f"  {name}: {value}")
        case ["thermalservice"]:
            out.line("IsStatusOverride: false")
            out.line(f"Thermal Status: {state.get('thermal', 0)}")
        case ["SurfaceFlinger"]:
            out.line(f"GLES: {state.get('gles', 'Google (Google Inc.), Google SwiftShader, OpenGL ES 3.1')}")
        case _:
            out.line(f"Can't find service: {' '.join(words)}")
    return 0


STANDINS: dict[str, Callable[[list[str], Phone, Out], int | None]] = {
    "am": am,
    "cmd": cmd,
    "dumpsys": dumpsys,
    "getprop": getprop,
    "input": key_event,
    "logcat": logcat,
    "pm": pm,
    "run-as": run_as,
    "settings": settings,
    "tar": tar,
}
