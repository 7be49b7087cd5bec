"""Starts and stops Linux devices from outside; `python -m rig.device FOLDER PORT` is one in the foreground."""

# ruff: noqa: S603, S607 (the rig is no product code: it starts what a device would)
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from processes import wait_until

TESTS = Path(__file__).resolve().parents[1]
REPO = TESTS.parent
STOP_DEADLINE_S = 10
# What the device says of itself; a test that needs another device says so in `properties`.
PROPERTIES = {
    "ro.product.manufacturer": "Debian",
    "ro.product.model": "goldmask rig",
    "ro.product.name": "rig",
    "ro.soc.manufacturer": "none",
    "ro.soc.model": "none",
    "ro.hardware": "ranchu",
    "ro.kernel.qemu": "1",
    "ro.debuggable": "1",
    "ro.build.version.release": "14",
    "ro.build.version.sdk": "34",
    "ro.build.fingerprint": "goldmask/rig/rig:14/0/0:userdebug/test-keys",
    "ro.product.cpu.abi": "x86_64",
    "ro.product.cpu.abilist": "x86_64",
    "sys.boot_completed": "1",
}


def root_folder() -> Path:
    """Where make_root.sh put the root."""
    return Path(os.environ.get("GOLDMASK_RIG_ROOT") or REPO / "build/rig/root")


def missing() -> str:
    """Why no device can be started here, with the command that helps; empty where one can."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        return "the rig needs root on Linux (its devices have namespaces of their own). try: sudo -E ./goldmask test"
    probe = ["unshare", "--mount", "--pid", "--net", "--fork", "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        return "this machine lets not even root make namespaces. try: a container with --privileged"
    if not (root_folder() / ".goldmask-rig").is_file():
        return f"the rig's root {root_folder()} is not there. try: sudo tests/rig/make_root.sh"
    return ""


def free_port() -> int:
    """A port of the loopback that nobody has at the moment; never one that adb servers look for emulators at."""
    # Below those that Linux hands out by itself: an unplugged device's port must not become some client's.
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(frozen=True)
class Device:
    """A running device, reached at 127.0.0.1:`port`. Its folder holds its state as files that tests read and write."""

    folder: Path
    port: int
    process: subprocess.Popen

    @property
    def serial(self) -> str:
        """What adb calls it after `adb connect`."""
        return f"127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """/data of the device, unless it is a small one of its own (`data_mb`)."""
        return self.folder / "data"

    def read(self, name: str) -> dict:
        """state.json, faults.json or properties.json."""
        return json.loads((self.folder / name).read_text("utf-8"))

    def write(self, name: str, value: dict) -> None:
        """Replace state.json, faults.json or properties.json, as a whole."""
        write_json(self.folder / name, value)

    def faults(self, **faults: object) -> None:
        """What shall go wrong from now on (README.md has the list); no words: nothing."""
        self.write("faults.json", faults | {"since": time.monotonic_ns()})

    def commands(self) -> list[str]:
        """Every command that a stand-in was asked, oldest first, and every trigger that fired."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "commands.log").read_text("utf-8").splitlines()
        return []

    def running(self) -> list[str]:
        """The packages that have a process."""
        with contextlib.suppress(FileNotFoundError):
            return self.read("processes.json")["running"]
        return []

    def wait_for(self, words: str, deadline_s: float = 60) -> None:
        """Wait until a command with these words was asked."""
        wait_until(lambda: any(words in line for line in self.commands()), f"no command with {words!r}", deadline_s)

    def forget(self) -> None:
        """Nothing wrong, changed or heard; files and apps stay."""
        for name in ("commands.log", "logcat.txt"):
            (self.folder / name).unlink(missing_ok=True)
        self.write("state.json", {"packages": self.read("state.json").get("packages", {})})
        self.faults()

    def erase(self) -> None:
        """No app and no pushed file."""
        self.write("state.json", {})
        shutil.rmtree(self.data / "local/tmp/goldmask", ignore_errors=True)

    def stop(self) -> None:
        """End it and all that runs on it; its mounts go with its namespaces."""
        first: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            first = psutil.Process(self.process.pid).children()
        # unshare ends with it the first process of the namespace, and the kernel all others; that takes a moment.
        self.process.kill()
        self.process.wait()
        psutil.wait_procs(first, timeout=STOP_DEADLINE_S)


def write_json(path: Path, value: dict) -> None:
    """Write beside, then rename: the device reads these files at any moment."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    beside.write_text(json.dumps(value, indent=2), "utf-8")
    beside.replace(path)


def start(
    folder: Path,
    port: int = 0,
    properties: dict[str, str] | None = None,
    data_mb: int = 0,
    foreground: bool = False,
) -> Device:
    """A device whose adbd answers at 127.0.0.1:`port`, within seconds; `folder` is made, and keeps what was there.

    `properties` add to PROPERTIES; `data_mb` gives it a /data of that size that is gone with it. Raises
    TimeoutError with its log where it does not start.
    """
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in (("properties.json", PROPERTIES | (properties or {})), ("faults.json", {}), ("state.json", {})):
        if properties or not (folder / name).exists():
            write_json(folder / name, value)
    (folder / "ready").unlink(missing_ok=True)
    words = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    with (folder / "device.log").open("ab") as log:
        process = subprocess.Popen(
            ["unshare", *words, sys.executable, "-m", "rig.machine", folder, str(port), str(data_mb)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=os.environ | {"PYTHONPATH": os.pathsep.join((str(TESTS), str(REPO / "python")))},
            # Ctrl-C of a test's terminal is for the program under test.
            start_new_session=not foreground,
        )
    device = Device(folder, port, process)
    try:
        wait_until(lambda: (folder / "ready").exists() or process.poll() is not None, "no adbd")
        if process.poll() is not None:
            raise TimeoutError("the device ended at once")
    except BaseException as error:
        device.stop()
        error.add_note((folder / "device.log").read_text("utf-8", "replace")[-2000:])
        raise
    return device


@contextlib.contextmanager
def started(folder: Path, **options: object) -> Iterator[Device]:
    """A device for as long as the block runs; options as `start`."""
    device = start(folder, **options)
    try:
        yield device
    finally:
        device.stop()


def main(folder: str, port: str) -> int:
    """Be a device until somebody ends this process."""
    if reason := missing():
        print(reason, file=sys.stderr)
        return 3
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    device = start(Path(folder).resolve(), int(port), foreground=True)
    try:
        print(f"{device.serial} is up", flush=True)
        return device.process.wait()
    finally:
        device.stop()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
