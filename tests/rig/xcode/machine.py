"""The state that Apple's tools keep on a Mac, in a folder: simulators, phones, containers, installed and running apps.

The stand-ins in bin/ read and change it, each call under a lock, as CoreSimulator's service does for the real ones.
Only the standard library: they start with whatever python3 there is.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
import uuid
from pathlib import Path

TRANSCRIPTS = Path(__file__).resolve().parents[2] / "transcripts"
FOLDER = Path(os.environ.get("GOLDMASK_RIG_MAC", "no-mac"))
# What is to go wrong, by its name; a file, so that a test can change its mind between two calls.
FAULT = FOLDER / "fault"


def make(folder):
    """A Mac with Xcode 16, the simulators and the phones of the transcripts, all of them down."""
    folder.mkdir(parents=True)
    listing = json.loads((TRANSCRIPTS / "simctl/list.json").read_text("utf-8"))
    for devices in listing["devices"].values():
        for device in devices:
            device["dataPath"] = str(folder / "devices" / device["udid"] / "data")
    write(folder, {"listing": listing, "apps": {}, "containers": {}, "running": {}, "calls": [], "hangs": False})


def write(folder, state):
    """Keep a state."""
    beside = folder / "state.json.new"
    beside.write_text(json.dumps(state, indent=1), "utf-8")
    beside.replace(folder / "state.json")


@contextlib.contextmanager
def state():
    """The state, to be read and changed; written back at the end."""
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = json.loads((FOLDER / "state.json").read_text("utf-8"))
        yield known
        write(FOLDER, known)


def fault():
    """The name of what is to go wrong, or nothing."""
    return FAULT.read_text("utf-8").strip() if FAULT.is_file() else ""


def note(*words):
    """Remember a call, for tests to count."""
    with state() as known:
        known["calls"].append(" ".join(words))


def device_of(known, udid):
    """A simulator's entry."""
    for devices in known["listing"]["devices"].values():
        for device in devices:
            if device["udid"] == udid:
                return device
    fail(f"Invalid device: {udid}", 148)


def phones():
    """devicectl's list; with the fault `ghost`, an entry without hardware is among the phones."""
    listing = json.loads((TRANSCRIPTS / "devicectl/list.json").read_text("utf-8"))
    if fault() == "ghost":
        ghosts = json.loads((TRANSCRIPTS / "devicectl/ghost.json").read_text("utf-8"))
        listing["result"]["devices"].insert(0, ghosts["result"]["devices"][0])
    return listing


def udid_of(entry):
    """The UDID of an entry of devicectl's list; a ghost has none."""
    return entry["hardwareProperties"].get("udid")


def fail(text, code):
    """End as Apple's tools do."""
    print(text, file=sys.stderr)
    sys.exit(code)


def transcript(name):
    """What xcodebuild printed, as a transcript has it."""
    return (TRANSCRIPTS / "xcodebuild" / name).read_text("utf-8")


def hang():
    """Do nothing for much longer than any deadline of a test, which can see that it has begun."""
    sys.stdout.flush()
    with state() as known:
        known["hangs"] = True
    time.sleep(3600)


def install(known, device, bundle_id, app):
    """Put an app on a device; the data moves to a container of a new name, as it does on a simulator."""
    key = f"{device} {bundle_id}"
    new = FOLDER / "devices" / device / "data/Containers/Data/Application" / str(uuid.uuid4()).upper()
    old = known["containers"].get(key)
    if old:
        new.parent.mkdir(parents=True, exist_ok=True)
        Path(old).rename(new)
    else:
        (new / "Documents").mkdir(parents=True)
    known["containers"][key] = str(new)
    known["apps"][key] = str(app)
    return new


def end(known, key):
    """End the app `key`, if it runs; whether it did."""
    pid = known["running"].pop(key, None)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return True


def copy(source, target):
    """Copy a file or a folder into an existing or new place."""
    source = Path(source)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
    else:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
