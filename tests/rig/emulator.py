"""Stands in for the SDK's `emulator`: the same flags, files and console port; its boot is the rig's adbd appearing.

It reads the AVD that it is told to boot, and refuses what the real one refuses. `boot.json` beside it decides what
goes wrong: `dies` (its last words), `never` (Android does not finish booting), `once` (only the first boot does),
`deaf` (it does not stop when asked).
"""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rig import device

BOOT_S = 0.5
SWITCHES = ("-no-window", "-no-audio", "-no-boot-anim", "-no-snapshot-load", "-no-snapshot-save", "-wipe-data")
OPTIONS = ("-avd", "-port", "-gpu", "-camera-back", "-camera-front")


def install(sdk: Path, abi: str, api: int = 34) -> Path:
    """An SDK folder whose emulator is this one; returns the emulator's folder, for boot.json and starts.log."""
    folder = sdk / "emulator"
    image = sdk / f"system-images/android-{api}/aosp_atd/{abi}"
    for path in (folder, image, sdk / "platform-tools"):
        path.mkdir(parents=True, exist_ok=True)
        (path / "source.properties").write_text("Pkg.Desc=stands in\n", "utf-8")
    program = folder / "emulator"
    python_path = f"{device.TESTS}{os.pathsep}{device.REPO / 'python'}"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{python_path}" exec "{sys.executable}" -m rig.emulator "{folder}" "$@"\n', "utf-8"
    )
    program.chmod(0o755)
    return folder


def read_ini(path: Path) -> dict[str, str]:
    """The keys and values of an AVD's file."""
    lines = path.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def parse(words: list[str]) -> tuple[dict[str, str], set[str]]:
    """Options with values, and switches; ends as the real one does at a flag that it does not know."""
    options, switches, rest = {}, set(), list(words)
    while rest:
        word = rest.pop(0)
        if word in OPTIONS and rest:
            options[word] = rest.pop(0)
        elif word in SWITCHES:
            switches.add(word)
        else:
            print(f"unknown option: {word}\nplease use -help for a list of valid options", flush=True)
            sys.exit(1)
    return options, switches


def find_avd(name: str) -> Path:
    """The folder of an AVD whose system image is there; the real one's words where not."""
    home = Path(os.environ["ANDROID_AVD_HOME"])
    pointer = home / f"{name}.ini"
    if not pointer.is_file():
        print(f"PANIC: Unknown AVD name [{name}], use -list-avds to see valid list.", flush=True)
        sys.exit(1)
    folder = Path(read_ini(pointer)["path"])
    config = read_ini(folder / "config.ini")
    image = Path(os.environ["ANDROID_SDK_ROOT"]) / config["image.sysdir.1"]
    if not image.is_dir() or config["abi.type"] != image.name:
        print("PANIC: Broken AVD system path. Check your ANDROID_SDK_ROOT value", flush=True)
        sys.exit(1)
    return folder


def announce(port: int) -> None:
    """Tell adb's server, where there is one, of a new emulator; as the real one does."""
    server = ("127.0.0.1", int(os.environ.get("ANDROID_ADB_SERVER_PORT", "5037")))
    with contextlib.suppress(OSError), socket.create_connection(server, timeout=5) as adb:
        words = f"host:emulator:{port}"
        adb.sendall(f"{len(words):04x}{words}".encode())


def serve_console(port: int, killed: Callable[[], None]) -> None:
    """The console: it understands `kill`."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        while True:
            client, _ = server.accept()
            with client:
                client.sendall(b"Android Console\r\nOK\r\n")
                said = b""
                while not said.endswith(b"quit\n") and (more := client.recv(1 << 12)):
                    said += more
                if b"kill" in said.split():
                    killed()


def main(words: list[str]) -> int:
    """Boot, and run until killed."""
    here = Path(words[0])
    with (here / "starts.log").open("a", encoding="utf-8") as stream:
        stream.write(" ".join(words[1:]) + "\n")
    starts = len((here / "starts.log").read_text("utf-8").splitlines())
    plan = json.loads((here / "boot.json").read_text("utf-8")) if (here / "boot.json").exists() else {}
    bad = starts == 1 or not plan.get("once")
    options, switches = parse(words[1:])
    avd, port = find_avd(options["-avd"]), int(options["-port"])
    if bad and plan.get("dies"):
        print(plan["dies"], flush=True)
        return 1
    killed = threading.Event()
    hear = (lambda: None) if plan.get("deaf") else killed.set
    signal.signal(signal.SIGTERM, lambda number, frame: hear())
    threading.Thread(target=serve_console, args=(port, hear), daemon=True).start()
    folder = avd / "device"
    phone = device.start(folder, port + 1, device.PROPERTIES | {"sys.boot_completed": ""}, foreground=True)
    try:
        announce(port + 1)
        print("INFO    | Boot started", flush=True)
        time.sleep(BOOT_S)
        if not (bad and plan.get("never")):
            phone.write("properties.json", device.PROPERTIES)
            print("INFO    | Boot completed", flush=True)
        while not killed.wait(0.2):
            if phone.process.poll() is not None:
                print("FATAL   | the device ended", flush=True)
                return 1
        if "-no-snapshot-save" not in switches:
            (avd / "snapshots/default_boot").mkdir(parents=True, exist_ok=True)
            print("INFO    | Saved snapshot 'default_boot'", flush=True)
        return 0
    finally:
        phone.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
