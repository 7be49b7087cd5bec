"""Phones for tests: two devices of the rig, an adb server of the tests' own, and checks of a project on them."""

import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from adbutils import adb_path
from conftest import Project, colours, make_project
from needs import need
from PIL import Image
from processes import wait_until
from rig import device as rig

from goldmask.android import adb
from goldmask.machine import shell
from goldmask.project.config import load_config
from goldmask.report.report import Report
from goldmask.targets import android_device
from goldmask.workflows.check import check
from goldmask.workflows.selection import Selection

APP = "org.goldmask.app.interpreter"
CASES = ("a", "b", "c", "d")


def adb_environment(patch: pytest.MonkeyPatch, port: int) -> None:
    """An adb server at `port`, which finds nobody's devices by itself."""
    patch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
    patch.setenv("ADB_LOCAL_TRANSPORT_MAX_PORT", "5553")  # do not look for emulators of this machine
    patch.setenv("ADB_USB", "0")  # nor at its cables: three seconds where there is no bus
    patch.delenv("ANDROID_SERIAL", raising=False)


@pytest.fixture(scope="session")
def adb_port():
    """The port of one adb server for all tests with phones, which ends with them."""
    port = rig.free_port()
    yield port
    with pytest.MonkeyPatch.context() as patch:
        adb_environment(patch, port)
        kill_server(port)


@pytest.fixture
def server_port(adb_port, monkeypatch) -> int:
    """The port where this test has its adb server."""
    adb_environment(monkeypatch, adb_port)
    return adb_port


def runs(port: int) -> bool:
    """Whether an adb server is at a port of the loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def kill_server(port: int) -> None:
    """`adb kill-server`, where there is one."""
    if runs(port):
        with adb.Server(Path("/nowhere")).open("host:kill"):
            pass
        wait_until(lambda: not runs(port), "the adb server goes on")


@pytest.fixture
def server(server_port, tmp_path):
    """A running adb server that is not the program's to end."""
    if not runs(server_port):
        log = tmp_path / "adb.log"
        done = shell.run([adb_path(), "-P", str(server_port), "start-server"], log=log, deadline_s=60)
        assert done.code == 0, done.log_tail()
    return server_port


@pytest.fixture(scope="session")
def devices(tmp_path_factory):
    """Two devices for all tests; `phone` and `phones` hand them out as new."""
    need("rig", "jdk")
    folder = tmp_path_factory.mktemp("devices")
    with rig.started(folder / "one") as one, rig.started(folder / "two") as two:
        yield one, two


def as_new(device: rig.Device, recorded: Path | None) -> rig.Device:
    """A device with nothing wrong, that answers from a recorded bundle; its apps stay, which saves time."""
    device.forget()
    device.write("properties.json", rig.PROPERTIES)
    for old in device.folder.glob("recorded*"):
        shutil.rmtree(old)
    if recorded:
        shutil.copytree(recorded, device.folder / "recorded")
    return device


@pytest.fixture
def phone(devices, phone_project, server):
    """One device, on which no app runs any more when the test is over."""
    yield as_new(devices[0], phone_project.golden)
    nothing_runs(devices[0])


@pytest.fixture
def phones(devices, phone_project, server):
    """Two devices, on which no app runs any more when the test is over."""
    yield tuple(as_new(device, phone_project.golden) for device in devices)
    nothing_runs(*devices)


def nothing_runs(*devices: rig.Device) -> None:
    """Every way out of a run ends the app, unless the cable was out for good."""
    for device in devices:
        wait_until(lambda device=device: not device.running(), f"{device.running()} still runs", 5)


@pytest.fixture(scope="session")
def phone_template(tmp_path_factory) -> Project:
    """A project with four small cases, recorded once."""
    project = make_project(tmp_path_factory.mktemp("phone-project"))
    for old in project.model.glob("*.png"):
        old.unlink()
    for number, name in enumerate(CASES):
        Image.fromarray(np.roll(colours(), number, axis=1)).save(project.model / f"{name}.png")
    project.declare((project.model / "tiny.tflite").read_bytes())
    ran = project.record()
    assert ran.code == 0, ran.text
    return project


@pytest.fixture
def phone_project(phone_template, tmp_path) -> Project:
    """A recorded project of the test's own, with four cases to share out."""
    shutil.copytree(phone_template.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def run_check(project: Project, *, device: str = "", all_devices: bool = False, named: bool = True) -> Report:
    """`check --target android-device` in this process, where a test can set deadlines."""
    given = {"device": device} if device else {}
    selection = Selection(
        models=("tiny",),
        pipelines=("lib_interpreter",),
        targets=(android_device.NAME,),
        named=frozenset({android_device.NAME} if named else ()),
        given=given | ({"all_devices": True} if all_devices else {}),
    )
    return check(project.folder, load_config(project.folder), selection, project.folder / "out")


def verdicts(report: Report) -> list[str]:
    """PASS, ERROR and so on of a, b, c and d."""
    return [comparison.verdict.value for comparison in sorted(report.comparisons, key=lambda each: each.case)]


def reasons(report: Report) -> str:
    """All that a report says in words."""
    return " | ".join([*(comparison.reason for comparison in report.comparisons), *report.notes])


def times_run(device: rig.Device) -> int:
    """How often the golden test was started on a device."""
    return sum(line.startswith("am instrument") for line in device.commands())


def folder_of_device(project: Project) -> Path:
    """Where the target keeps what one device sent."""
    (folder,) = (project.folder / "out/bundles/android-device/lib_interpreter/tiny/devices").iterdir()
    return folder


def connect(phones: tuple[rig.Device, ...]) -> None:
    """`adb connect` of all, as somebody with two phones has them."""
    server = adb.Server(Path("/nowhere"))
    for phone in phones:
        server.connect(phone.serial)
        wait_until(lambda phone=phone: server.states().get(phone.serial) == "device", "not connected")


def lose(device: rig.Device, when: str, seconds: float, way: str = "to", **faults: object) -> None:
    """Pull the cable once certain bytes pass."""
    trigger = {"name": "cable", "when": when, "way": way, "unplug_s": seconds}
    device.faults(triggers=[trigger], **faults)


def back(device: rig.Device) -> None:
    """The cable is in again, and adb has forgotten the device; by itself it would try again after ten seconds."""
    wait_until(lambda: runs(device.port), "the cable is still out")
    with adb.Server(Path("/nowhere")).open(f"host:disconnect:{device.serial}"):
        pass
