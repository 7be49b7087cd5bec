"""`rig.record`: the calls of a real check as transcripts that parsers read, and nothing planted survives in them."""

import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest
from conftest import Project
from mac import Mac, add_app, make_mac
from needs import need
from rig import device as rig
from test_transcripts import ORIGIN

from goldmask.android.device_state import parse_properties
from goldmask.apple import devicectl, simctl
from goldmask.contract.errors import RunError
from goldmask.machine import shell
from goldmask.machine.recording import Call, active, listening
from goldmask.machine.sanitise import Sanitiser
from goldmask.workflows.rig_record import MAX_CHARACTERS, Recorder, tool_of

TOKEN = "s3cr3t-and-planted"


def files_of(folder: Path) -> dict[str, str]:
    """What was written, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }


def assert_gone(folder: Path, planted: list[str]) -> None:
    """None of `planted` is in any file or file name; every file has an origin, and the index names it."""
    written = files_of(folder)
    for name, text in written.items():
        for value in planted:
            assert value.lower() not in f"{name}\n{text}".lower(), f"{value} is in {name}"
    index = json.loads(written.pop("calls.json"))
    named = {call[stream] for call in index for stream in ("stdout", "stderr", "json", "log") if stream in call}
    origins = {name: text for name, text in written.items() if name.endswith("origins.toml")}
    assert named == set(written) - set(origins)
    for name, text in origins.items():
        listed = tomllib.loads(text)
        assert {f"{Path(name).parent}/{each}" for each in listed} == {
            other for other in named if other.startswith(f"{Path(name).parent}/")
        }
        assert all(ORIGIN.fullmatch(origin) for origin in listed.values())


def texts_of(folder: Path, argv: str) -> list[str]:
    """The answers to the calls whose argv begins with `argv`."""
    index = json.loads((folder / "calls.json").read_text("utf-8"))
    return [
        (folder / call[stream]).read_text("utf-8")
        for call in index
        if call["argv"].startswith(argv)
        for stream in ("stdout", "json")
        if stream in call
    ]


@pytest.fixture
def mac(project, tmp_path) -> Mac:
    """A Mac of somebody called janeplanted, with a token in the environment."""
    home = tmp_path / "janeplanted"
    home.mkdir()
    made = make_mac(tmp_path / "mac", project.golden)
    add_app(project)
    environment = {"USER": "janeplanted", "LOGNAME": "janeplanted", "HOME": str(home), "DEPLOY_TOKEN": TOKEN}
    return Mac(made.folder, made.environment | environment)


def test_a_mac(project: Project, mac: Mac):
    """Two simulators and a phone: its name, its UDID, the user, the folders and the token are gone, and all is read."""
    mac.fault("talkative")
    words = ("--target", "ios-simulator", "--destination", "iPhone 15", "--destination", "Test iPhone")
    ran = project.run("rig.record", *words, "--transcripts", "words", **mac.environment)
    assert ran.code == 0 and "transcripts: " in ran.stdout, ran.text
    folder = project.folder / "words"
    planted = [
        "janeplanted",
        TOKEN,
        "00008130-000000000000001C",
        "Test iPhone",
        "DMPXMC9TKD6J",
        "E3QZ4B62AW",
        "Planted",
    ]
    assert_gone(folder, [*planted, str(project.folder)])
    (listing,) = set(texts_of(folder, "xcrun simctl list"))
    assert [each.name for each in simctl.simulators(simctl.parse_listing(listing))][:2] == ["iPhone 16", "iPhone 16"]
    (phones,) = [devicectl.parse_phones(text) for text in set(texts_of(folder, "xcrun devicectl list"))]
    assert [(phone.name, phone.os) for phone in phones] == [("Phone 1", "iOS 18.2"), ("Phone 2", "iOS 17.6.1")]
    assert any("testGoldens]' passed" in text for text in texts_of(folder, "xcodebuild test-without-building"))
    assert any("** TEST BUILD SUCCEEDED **" in text for text in texts_of(folder, "xcodebuild build-for-testing"))


def test_a_check_that_fails_is_recorded_as_well(project: Project, mac: Mac):
    mac.fault("build-error.txt")
    ran = project.run("rig.record", "--target", "ios-simulator", **mac.environment)
    assert ran.code == 4 and "transcripts: " in ran.stdout, ran.text
    texts = texts_of(project.folder / "build/transcripts", "xcodebuild build-for-testing")
    assert any("cannot find 'sesion' in scope" in text for text in texts)


@pytest.fixture
def phone(tmp_path, project, monkeypatch) -> rig.Device:
    """A device of the rig whose serial number is planted, with recorded answers."""
    need("rig", "jdk")
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(rig.free_port()))
    monkeypatch.setenv("ADB_LOCAL_TRANSPORT_MAX_PORT", "5553")
    monkeypatch.setenv("ADB_USB", "0")
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    with rig.started(tmp_path / "device") as device:
        device.write("properties.json", rig.PROPERTIES | {"ro.serialno": "HT7PLANTED", "gsm.operator.alpha": "Planted"})
        shutil.copytree(project.golden, device.folder / "recorded")
        yield device


def test_a_device(project: Project, phone: rig.Device):
    words = ("--target", "android-device", "--device", phone.serial)
    ran = project.run("rig.record", *words, USER="janeplanted", LOGNAME="janeplanted", DEPLOY_TOKEN=TOKEN)
    assert ran.code == 0, ran.text
    folder = project.folder / "build/transcripts"
    assert_gone(folder, ["HT7PLANTED", "janeplanted", TOKEN, "Planted", str(project.folder)])
    properties = [parse_properties(text) for text in texts_of(folder, f"adb -s {phone.serial} shell getprop")]
    assert properties[0]["ro.serialno"] == "SERIAL000001" and "gsm.operator.alpha" not in properties[0]
    assert {"getprop", "dumpsys", "am", "pm"} <= {path.name for path in folder.iterdir()}


@pytest.mark.project
def test_calls_are_told_by_both_doors_and_only_where_somebody_listens(tmp_path):
    recorder = Recorder()
    assert not active()
    with listening(recorder):
        shell.run(["sh", "-c", "echo out; echo err >&2; exit 3"], log=tmp_path / "log", deadline_s=30)
        with pytest.raises(RunError, match="did not end"):
            shell.run(["sleep", "60"], log=tmp_path / "slow", deadline_s=0.3)
        shell.end(shell.start(["sleep", "60"], log=tmp_path / "background"))
    (tmp_path / "background").write_text("booted\n", "utf-8")  # as a process does that goes on for longer
    shell.run(["true"], log=tmp_path / "after", deadline_s=30)
    (first, _), (second, _), (third, _) = recorder.calls
    assert (first.code, first.stdout, first.stderr) == (3, "out\n", "err\n")
    assert (second.code, second.argv) == (None, ("sleep", "60")) and third.log == tmp_path / "background"
    written = recorder.write(tmp_path / "words", tmp_path, {})
    assert (written.calls, written.transcripts) == (3, 3)
    assert any("booted" in text for text in files_of(tmp_path / "words").values())


def test_the_same_answer_is_written_once(tmp_path):
    recorder = Recorder()
    for _ in range(3):
        recorder(Call(("adb", "-s", "emulator-5554", "shell", "getprop"), 0, 0.1, stdout="[ro.product.model]: [x]\n"))
    written = recorder.write(tmp_path / "words", tmp_path, {})
    assert (written.calls, written.transcripts) == (3, 1)
    assert (tmp_path / "words/getprop").is_dir()


def test_a_wireless_phone_is_named_nowhere(tmp_path):
    """Its serial has a space here, and holds the phone's own, which another answer has."""
    recorder = Recorder()
    row = "adb-ZY22MGW35T-Z3uXXq (2)._adb-tls-connect._tcp device product:vantage_ge model:moto_g transport_id:3\n"
    recorder(Call(("adb", "devices", "-l"), 0, 0.1, stdout=row))
    recorder(Call(("adb", "-s", "x", "shell", "getprop"), 0, 0.1, stdout="[ro.boot.id]: [ZY22MGW35T]\n"))
    recorder.write(tmp_path / "words", tmp_path, {})
    written = "".join(files_of(tmp_path / "words").values())
    assert "ZY22MGW35T" not in written and "Z3uXXq" not in written and "model:moto_g" in written


def test_an_answer_without_end_keeps_both_ends(tmp_path):
    recorder = Recorder()
    recorder(Call(("xcodebuild", "test"), 65, 1.0, stdout="begin\n" + "x\n" * MAX_CHARACTERS + "end\n"))
    recorder.write(tmp_path / "words", tmp_path, {})
    (text,) = [
        text
        for name, text in files_of(tmp_path / "words").items()
        if name.startswith("xcodebuild/") and "origins" not in name
    ]
    assert text.startswith("begin") and text.endswith("end\n") and "characters are left out here" in text


def test_of_a_phones_log_only_the_witnesses_stay(tmp_path):
    recorder = Recorder()
    log = "I lmkd    : Kill 'org.goldmask.app' (4711)\nD Messages: dinner at eight, Jane\n"
    recorder(Call(("adb", "-s", "HT7A1XYZ", "shell", "logcat", "-d"), 0, 1.0, stdout=log))
    recorder.write(tmp_path / "words", tmp_path, {})
    assert not any("dinner" in text for text in files_of(tmp_path / "words").values())
    assert any("lmkd" in text for text in files_of(tmp_path / "words").values())


def test_nothing_is_written_where_something_would_survive(tmp_path, monkeypatch):
    """The second look: a value that cleaning leaves in."""
    recorder = Recorder()
    recorder(Call(("xcodebuild",), 0, 0.1, stdout=f"token {TOKEN}\n"))
    monkeypatch.setattr(Sanitiser, "clean", lambda self, text: text)
    with pytest.raises(RunError, match="nothing was written") as error:
        recorder.write(tmp_path / "words", tmp_path, {"DEPLOY_TOKEN": TOKEN})
    assert TOKEN not in str(error.value) and not (tmp_path / "words").exists()


@pytest.mark.parametrize(
    ("argv", "tool"),
    [
        (("xcrun", "simctl", "list", "--json"), "simctl"),
        (("/usr/bin/xcodebuild", "-version"), "xcodebuild"),
        (("adb", "-s", "HT7A1XYZ", "shell", "getprop", "ro.build"), "getprop"),
        (("adb", "devices"), "adb"),
        (("adb", "-s", "x", "shell", "../../etc/passwd"), "passwd"),
        (("adb", "-s", "x", "shell", "for f; do"), "other"),
        (("xcrun", "--find", "swift"), "xcrun"),
        (("sh", "-c", "echo"), "sh"),
    ],
)
def test_the_folder_of_a_call(argv, tool):
    assert tool_of(argv) == tool


def test_a_folder_that_has_other_things_is_left_alone(tmp_path):
    (tmp_path / "precious.txt").write_text("mine", "utf-8")
    with pytest.raises(RunError, match="has other files"):
        Recorder().write(tmp_path, tmp_path, dict(os.environ))
    assert (tmp_path / "precious.txt").is_file()
