"""Android virtual devices: create one, boot it without a window, wait for it, and stop exactly what was started."""

import contextlib
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from adbutils import adb_path
from pydantic import TypeAdapter, ValidationError

from ..contract.errors import EnvironmentMissing, RunError
from ..contract.files import write_atomically
from ..machine import interrupts, shell
from ..machine.cache import cache_folder
from ..project.config import EmulatorOptions
from . import emulator_log
from .adb import Device, DeviceLost, Server
from .sdk import ACCEPT, Sdk, emulator_abi, find_sdk, image_package, lacking, packages

# Where the emulator's console may listen; adb is at the next port, and both name the device: emulator-5554. There
# are more such ports, but these are where an adb server looks that was started later.
PORTS = range(5554, 5586, 2)
KVM = Path("/dev/kvm")
KVM_FOR_ALL = (
    """echo 'KERNEL=="kvm", GROUP="kvm", MODE="0666", OPTIONS+="static_node=kvm"' | """
    "sudo tee /etc/udev/rules.d/99-kvm4all.rules && sudo udevadm control --reload-rules && "
    "sudo udevadm trigger --name-match=kvm"
)
POLL_S = 1.0
ASK_DEADLINE_S = 10.0
# Saving the snapshot of a first boot writes gigabytes.
SAVE_DEADLINE_S = 60.0
BOOTS = 2
HEADLESS = ["-no-window", "-no-audio", "-no-boot-anim", "-camera-back", "none", "-camera-front", "none"]
FLAGS = [*HEADLESS, "-gpu", "swiftshader_indirect"]
# A device of its own, not a copy of a phone's: masks need no sensors, and a small screen is quickly drawn in software.
CONFIG = {
    "avd.ini.encoding": "UTF-8",
    "PlayStore.enabled": "no",
    "disk.dataPartition.size": "2G",
    "fastboot.forceColdBoot": "no",
    "hw.audioInput": "no",
    "hw.battery": "yes",
    "hw.camera.back": "none",
    "hw.camera.front": "none",
    "hw.cpu.ncore": "2",
    "hw.gpu.enabled": "yes",
    "hw.gpu.mode": "swiftshader_indirect",
    "hw.keyboard": "yes",
    "hw.lcd.density": "160",
    "hw.lcd.height": "640",
    "hw.lcd.width": "320",
    "hw.ramSize": "2048",
    "hw.sdCard": "no",
    "tag.display": "AOSP ATD",
    "tag.id": "aosp_atd",
    "vm.heapSize": "256",
}


@dataclass(frozen=True)
class Clock:
    """Time, which tests replace."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Emulator:
    """An emulator that we started. `kept` ones stay until `down`; `retried` says why it took a second boot.

    `owner` is the program that stops one which is not kept.
    """

    serial: str
    avd: str
    process: shell.Background
    log: Path
    kept: bool
    retried: str = ""
    owner: shell.Background | None = None

    @property
    def orphaned(self) -> bool:
        """Whether nobody is left to stop it."""
        return not self.kept and self.owner is not None and not shell.running(self.owner)


STATE = TypeAdapter(Emulator)  # of an emulator's file, by which a later run knows what this one left


@dataclass(frozen=True)
class Listed:
    """A running emulator, whoever started it; `emulator` is None for one that is not ours."""

    serial: str
    state: str
    emulator: Emulator | None


def up(
    settings: EmulatorOptions, server: Server, on_step: Callable[[str, int, int], None], clock: Clock = Clock()
) -> tuple[Emulator, bool]:
    """Boot an emulator that stays, or return the one that an earlier `up` left; and whether it is a new one.

    Raises EnvironmentMissing where this machine cannot have one, RunError where it does not boot.
    """
    for emulator in ours():
        if emulator.kept:
            return emulator, False
    return boot(settings, server, on_step, kept=True, clock=clock), True


def down(server: Server) -> list[Emulator]:
    """Stop the emulators that we started, and return them; others are left alone."""
    stopped = ours()
    for emulator in stopped:
        stop(emulator, server)
    return stopped


@contextlib.contextmanager
def ensure(
    settings: EmulatorOptions, logs: Path, on_step: Callable[[str, int, int], None], clock: Clock = Clock()
) -> Iterator[Emulator | None]:
    """A device for as long as the block runs: an attached one (None), else, where `settings.start`, a new emulator.

    What was booted stops on every way out; what was there stays. Raises as `up`.
    """
    if not settings.start:
        yield None
        return
    with Server(logs) as server:
        for emulator in ours():
            if emulator.orphaned:  # its check was killed
                stop(emulator, server)
        if "device" in server.states().values():
            yield None
            return
        with interrupts.held():
            emulator = boot(settings, server, on_step, kept=False, clock=clock)
            try:
                with interrupts.let_through():
                    yield emulator
            finally:
                stop(emulator, server)


def running(server: Server) -> list[Listed]:
    """All emulators that adb sees and all that we started, by serial."""
    mine = {emulator.serial: emulator for emulator in ours()}
    states = {serial: state for serial, state in server.states().items() if serial.startswith("emulator-")}
    return [Listed(each, states.get(each, "starting"), mine.get(each)) for each in sorted({*mine, *states})]


def ours() -> list[Emulator]:
    """The emulators that we started and that still run; what is left of others is tidied up."""
    found = []
    for path in sorted(state_folder().glob("emulator-*.json")):
        emulator = _load(path)
        if emulator and shell.running(emulator.process):
            found.append(emulator)
        else:
            path.unlink(missing_ok=True)
    return found


def boot(
    settings: EmulatorOptions,
    server: Server,
    on_step: Callable[[str, int, int], None],
    *,
    kept: bool,
    clock: Clock = Clock(),
) -> Emulator:
    """Start an emulator and wait until Android has booted; a boot that fails is tried once more, from nothing.

    Raises as `up`; what was started is stopped then, and on Ctrl-C.
    """
    sdk = check_machine(settings)
    avd = create(sdk, settings.api, emulator_abi())
    retried = ""
    for attempt in range(BOOTS):
        what = f"emulator boots{' again' if attempt else ''}"
        on_step(what, 0, 1)
        with interrupts.held():
            emulator = _start(sdk, avd, kept, cold=attempt > 0)
            try:
                with interrupts.let_through():
                    _wait_for_boot(emulator, server, settings.boot_deadline_s, clock)
                    _calm(emulator, server)
                    on_step(what, 1, 1)
                return replace(emulator, retried=retried)
            except RunError as error:
                _end(emulator)
                if attempt + 1 == BOOTS:
                    raise RunError(f"{error.what} ({BOOTS} boots tried)", fix=error.fix) from error
                retried = error.what
            except BaseException:
                _end(emulator)
                raise
    raise AssertionError("unreachable")


def stop(emulator: Emulator, server: Server, clock: Clock = Clock()) -> None:
    """Stop an emulator that we started: by its console, so that it can save its snapshot, else by force."""
    with contextlib.suppress(RunError):  # what its console cannot stop is ended below
        # `emu` goes to the emulator's console and not to an adb server.
        argv = [adb_path(), "-s", emulator.serial, "emu", "kill"]
        done = shell.run(argv, log=emulator.log.with_suffix(".stop.log"), deadline_s=ASK_DEADLINE_S)
        if done.code == 0:
            _until(lambda: not shell.running(emulator.process), SAVE_DEADLINE_S, clock)
    _end(emulator)
    with contextlib.suppress(RunError):  # adb needs a moment to see it; until then it would be listed as another's
        _until(lambda: emulator.serial not in server.states(), ASK_DEADLINE_S, clock)


def _until(so: Callable[[], bool], deadline_s: float, clock: Clock) -> None:
    """Wait until it is so, or the time is up."""
    end = clock.now() + deadline_s
    while not so() and clock.now() < end:
        clock.sleep(0.1)


def check_machine(settings: EmulatorOptions) -> Sdk:
    """The SDK with all that an emulator needs, on a machine that can run one. Raises EnvironmentMissing."""
    sdk = find_sdk()
    if missing := lacking(sdk, packages(settings.api, emulator_abi())):
        raise EnvironmentMissing(f"the Android SDK in {sdk.folder} lacks {', '.join(missing)}", fix=ACCEPT)
    check_acceleration()
    return sdk


def check_acceleration() -> None:
    """Raise EnvironmentMissing where Linux gives the emulator no hardware virtualisation, with the command that does.

    Without it Android needs many minutes to boot, and CI only looks as if it hung.
    """
    if sys.platform != "linux":
        return
    if not KVM.exists():
        raise EnvironmentMissing(
            f"the emulator needs hardware virtualisation and {KVM} is not there",
            fix="sudo modprobe kvm_intel (or kvm_amd); in a container: --device /dev/kvm; or turn on VT-x or AMD-V in "
            "the firmware. Without any of it: --target android-jvm",
        )
    if not os.access(KVM, os.R_OK | os.W_OK):
        raise EnvironmentMissing(f"the emulator needs hardware virtualisation and {KVM} is closed to you", KVM_FOR_ALL)


def create(sdk: Sdk, api: int, abi: str) -> str:
    """Write the virtual device's two files where they are not as they should be; its name.

    They are what avdmanager writes; its Java is not needed for that. A device whose settings changed starts anew.
    """
    name = f"goldmask-{api}-{abi}"
    folder = _avd_home() / f"{name}.avd"
    image = Path(*image_package(api, abi).split(";"))
    settings = CONFIG | {
        "AvdId": name,
        "abi.type": abi,
        "avd.ini.displayname": name,
        "hw.cpu.arch": "arm64" if abi == "arm64-v8a" else abi,
        "image.sysdir.1": f"{image.as_posix()}/",
    }
    config = "".join(f"{key}={value}\n" for key, value in sorted(settings.items())).encode()
    # The emulator adds keys of its own to config.ini, so what was asked is kept beside it.
    asked = folder / "goldmask.ini"
    if not asked.is_file() or asked.read_bytes() != config:
        if folder.is_dir():
            shutil.rmtree(folder)
        write_atomically(folder / "config.ini", config)
        write_atomically(asked, config)
    # Written anew each time: a cache that moved, from one CI machine to the next say, has another path.
    pointer = f"avd.ini.encoding=UTF-8\npath={folder}\npath.rel=avd/{folder.name}\ntarget=android-{api}\n"
    write_atomically(folder.with_suffix(".ini"), pointer.encode())
    return name


def _start(sdk: Sdk, avd: str, kept: bool, cold: bool) -> Emulator:
    """Start the emulator's process, and say so in a file before anything can go wrong."""
    port = _free_port()
    serial = f"emulator-{port}"
    log = state_folder() / f"{serial}.log"
    snapshot = (_avd_home() / f"{avd}.avd/snapshots/default_boot").is_dir()
    # The first boot's end leaves a snapshot; later ones start from it and leave it as it is. A boot that failed may
    # have left half a device: the next one begins from nothing.
    snapshots = ["-no-snapshot-load", "-wipe-data"] if cold else ["-no-snapshot-save"] if snapshot else []
    env = {"ANDROID_HOME": str(sdk.folder), "ANDROID_SDK_ROOT": str(sdk.folder), "ANDROID_AVD_HOME": str(_avd_home())}
    argv: list[str | Path] = [sdk.emulator, "-avd", avd, "-port", str(port), *FLAGS, *snapshots]
    emulator = Emulator(serial, avd, shell.start(argv, log=log, env=env), log, kept, owner=shell.this_process())
    try:
        _save(emulator)
    except BaseException:
        _end(emulator)
        raise
    return emulator


def _wait_for_boot(emulator: Emulator, server: Server, deadline_s: float, clock: Clock) -> None:
    """Until Android says that it has booted. Raises RunError when the emulator ends, or when time is up."""
    end = clock.now() + deadline_s
    while True:
        ended = not shell.running(emulator.process)  # before its log is read, which is whole then
        if ended:
            why = emulator_log.error(emulator.log.read_text("utf-8", "replace"))
            what = f"the emulator ended before Android had booted: {why.what}"
            raise type(why)(what, f"{why.fix}; {_see(emulator)}" if why.fix else _see(emulator))
        seen = _boot_state(Device(server, emulator.serial))
        if not seen:
            return
        if clock.now() >= end:
            answer = emulator_log.complaint(emulator.log.read_text("utf-8", "replace"))
            missing = f"{seen}; the emulator complains: {answer}" if answer else seen
            raise RunError(
                f"Android did not boot within {deadline_s:g} s: {missing}; the emulator's log is {emulator.log}",
                fix=f"{_see(emulator)}, or more boot_deadline_s in goldmask.toml",
            )
        clock.sleep(POLL_S)


def _boot_state(device: Device) -> str:
    """What is still missing for a booted Android; empty once it has booted."""
    try:
        device.server.ensure()
        state = device.server.states().get(device.serial, "")
        if state != "device":
            return f"adb sees {device.serial} as {state}" if state else f"adb does not see {device.serial}"
        answer = device.shell(["getprop", "sys.boot_completed"], deadline_s=ASK_DEADLINE_S)
        return "" if answer.text.strip() == "1" else "sys.boot_completed is not 1"
    except DeviceLost as error:  # a device that comes up drops connections
        return error.what


def _calm(emulator: Emulator, server: Server) -> None:
    """Animations off: they cost a software renderer time, and tests nothing. Raises RunError."""
    for name in ("window_animation_scale", "transition_animation_scale", "animator_duration_scale"):
        device = Device(server, emulator.serial)
        device.checked(["settings", "put", "global", name, "0"], deadline_s=ASK_DEADLINE_S)


def _see(emulator: Emulator) -> str:
    return f"cat {emulator.log}"


def _free_port() -> int:
    """An even port that is free, and so is the next. Raises RunError where none is."""
    taken = {emulator.serial for emulator in ours()}
    for port in PORTS:
        if f"emulator-{port}" not in taken and all(_is_free(each) for each in (port, port + 1)):
            return port
    raise RunError(f"no port from {PORTS.start} to {PORTS.stop} is free", fix="./goldmask android.emulator.down")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _end(emulator: Emulator) -> None:
    shell.end(emulator.process)
    (state_folder() / f"{emulator.serial}.json").unlink(missing_ok=True)


def _avd_home() -> Path:
    return cache_folder() / "avd"


def state_folder() -> Path:
    """Where the emulators that we started are written down, and what they say."""
    return cache_folder() / "emulators"


def _save(emulator: Emulator) -> None:
    write_atomically(state_folder() / f"{emulator.serial}.json", STATE.dump_json(emulator, indent=2) + b"\n")


def _load(path: Path) -> Emulator | None:
    with contextlib.suppress(OSError, ValidationError):
        return STATE.validate_json(path.read_bytes())
    return None
