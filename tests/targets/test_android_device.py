"""The `android-device` target over the real adb protocol, on devices made of Linux (tests/rig/README.md)."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
from adbutils import adb_path
from conftest import REPO, Project, colours, make_project, run_program
from needs import need
from PIL import Image
from processes import wait_until
from rig import device as rig

from goldmask.android import adb
from goldmask.contract.bundle import load_bundle, load_request
from goldmask.contract.errors import ExitCode, RunError
from goldmask.contract.files import sha256_of
from goldmask.contract.mask import encode_mask
from goldmask.machine import shell
from goldmask.project.config import load_config
from goldmask.report.report import Report
from goldmask.targets import android_device
from goldmask.targets.host import checked
from goldmask.workflows.check import check
from goldmask.workflows.selection import Selection

pytestmark = pytest.mark.rig

APP = "org.goldmask.app.interpreter"
CASES = ("a", "b", "c", "d")
APK_STEPS = "nothing was built: the APKs were there"


@pytest.fixture(scope="module")
def server_port():
    """A port for an adb server of this module's own; nobody's devices are there but ours."""
    need("rig", "jdk")
    port = str(rig.free_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANDROID_ADB_SERVER_PORT", port)
        patch.setenv("ADB_LOCAL_TRANSPORT_MAX_PORT", "5553")  # do not look for emulators of this machine
        patch.setenv("ADB_USB", "0")  # nor at its cables: three seconds where there is no bus
        patch.delenv("ANDROID_SERIAL", raising=False)
        yield int(port)
        kill_server(int(port))


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


@pytest.fixture(scope="module")
def devices(server_port, tmp_path_factory):
    """Two devices for all tests here; `phone` and `phones` hand them out as new."""
    folder = tmp_path_factory.mktemp("devices")
    with rig.started(folder / "one") as one, rig.started(folder / "two") as two:
        yield one, two


def as_new(device: rig.Device, recorded: Path | None) -> rig.Device:
    """A device with nothing wrong, that answers from a recorded bundle; its apps stay, which saves time."""
    device.forget()
    device.write("properties.json", rig.PROPERTIES)
    shutil.rmtree(device.folder / "recorded", ignore_errors=True)
    if recorded:
        shutil.copytree(recorded, device.folder / "recorded")
    return device


@pytest.fixture
def phone(devices, project, server):
    """One device, on which no app runs any more when the test is over."""
    yield as_new(devices[0], project.golden)
    nothing_runs(devices[0])


@pytest.fixture
def phones(devices, project, server):
    """Two devices, on which no app runs any more when the test is over."""
    yield tuple(as_new(device, project.golden) for device in devices)
    nothing_runs(*devices)


def nothing_runs(*devices: rig.Device) -> None:
    """Every way out of a run ends the app, unless the cable was out for good."""
    for device in devices:
        wait_until(lambda device=device: not device.running(), f"{device.running()} still runs", 5)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Project:
    """A project with four small cases, recorded once."""
    project = make_project(tmp_path_factory.mktemp("phone-project"))
    for old in project.model.glob("*.png"):
        old.unlink()
    for number, name in enumerate(CASES):
        Image.fromarray(np.roll(colours(), number, axis=1)).save(project.model / f"{name}.png")
    project.declare((project.model / "tiny.tflite").read_bytes())
    ran = project.run("golden.record")
    assert ran.code == 0, ran.text
    return project


@pytest.fixture
def project(template, tmp_path) -> Project:
    """A recorded project of the test's own."""
    shutil.copytree(template.folder, tmp_path / "project")
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


# The happy path: real JVM, real native library, real masks.


def test_tensorflows_test_image_through_both_flavours(devices, server, tmp_path, starter_model):
    """As a user types it; and again, when nothing is built, installed or pushed any more."""
    phone = as_new(devices[0], None)
    phone.erase()
    words = ("check", "--target", "android-device", "--model", "deeplabv3", "--device", phone.serial, "--out", tmp_path)
    ran = run_program(REPO, *words)
    assert ran.code == 0, ran.text
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    found = {each["pipeline"]: each for each in report["comparisons"] if each["case"] == "rotation0"}
    assert set(found) == {"lib_interpreter", "lib_task_api"}
    for comparison in found.values():
        assert comparison["verdict"] == "PASS" and comparison["stages"]["first_difference"] is None
        assert (comparison["metrics"]["pixels"], comparison["metrics"]["differing"]) == (66_049, 0)
    for pipeline, package in (("lib_interpreter", APP), ("lib_task_api", "org.goldmask.app.task")):
        bundle = load_bundle(tmp_path / "bundles/android-device" / pipeline / "deeplabv3")
        assert (bundle.target.name, bundle.target.kind) == ("android-device", "emulator")
        assert bundle.environment["serial"] == phone.serial and bundle.environment["abis"] == "x86_64"
        assert f"{phone.serial} · {pipeline} · deeplabv3: installed {package}, {package}.test, pushed" in ran.text
    assert "latency is advice only: EMULATOR DEBUGGABLE" in ran.text


def test_a_second_check_moves_nothing_and_says_so(project, phone, server):
    phone.erase()
    first = run_check(project, device=phone.serial)
    assert first.exit_code is ExitCode.OK and f"installed {APP}, {APP}.test, pushed 6 files" in reasons(first)
    before = len(phone.commands())
    ran = project.run("check", "--target", "android-device", "--device", phone.serial)
    assert ran.code == 0, ran.text
    assert APK_STEPS in ran.text and "nothing was installed or pushed: all of it was there" in ran.text
    assert not [line for line in phone.commands()[before:] if line.startswith("pm install")]
    assert runs(server), "a server that was there already is not ours to end"
    (stored,) = [path for path in phone.data.rglob("*.tflite") if sha256_of(path) == path.stem]
    stored.write_bytes(b"other bytes under the same name")
    assert "pushed 1 files" in reasons(run_check(project, device=phone.serial))


def test_run_makes_a_bundle_of_any_images(project, phone):
    words = ("--model", "tiny", "--image", project.model / "a.png", "--device", phone.serial, "--out", "mine")
    ran = project.run("run", "--target", "android-device", *words)
    assert ran.code == 0 and "latency is advice only" in ran.text, ran.text
    assert load_bundle(project.folder / "mine").results[0].status == "ok"


# What is wrong with masks stays a fact.


def test_a_wrong_mask_is_exit_10_and_never_tried_again(project, phone):
    recorded = phone.folder / "recorded"
    bundle = json.loads((recorded / "bundle.json").read_text("utf-8"))
    result = next(each for each in bundle["results"] if each["case"] == "b")
    (recorded / result["mask"]).write_bytes(encode_mask(np.zeros((8, 8), np.uint8)))
    result["mask_sha256"] = sha256_of(recorded / result["mask"])
    (recorded / "bundle.json").write_text(json.dumps(bundle), "utf-8")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.MASKS_DIFFER and verdicts(report) == ["PASS", "FAIL", "PASS", "PASS"]
    assert times_run(phone) == 1 and "attempt" not in reasons(report)


def test_tampered_masks_are_errors_of_their_cases(project, phone):
    phone.faults(tamper="mask")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and sorted(verdicts(report)) == ["ERROR", "PASS", "PASS", "PASS"]
    assert "pull: " in reasons(report) and "sha256 differs" in reasons(report)


@pytest.mark.parametrize(
    ("tamper", "words"), [("bundle", "breaks the bundle contract"), ("link", "which belongs to no bundle")]
)
def test_damaged_bundles_are_refused(project, phone, tamper, words):
    phone.faults(tamper=tamper)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["ERROR"] * 4
    assert words in reasons(report)


def archive(folder: Path, *members: tuple[str, bytes, bytes]) -> str:
    """A tar file with (name, content, type) in a device's folder."""
    with tarfile.open(folder / "evil.tar", "w") as tar:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(content), "/etc/passwd"
            tar.addfile(info, io.BytesIO(content))
    return "evil.tar"


@pytest.mark.parametrize("name", ["../../../escaped", "/tmp/escaped", "goldmask/masks/../../escaped.png", "goldmask/x"])
def test_a_device_writes_nothing_outside_of_its_bundle(project, phone, name):
    phone.faults(tar_bytes=archive(phone.folder, (name, b"evil", tarfile.REGTYPE)))
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and "which belongs to no bundle" in reasons(report)
    assert not list(project.folder.rglob("escaped*")) and not Path("/tmp/escaped").exists()


def test_a_device_fills_no_disk(project, phone, monkeypatch):
    monkeypatch.setattr(android_device, "MAX_BUNDLE_BYTES", 1000)
    monkeypatch.setattr(android_device, "MAX_CASE_BYTES", 0)
    phone.faults(tar_bytes=archive(phone.folder, ("goldmask/masks/a.png", bytes(100_000), tarfile.REGTYPE)))
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and "sends more than 1,000 bytes" in reasons(report)


def test_half_a_tar_is_damaged(project, phone):
    name = archive(phone.folder, ("goldmask/bundle.json", b"{}" * 5000, tarfile.REGTYPE))
    (phone.folder / name).write_bytes((phone.folder / name).read_bytes()[:3000])
    phone.faults(tar_bytes=name)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and "is damaged" in reasons(report)


def test_an_old_bundle_on_the_device_does_not_pass(project, phone):
    assert run_check(project, device=phone.serial).exit_code is ExitCode.OK
    phone.faults(crash_at="a")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["ERROR"] * 4


# Installing.


@pytest.mark.parametrize(
    ("trouble", "words", "fix"),
    [
        ("signature", "signed with another key (INSTALL_FAILED_UPDATE_INCOMPATIBLE", f"uninstall {APP}"),
        ("abi", "for other processors than the device's (INSTALL_FAILED_NO_MATCHING_ABIS", "ro.product.cpu.abilist"),
        ("downgrade", "has a later version of it (INSTALL_FAILED_VERSION_DOWNGRADE", f"uninstall {APP}"),
        ("nonsense", f"refuses {APP}: INSTALL_FAILED_ [31mNONSENSE", "install -r -t"),
    ],
)
def test_a_refused_install_says_why(project, phone, trouble, words, fix, request):
    request.addfinalizer(phone.erase)
    old = {"path": "/data/app/old.apk", "version": 1, "signer": "0" * 64, "debuggable": True, "runners": {}}
    phone.erase()
    match trouble:
        case "signature":
            phone.write("state.json", {"packages": {APP: old}})
        case "abi":
            phone.write("properties.json", rig.PROPERTIES | {"ro.product.cpu.abilist": "armeabi-v7a"})
        case "downgrade":
            assert run_check(project, device=phone.serial).exit_code is ExitCode.OK
            state = phone.read("state.json")
            state["packages"][APP] |= {"version": 99, "path": "/data/app/old.apk"}
            phone.write("state.json", state)
        case "nonsense":
            phone.faults(install="INSTALL_FAILED_\x1b[31mNONSENSE")
    before = times_run(phone)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["ERROR"] * 4
    assert words in reasons(report) and fix in reasons(report)
    assert times_run(phone) == before and "\x1b" not in reasons(report)


def test_a_stale_app_is_replaced(project, phone):
    assert run_check(project, device=phone.serial).exit_code is ExitCode.OK
    stale = phone.data / phone.read("state.json")["packages"][APP]["path"].removeprefix("/data/")
    stale.write_bytes(stale.read_bytes() + b"\0")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.OK and f"installed {APP}" in reasons(report)
    stale.write_bytes(stale.read_bytes() + b"\0")
    phone.faults(install_does_nothing=True)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and f"still has another {APP} than the one" in reasons(report)


def test_a_full_disk(project, server, tmp_path):
    with rig.started(tmp_path / "small", data_mb=4) as small:
        report = run_check(project, device=small.serial)
    assert report.exit_code is ExitCode.RUN and "its storage is full" in reasons(report)
    assert "rm -r /data/local/tmp/goldmask" in reasons(report)


# The app.


def test_a_native_crash_keeps_what_was_done(project, phone):
    phone.faults(crash_at="c")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["PASS", "PASS", "ERROR", "ERROR"]
    assert "the app crashed in native code: Fatal signal 11 (SIGSEGV)" in reasons(report)
    logcat = (folder_of_device(project) / "logcat.log").read_text("utf-8")
    assert "4 cases of tiny" in logcat and f">>> {APP} <<<" in logcat
    assert times_run(phone) == 1


def test_a_golden_test_that_the_apk_does_not_have(project, phone):
    with (project.folder / "goldmask.toml").open("a", encoding="utf-8") as stream:
        stream.write('[android.lib_interpreter]\nmodule = "lib_interpreter"\ntest = "org.goldmask.Nothing"\n')
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["ERROR"] * 4
    assert "Failed loading specified test class 'org.goldmask.Nothing'" in reasons(report)


def test_a_hanging_test_is_stopped(project, phone, monkeypatch):
    monkeypatch.setattr(android_device, "START_DEADLINE_S", 3)
    monkeypatch.setattr(android_device, "CASE_DEADLINE_S", 0)
    phone.faults(hang_at="b")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["PASS", "ERROR", "ERROR", "ERROR"]
    assert "said nothing for 3 s and was stopped" in reasons(report)
    assert phone.commands()[-1] == f"am force-stop {APP}"


# The cable and the server.


def lose(device: rig.Device, when: str, seconds: float, way: str = "to", **faults: object) -> None:
    """Pull the cable once certain bytes pass."""
    trigger = {"name": "cable", "when": when, "way": way, "unplug_s": seconds}
    device.faults(triggers=[trigger], **faults)


@pytest.mark.parametrize(
    ("when", "way", "what"),
    [
        (r"\.part", "to", "setting up"),
        ("pm install", "to", "setting up"),
        (r"goldmask/bundle\.json.*ustar", "from", "pulling"),
    ],
    ids=["push", "install", "pull"],
)
def test_a_device_that_comes_back_is_asked_again(project, phone, when, way, what):
    if what == "setting up":
        phone.erase()
    lose(phone, when, 1, way)
    report = run_check(project, device=phone.serial)
    assert "trigger cable" in phone.commands()
    assert report.exit_code is ExitCode.OK, reasons(report)
    assert f"{what}" in reasons(report) and "failed, attempt 1 of 3" in reasons(report)
    assert times_run(phone) == 1


@pytest.mark.parametrize(
    ("when", "way"),
    [(r"\.part", "to"), ("goldmask.case=b", "from"), ("tar -cf", "to")],
    ids=["push", "run", "pull"],
)
def test_a_device_that_stays_away(project, phone, when, way, monkeypatch):
    monkeypatch.setattr(adb, "RECONNECT_S", 1)
    if when == r"\.part":
        phone.erase()
    lose(phone, when, 3, way, slow_s=0.2)
    report = run_check(project, device=phone.serial)
    assert "trigger cable" in phone.commands()
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["ERROR"] * 4
    assert f"{phone.serial} was lost during" in reasons(report) or "did not come back within 1 s" in reasons(report)
    back(phone)


def back(device: rig.Device) -> None:
    """The cable is in again, and adb has forgotten the device; by itself it would try again after ten seconds."""
    wait_until(lambda: runs(device.port), "the cable is still out")
    with adb.Server(Path("/nowhere")).open(f"host:disconnect:{device.serial}"):
        pass


def test_a_device_that_is_lost_in_a_run_keeps_what_was_done(project, phone):
    lose(phone, "goldmask.case=b", 1, "from", hang_at="c")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["PASS", "PASS", "ERROR", "ERROR"], reasons(report)
    assert "was lost during `am instrument" in reasons(report) and "until then is kept" in reasons(report)
    assert times_run(phone) == 1


def test_the_adb_server_killed_while_the_app_runs(project, phone, server):
    phone.faults(hang_at="c")
    report: list[Report] = []
    thread = threading.Thread(target=lambda: report.append(run_check(project, device=phone.serial)))
    thread.start()
    phone.wait_for("rig hangs at c")
    kill_server(server)
    thread.join(60)
    assert report[0].exit_code is ExitCode.RUN and verdicts(report[0]) == ["PASS", "PASS", "ERROR", "ERROR"]
    assert "was lost during `am instrument" in reasons(report[0])
    assert not runs(server), "the server that goldmask started itself goes on"
    assert f"am force-stop {APP}" in phone.commands()


def test_the_adb_server_killed_before_the_app_runs(project, phone, server):
    phone.erase()
    phone.faults(triggers=[{"name": "now", "when": "pm install", "stall_s": 2}])
    report: list[Report] = []
    thread = threading.Thread(target=lambda: report.append(run_check(project, device=phone.serial)))
    thread.start()
    phone.wait_for("trigger now")
    kill_server(server)
    thread.join(60)
    assert report[0].exit_code is ExitCode.OK, reasons(report[0])
    assert "failed, attempt 1 of 3" in reasons(report[0]) and not runs(server)


# Several devices.


def test_cases_are_shared_out(project, phones):
    connect(phones)
    report = run_check(project, all_devices=True)
    assert report.exit_code is ExitCode.OK and verdicts(report) == ["PASS"] * 4
    assert [times_run(phone) for phone in phones] == [1, 1]
    bundle = load_bundle(project.folder / "out/bundles/android-device/lib_interpreter/tiny")
    assert {name.split(" ")[0] for name in bundle.environment} == {phone.serial for phone in phones}


def connect(phones: tuple[rig.Device, ...]) -> None:
    """`adb connect` of all, as somebody with two phones has them."""
    server = adb.Server(Path("/nowhere"))
    for phone in phones:
        server.connect(phone.serial)
        wait_until(lambda phone=phone: server.states().get(phone.serial) == "device", "not connected")


def test_when_one_of_two_dies_its_cases_move(project, phones, monkeypatch):
    monkeypatch.setattr(adb, "RECONNECT_S", 1)
    connect(phones)
    lose(phones[0], "goldmask.case=", 5, "from", slow_s=0.3)
    report = run_check(project, all_devices=True)
    assert report.exit_code is ExitCode.OK and verdicts(report) == ["PASS"] * 4, reasons(report)
    assert f"{phones[0].serial} was lost: 2 of its cases go to {phones[1].serial}" in reasons(report)
    assert times_run(phones[1]) == 2
    back(phones[0])


def test_a_wrong_device_is_not_helped_by_a_right_one(project, phones):
    """A crash is the app's own result: it moves nowhere."""
    connect(phones)
    for phone in phones:
        phone.faults(crash_at="a")
    report = run_check(project, all_devices=True)
    assert report.exit_code is ExitCode.RUN and "go to" not in reasons(report)
    assert sum(map(times_run, phones)) == 2


# Which device.


def test_a_device_is_chosen(project, phones, monkeypatch):
    connect(phones)
    report = run_check(project)
    assert report.exit_code is ExitCode.USAGE and "several devices are connected" in reasons(report)
    phones[1].write("properties.json", rig.PROPERTIES | {"ro.product.model": "Pixel 6"})
    for choice in ("model=Pixel 6", "ro.product.model=Pixel 6"):
        assert run_check(project, device=choice).exit_code is ExitCode.OK
    monkeypatch.setenv("ANDROID_SERIAL", phones[1].serial)
    assert run_check(project).exit_code is ExitCode.OK
    assert (times_run(phones[0]), times_run(phones[1])) == (0, 3)
    report = run_check(project, device="colour=red")
    assert report.exit_code is ExitCode.USAGE and "names no property" in reasons(report)
    report = run_check(project, device="abi=mips")
    assert report.exit_code is ExitCode.ENVIRONMENT and "no device 'abi=mips' is connected" in reasons(report)


def test_one_phone_over_two_addresses_counts_once(project, phone):
    server = adb.Server(Path("/nowhere"))
    with server.open("host:disconnect:"):  # whatever another test connected
        pass
    for host in ("127.0.0.1", "localhost"):
        server.connect(f"{host}:{phone.port}")
        wait_until(lambda host=host: server.states().get(f"{host}:{phone.port}") == "device", "not connected")
    try:
        report = run_check(project, all_devices=True)
        assert report.exit_code is ExitCode.OK and verdicts(report) == ["PASS"] * 4, reasons(report)
        assert times_run(phone) == 1
        assert run_check(project).exit_code is ExitCode.OK
    finally:
        with server.open(f"host:disconnect:localhost:{phone.port}"):
            pass


def test_without_a_device_the_target_is_skipped_or_an_error_where_it_was_named(project, tmp_path):
    need("rig", "jdk")
    nobody = {"ANDROID_ADB_SERVER_PORT": str(rig.free_port()), "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553", "ADB_USB": "0"}
    project.edit(
        "goldmask.toml",
        'pipelines = ["lib_interpreter"]',
        'pipelines = ["lib_interpreter"]\ntargets = ["python", "android-device"]',
    )
    ran = project.run("check", **nobody)
    assert ran.code == 0 and "SKIP tiny on android-device" in ran.text, ran.text
    assert "no Android device is connected" in ran.text and "android.emulator.up" in ran.text
    named = project.run("check", "--target", "android-device", **nobody)
    assert named.code == 3 and "ERROR" in named.stdout and "android.emulator.up" in named.text
    assert not runs(int(nobody["ANDROID_ADB_SERVER_PORT"]))


# Ctrl-C.


@pytest.mark.parametrize(
    ("stage", "when"),
    [
        ("look", "trigger stage"),
        ("push", "trigger stage"),
        ("install", "trigger stage"),
        ("run", "rig hangs at b"),
        ("pull", "trigger stage"),
    ],
)
def test_ctrl_c_leaves_nothing_running(project, devices, server_port, stage, when):
    phone = as_new(devices[0], project.golden)
    if stage in ("push", "install"):
        phone.erase()
    pattern = {"look": "dumpsys", "push": r"\.part", "install": "pm install", "pull": "tar -cf", "run": "nothing"}[
        stage
    ]
    hang = {"hang_at": "b"} if stage == "run" else {}
    phone.faults(triggers=[{"name": "stage", "when": pattern, "stall_s": 3}], **hang)
    port = str(rig.free_port())  # the program starts a server of its own there
    argv = [sys.executable, REPO / "tasks.py", "check", "--target", "android-device", "--device", phone.serial]
    environment = os.environ | {"ANDROID_ADB_SERVER_PORT": port, "CI": ""}
    process = subprocess.Popen(  # noqa: S603
        argv,
        cwd=project.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        phone.wait_for(when)
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130 and "interrupted" in text and "Traceback" not in text, text
    assert not runs(int(port)), "its adb server goes on"
    if stage in ("run", "pull"):
        wait_until(lambda: f"am force-stop {APP}" in phone.commands(), "the app was not stopped", 10)
    nothing_runs(phone)
    assert not leftovers(process.pid)


def leftovers(session: int) -> list[str]:
    """Processes of a session that are still there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(path.parent.name)
    return found


# Latency.


def measured(project: Project) -> None:
    """Let the project's runs measure."""
    text = (project.folder / "goldmask.toml").read_text("utf-8")
    (project.folder / "goldmask.toml").write_text(
        text.replace("schema = 1\n", "schema = 1\n[options]\nruns = 3\n"), "utf-8"
    )


def environment_of(project: Project) -> dict[str, str]:
    """What the bundle says of the device."""
    return load_bundle(project.folder / "out/bundles/android-device/lib_interpreter/tiny").environment


def test_performance_mode_is_always_put_back(project, phone):
    measured(project)
    for faults in ({}, {"crash_at": "b"}, {"no_fixed_performance": True}):
        phone.faults(**faults)
        report = run_check(project, device=phone.serial)
        assert not phone.read("state.json").get("fixed_performance")
        assert ("has no fixed-performance mode" in reasons(report)) == ("no_fixed_performance" in faults)
    modes = [line.split()[-1] for line in phone.commands() if line.startswith("cmd power")]
    assert modes == ["true", "false"] * 3 and phone.read("state.json")["screen_on"]


def test_flags_say_why_a_latency_is_advice(project, phone):
    phone.write("state.json", {"battery": {"AC powered": "false", "level": 20}, "thermal": 2})
    run_check(project, device=phone.serial)
    assert environment_of(project)["latency"] == "advice only: EMULATOR LOW-BATTERY DEBUGGABLE THERMAL"
    assert environment_of(project)["thermal"] == "moderate before, moderate after"


def test_a_phone_with_suppressed_flags_is_valid(project, phone):
    real = {"ro.kernel.qemu": "0", "ro.hardware": "oriole", "ro.product.model": "Pixel 6"}
    phone.write("properties.json", rig.PROPERTIES | real)
    with (project.folder / "goldmask.toml").open("a", encoding="utf-8") as stream:
        stream.write('[device]\nsuppress = ["DEBUGGABLE"]\n')
    report = run_check(project, device=phone.serial)
    said = environment_of(project)
    assert (said["latency"], said["latency flags"], said["emulator"]) == ("valid", "DEBUGGABLE", "no")
    assert "(Debian Pixel 6): latency is valid" in reasons(report)
    assert load_bundle(project.folder / "out/bundles/android-device/lib_interpreter/tiny").target.kind == "device"


def test_a_runtime_cannot_be_chosen(project, phone):
    ran = project.run(
        "run",
        "--target",
        "android-device",
        "--runtime",
        "2.14.0",
        "--model",
        "tiny",
        "--image",
        project.model / "a.png",
    )
    assert ran.code == 1 and "--runtime has no effect on android-device" in ran.text


def test_a_bundle_of_another_request_is_refused(project, phone, tmp_path):
    assert run_check(project, device=phone.serial).exit_code is ExitCode.OK
    folder = project.folder / "out/bundles/android-device/lib_interpreter/tiny"
    bundle = load_bundle(folder)
    request = load_request(folder_of_device(project) / "request.json")
    good = (bundle, request, request.cases, folder, android_device.NAME)
    assert checked(*good).results == bundle.results
    for change, words in (
        ({"pipeline": "lib_task_api"}, "is of pipeline lib_task_api"),
        ({"model": bundle.model.model_copy(update={"sha256": "0" * 64})}, "is of another model"),
        ({"target": bundle.target.model_copy(update={"name": "python"})}, "is of target python"),
        ({"results": (bundle.results[0].model_copy(update={"case": "x"}),)}, "has case x"),
        ({"results": (bundle.results[0].model_copy(update={"image_sha256": "0" * 64}),)}, "has another image for a"),
    ):
        with pytest.raises(RunError, match=words):
            checked(bundle.model_copy(update=change), *good[1:])
