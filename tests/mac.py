"""What the iOS tests share: a Mac made of stand-ins (tests/rig/xcode), and a project with an iOS app for it."""

import importlib.util
import json
import os
import shutil
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from conftest import REPO, Project, Ran
from processes import wait_until

from goldmask.contract.files import sha256_of
from goldmask.contract.mask import encode_mask, read_mask
from goldmask.machine import shell

RIG = REPO / "tests/rig/xcode"
TRANSCRIPTS = REPO / "tests/transcripts"
IPHONE_15, IPHONE_16, IPAD = (f"00000000-0000-4000-8000-0000000{end}" for end in ("00175", "00182", "A1175"))


@dataclass(frozen=True)
class Mac:
    """A Mac's state in `folder`, and the environment in which the program finds its tools."""

    folder: Path
    environment: dict[str, str]

    @property
    def state(self) -> dict:
        """What machine.py keeps."""
        return json.loads((self.folder / "state.json").read_text("utf-8"))

    def fault(self, name: str) -> None:
        """From now on, `name` goes wrong."""
        (self.folder / "fault").write_text(name, "utf-8")

    def device(self, udid: str) -> dict:
        """A simulator as simctl lists it."""
        return next(
            each for devices in self.state["listing"]["devices"].values() for each in devices if each["udid"] == udid
        )

    @property
    def up(self) -> list[str]:
        """The simulators that are not down."""
        every = [each for devices in self.state["listing"]["devices"].values() for each in devices]
        return [each["udid"] for each in every if each["state"] != "Shutdown"]

    def boot(self, udid: str) -> None:
        """Boot a simulator, as somebody else who uses this Mac."""
        for verb in ("boot", "bootstatus"):
            argv = [RIG / "bin/xcrun", "simctl", verb, udid]
            done = shell.run(argv, log=self.folder / "boot.log", deadline_s=60, env=self.environment)
            assert done.code == 0, done.log_tail()

    def calls(self, start: str) -> list[str]:
        """The calls of Apple's tools that begin with `start`."""
        return [call for call in self.state["calls"] if call.startswith(start)]

    def idle(self) -> bool:
        """Whether nothing is up, nothing runs, and no run's files are left in a container."""
        left = list(self.folder.glob("devices/*/data/Containers/Data/Application/*/Documents/goldmask/*"))
        return not self.up and not self.state["running"] and not left


def make_mac(folder: Path, answers: Path, app: list[str | Path] | None = None) -> Mac:
    """A Mac in `folder`, whose apps answer with the bundle `answers`, or are `app`."""
    environment = {
        "GOLDMASK_RIG_MAC": str(folder),
        "GOLDMASK_CACHE": str(folder / "cache"),
        "GOLDMASK_RIG_APP": json.dumps([str(word) for word in app or (sys.executable, RIG / "answer.py")]),
        "GOLDMASK_RIG_ANSWERS": str(answers),
        # The interpreter itself: a version manager's python3 is a shell script, and the stand-ins start often.
        "PATH": os.pathsep.join((str(RIG / "bin"), str(folder / "bin"), os.environ["PATH"])),
    }
    spec = importlib.util.spec_from_file_location("machine", RIG / "machine.py")
    machine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(machine)
    machine.make(folder)
    (folder / "bin").mkdir()
    (folder / "bin/python3").symlink_to(Path(sys.executable).resolve())
    return Mac(folder, environment)


def add_app(project: Project) -> None:
    """An iOS app in a project, and the target in its suite."""
    app = project.folder / "ios"
    (app / "GoldmaskApp.xcodeproj").mkdir(parents=True)
    (app / "GoldmaskApp.xcodeproj/project.pbxproj").write_text("// !$*UTF8*$!\n", "utf-8")
    (app / "Podfile").write_text("platform :ios, '15.0'\n", "utf-8")
    (app / "App").mkdir()
    (app / "App/App.swift").write_text("import SwiftUI\n", "utf-8")
    config = project.folder / "goldmask.toml"
    config.write_text(
        f'{config.read_text("utf-8")}[ios]\nfolder = "ios"\nlib_interpreter = "GoldenTests/InterpreterGoldenTests"\n',
        "utf-8",
    )


def interrupt(project: Project, mac: Mac, *words: str | Path, deadline_s: float = 90) -> Ran:
    """The real program, sent SIGINT once one of Apple's tools hangs."""
    # It says its number before it becomes the program; the shell of this project tells nobody.
    start = "import os, sys; print(os.getpid(), flush=True); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    lines: list[str] = []

    def wait_and_interrupt(pid: int) -> None:
        try:
            wait_until(lambda: mac.state["hangs"], "nothing hangs", deadline_s)
        finally:
            os.kill(pid, signal.SIGINT)

    def tell(line: str) -> None:
        if not lines:
            threading.Thread(target=wait_and_interrupt, args=(int(line),), daemon=True).start()
        lines.append(line)

    done = shell.run(
        [sys.executable, "-c", start, REPO / "tasks.py", *words],
        log=mac.folder / "interrupted.log",
        deadline_s=2 * deadline_s,
        cwd=project.folder,
        env={"CI": "", **mac.environment},
        on_line=tell,
    )
    stderr = done.log.read_text("utf-8", "replace")
    assert "Traceback" not in stderr, stderr
    return Ran(done.code, done.stdout, stderr)


def wrong_mask(answers: Path, folder: Path) -> dict[str, str]:
    """A folder like `answers` with a mask of zeros as wrong.png, and the environment that makes the app draw it."""
    shutil.copytree(answers, folder)
    some = read_mask(next((answers / "masks").glob("*.png")))
    (folder / "wrong.png").write_bytes(encode_mask(np.zeros_like(some)))
    return {
        "GOLDMASK_RIG_ANSWERS": str(folder),
        "GOLDMASK_RIG_WRONG_SHA256": sha256_of(folder / "wrong.png"),
    }
