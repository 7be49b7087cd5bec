"""The `android-device` target where an app, its installation, a cable or adb's server fails."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import REPO
from phones import (
    APP,
    as_new,
    back,
    connect,
    folder_of_device,
    kill_server,
    lose,
    nothing_runs,
    reasons,
    run_check,
    runs,
    times_run,
    verdicts,
)
from processes import wait_until
from rig import device as rig

from goldmask.android import adb
from goldmask.contract.bundle import load_bundle
from goldmask.contract.errors import ExitCode
from goldmask.report.report import Report
from goldmask.targets import android_device

pytestmark = pytest.mark.rig


@pytest.fixture
def project(phone_project):
    """With four cases, so that some of them can be done and some not."""
    return phone_project


# Installing.


@pytest.mark.parametrize(
    ("trouble", "words", "fix"),
    [
        ("signature", "signed with another key (INSTALL_FAILED_UPDATE_INCOMPATIBLE", f"uninstall {APP}"),
        ("abi", "for other processors than the device's (INSTALL_FAILED_NO_MATCHING_ABIS", "ro.product.cpu.abilist"),
        ("downgrade", "has a later version of it (INSTALL_FAILED_VERSION_DOWNGRADE", f"uninstall {APP}"),
        ("nonsense", rf"refuses {APP}: INSTALL_FAILED_\x1b[31mNONSENSE", "install -r -t"),
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
