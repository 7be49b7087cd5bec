"""Emulators from their making to their end: a stand-in emulator boots the rig's real adbd, real adb looks at it."""

import json
import os
import re
import shutil
import signal
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from clock import Clock
from conftest import REPO, Project, Ran, run_program
from needs import need
from processes import alive, ends, wait_until
from rig import device, emulator

from goldmask.android import avd, sdk
from goldmask.android.adb import Device, Server
from goldmask.contract.errors import EnvironmentMissing, RunError
from goldmask.machine import shell
from goldmask.machine.cache import cache_folder
from goldmask.project.config import EmulatorOptions

pytestmark = pytest.mark.rig

GONE_DEADLINE_S = 20
# Past those where adb servers look by themselves, or emulators of this file would be devices of others' tests.
FIRST_PORT = 5586 + 8 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw") or 0)
# The program as it is, but for the ports and for the hardware that the stand-in does not need.
PROGRAM = f"""
import runpy, sys
from pathlib import Path
sys.path.insert(0, {str(REPO / "python")!r})
from goldmask.android import avd
avd.KVM, avd.PORTS = Path(sys.executable), range({FIRST_PORT}, {FIRST_PORT + 8}, 2)
sys.argv[0] = {str(REPO / "tasks.py")!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class World:
    """An SDK with the stand-in emulator, a cache, and an adb server of this test's own."""

    folder: Path
    emulator: Path
    server: Server

    def up(self, boot_deadline_s: float = 60, on_step=lambda what, done, total: None, **options) -> avd.Emulator:
        """`avd.up`, of a new emulator."""
        started, new = avd.up(EmulatorOptions(boot_deadline_s=boot_deadline_s), self.server, on_step, **options)
        assert new
        return started

    def ensure(self, **settings) -> AbstractContextManager[avd.Emulator | None]:
        """`avd.ensure`."""
        return avd.ensure(EmulatorOptions(boot_deadline_s=60, **settings), self.folder, lambda what, done, total: None)

    def plan(self, **boot: object) -> None:
        """What goes wrong at boots."""
        (self.emulator / "boot.json").write_text(json.dumps(boot), "utf-8")

    @property
    def starts(self) -> list[str]:
        """The flags of every start."""
        path = self.emulator / "starts.log"
        return path.read_text("utf-8").splitlines() if path.exists() else []

    @property
    def states(self) -> list[Path]:
        """The files that say what runs."""
        return sorted((self.folder / "cache/emulators").glob("*.json"))

    def wait_for_boot(self) -> None:
        """Wait until an emulator has begun to boot, as its log says; it writes that after its state file."""
        logs = self.folder / "cache/emulators"
        begun = lambda: any("Boot started" in log.read_text("utf-8") for log in logs.glob("*.log"))  # noqa: E731
        wait_until(begun, "no emulator boots", 60)

    def run(self, *words: str) -> Ran:
        """The real program in an empty project; the stand-in needs no KVM."""
        return run_program(self.project(), *words, start=("-c", PROGRAM))

    def project(self, boot_deadline_s: float = 60) -> Path:
        """A project that asks for emulators."""
        text = 'schema = 1\n[suites.default]\nmodels = ["x"]\n'
        text += f"[android.emulator]\nboot_deadline_s = {boot_deadline_s}\n"
        (self.folder / "goldmask.toml").write_text(text, "utf-8")
        return self.folder


@pytest.fixture
def shared_cache() -> Path:
    """The cache that other tests use."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    return cache_folder()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Server:
    """An adb server of this file's own."""
    need("rig")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANDROID_ADB_SERVER_PORT", str(device.free_port()))
        with Server(tmp_path_factory.mktemp("adb")) as server:
            yield server


@pytest.fixture
def world(server, tmp_path, monkeypatch) -> World:
    """See World. Whatever a test leaves running is a failure of that test."""
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path / "sdk"))
    monkeypatch.setattr(avd, "KVM", Path(sys.executable))
    monkeypatch.setattr(avd, "PORTS", range(FIRST_PORT, FIRST_PORT + 8, 2))
    (tmp_path / "cache").mkdir()
    # adb needs a moment to see that the device of the test before is gone.
    wait_until(lambda: not server.states(), f"adb still has {server.states()}", GONE_DEADLINE_S)
    yield World(tmp_path, emulator.install(tmp_path / "sdk", sdk.emulator_abi()), server)
    left = avd.ours()
    for each in left:
        shell.end(each.process)
    assert left == [] and list((tmp_path / "cache/emulators").glob("*.json")) == []
    assert processes_of(tmp_path) == []


def processes_of(folder: Path) -> list[str]:
    """Whatever runs with the folder among its words: emulators and devices."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace") if path.exists() else ""
        if str(folder) in words and "rig." in words and alive(int(path.parent.name)):
            found.append(words)
    return found


def test_the_whole_life_of_an_emulator(world):
    started = world.up()
    try:
        assert started.serial == f"emulator-{FIRST_PORT}" and started.retried == ""
        phone = Device(world.server, started.serial)
        assert phone.shell(["getprop", "sys.boot_completed"]).text.strip() == "1"
        for name in ("window_animation_scale", "transition_animation_scale", "animator_duration_scale"):
            assert phone.shell(["settings", "get", "global", name]).text.strip() == "0"
        assert avd.up(EmulatorOptions(), world.server, lambda what, done, total: None) == (started, False)
        (listed,) = avd.running(world.server)
        assert (listed.serial, listed.state, listed.emulator) == (started.serial, "device", started)
        state = json.loads(world.states[0].read_text("utf-8"))
        assert state["process"]["pid"] == started.process.pid and world.states[0].stem == started.serial
    finally:
        stopped = avd.down(world.server)
    assert stopped == [started] and ends(started.process.pid)
    assert avd.running(world.server) == [] and avd.down(world.server) == []
    (flags,) = world.starts
    assert "-no-window -no-audio -no-boot-anim" in flags and "-gpu swiftshader_indirect" in flags
    assert "-no-snapshot" not in flags


def test_the_second_boot_starts_from_the_snapshot_and_leaves_it(world):
    for _ in range(2):
        world.up()
        avd.down(world.server)
    assert [("-no-snapshot-save" in flags) for flags in world.starts] == [False, True]


def test_the_same_by_the_program(world):
    ran = world.run("android.emulator.up")
    try:
        assert ran.code == 0, ran.text
        assert f"emulator-{FIRST_PORT} is up" in ran.text and "android.emulator.down" in ran.text
        listed = world.run("android.emulator.list")
        assert listed.code == 0 and f"emulator-{FIRST_PORT}" in listed.text and "ours" in listed.text
    finally:
        down = world.run("android.emulator.down")
    assert down.code == 0 and f"stopped emulator-{FIRST_PORT}" in down.text
    assert "no emulator of ours" in world.run("android.emulator.down").text
    assert "no emulator" in world.run("android.emulator.list").text


def test_a_boot_that_never_completes(world):
    world.plan(never=True)
    fake = Clock(meanwhile=world.wait_for_boot)
    with pytest.raises(RunError, match=r"did not boot within 30 s: .*\(2 boots tried\)") as caught:
        world.up(30, clock=avd.Clock(fake.monotonic, fake.sleep))
    assert sum(fake.slept) == 60 and str(world.folder / "cache/emulators") in caught.value.what
    assert len(world.starts) == 2 and "-no-snapshot-load -wipe-data" in world.starts[1]


def test_a_boot_that_never_completes_by_the_program(world):
    world.plan(never=True)
    folder = world.project(boot_deadline_s=10)
    ran = run_program(folder, "android.emulator.up", start=("-c", PROGRAM))
    assert ran.code == 4 and "Android did not boot within 10 s: sys.boot_completed is not 1" in ran.text
    assert re.search(rf"try: cat {world.folder}/cache/emulators/emulator-\d+\.log", ran.text)


def test_a_second_boot_is_reported(world):
    world.plan(never=True, once=True)
    steps = []
    with_steps = lambda what, done, total: steps.append((what, done))  # noqa: E731
    started = world.up(10, with_steps)
    avd.down(world.server)
    assert "did not boot within 10 s" in started.retried
    assert steps == [("emulator boots", 0), ("emulator boots again", 0), ("emulator boots again", 1)]


def test_an_emulator_that_dies_says_its_own_words(world):
    world.plan(dies="FATAL | A bad thing happened\nmore info: https://example.org/help")
    with pytest.raises(RunError, match=r"ended before Android had booted: A bad thing happened \(2 boots") as caught:
        world.up()
    assert len(world.starts) == 2 and caught.value.fix.startswith("cat ")


def test_a_machine_that_cannot_run_an_emulator_is_not_asked_twice(world):
    world.plan(dies="ERROR | Not enough disk space to run AVD")
    with pytest.raises(EnvironmentMissing, match="had booted: the emulator has no room on this machine") as caught:
        world.up()
    assert len(world.starts) == 1 and caught.value.fix.startswith("free space there") and "; cat " in caught.value.fix


def test_an_emulator_that_does_not_know_a_flag(world, monkeypatch):
    monkeypatch.setattr(avd, "FLAGS", ["-no-window", "-fly"])
    with pytest.raises(RunError, match="unknown option: -fly"):
        world.up()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_an_interrupt_during_boot_leaves_nothing(world, number):
    world.plan(never=True)
    log = world.folder / "program.log"
    argv = [sys.executable, "-c", PROGRAM, "android.emulator.up"]
    program = shell.start(argv, log=log, cwd=world.project(), env={"CI": ""})
    try:
        world.wait_for_boot()
        pid = json.loads(world.states[0].read_text("utf-8"))["process"]["pid"]
        assert alive(pid)
        os.kill(program.pid, number)
        assert ends(program.pid) and ends(pid)
    finally:
        shell.end(program)
    assert "interrupted; what was started is stopped" in log.read_text("utf-8")


def test_what_a_killed_program_left_is_found_and_stopped(world):
    """SIGKILL gives nobody a chance; the file does."""
    world.plan(never=True)
    argv = [sys.executable, "-c", PROGRAM, "android.emulator.up"]
    program = shell.start(argv, log=world.folder / "program.log", cwd=world.project(), env={"CI": ""})
    try:
        wait_until(lambda: bool(world.states), "no emulator", 60)
    finally:
        os.kill(program.pid, signal.SIGKILL)
    assert ends(program.pid)
    (left,) = avd.ours()
    assert "ours" in world.run("android.emulator.list").text
    assert f"stopped {left.serial}" in world.run("android.emulator.down").text
    assert ends(left.process.pid)


def test_a_running_emulator_is_left_alone(world):
    port = FIRST_PORT + 1
    with device.started(world.folder / "stranger", port=port) as stranger:
        emulator.announce(port)
        wait_until(lambda: [each.state for each in avd.running(world.server)] == ["device"], "adb does not see it")
        with world.ensure(start=True) as booted:
            assert booted is None
        (listed,) = avd.running(world.server)
        assert listed.serial == f"emulator-{FIRST_PORT}" and listed.emulator is None
        assert avd.down(world.server) == [] and stranger.process.poll() is None
        started = world.up()  # on other ports
        assert started.serial == f"emulator-{FIRST_PORT + 2}"
        assert [each.emulator is not None for each in avd.running(world.server)] == [False, True]
        assert avd.down(world.server) == [started] and stranger.process.poll() is None


def test_a_check_boots_one_only_if_it_may_and_stops_it(world):
    with world.ensure() as booted:
        assert booted is None and world.starts == []
    with pytest.raises(ZeroDivisionError), world.ensure(start=True) as booted:
        assert booted.serial == f"emulator-{FIRST_PORT}" and not booted.kept
        raise ZeroDivisionError
    assert ends(booted.process.pid)


def test_an_emulator_of_a_check_that_was_killed_is_stopped_by_the_next(world):
    with world.ensure(start=True) as first:
        (state,) = world.states
        data = json.loads(state.read_text("utf-8"))
        assert data["owner"]["pid"] == os.getpid()
        with world.ensure(start=True) as second:  # while its own check runs it is a device as any other
            assert second is None and alive(first.process.pid)
        data["owner"]["started_at"] -= 3600
        state.write_text(json.dumps(data), "utf-8")
        with world.ensure(start=True) as third:
            assert third is not None and ends(first.process.pid)


def test_an_emulator_that_will_not_stop_is_ended(world):
    world.plan(deaf=True)
    started = world.up()
    fake = Clock()
    avd.stop(started, world.server, avd.Clock(fake.monotonic, fake.sleep))
    assert ends(started.process.pid) and sum(fake.slept) >= avd.SAVE_DEADLINE_S


def make_own_emulator(shared_cache: Path, world: World, project: Project) -> Path:
    """Let checks of a project boot an emulator that has answers recorded; the folder of its device."""
    need("jdk")
    for folder in shared_cache.iterdir():  # libraries and built APKs are everybody's; emulators are this test's own
        if folder.name not in ("avd", "emulators"):
            (world.folder / "cache" / folder.name).symlink_to(folder)
    name = avd.create(sdk.find_sdk(), 34, sdk.emulator_abi())
    phone = world.folder / f"cache/avd/{name}.avd/device"
    shutil.copytree(project.golden, phone / "recorded")
    project.edit("goldmask.toml", "schema = 1\n", "schema = 1\n[android.emulator]\nstart = true\n")
    return phone


def test_an_interrupted_check_stops_its_emulator(shared_cache, world, project):
    phone = make_own_emulator(shared_cache, world, project)
    log = world.folder / "program.log"
    argv = [sys.executable, "-c", PROGRAM, "check", "--target", "android-device", "--out", world.folder / "out"]
    program = shell.start(argv, log=log, cwd=project.folder, env={"CI": ""})
    try:
        wait_until(lambda: (phone / "ready").exists(), "no device", 60)
        device.write_json(phone / "faults.json", {"slow_s": 600})
        commands = phone / "commands.log"
        asked = lambda: commands.exists() and "am instrument" in commands.read_text("utf-8")  # noqa: E731
        wait_until(asked, "the golden test does not start", 240)
        os.kill(program.pid, signal.SIGINT)
        wait_until(lambda: not shell.running(program), "the program goes on", 60)
    finally:
        shell.end(program)
    assert "interrupted; what was started is stopped" in log.read_text("utf-8")


def test_a_check_on_an_emulator_of_its_own(shared_cache, world, project):
    """The whole line: boot, build, install, instrument, pull, compare, stop."""
    make_own_emulator(shared_cache, world, project)
    world.plan(dies="FATAL | bad luck", once=True)
    words = ("check", "--target", "android-device", "--out", world.folder / "out")
    ran = run_program(project.folder, *words, start=("-c", PROGRAM))
    assert ran.code == 0, ran.text
    again = "at its second boot: the emulator ended before Android had booted: bad luck"
    assert f"booted emulator-{FIRST_PORT} for this check, {again}" in ran.text and "latency is advice only" in ran.text
    assert len(world.starts) == 2 and avd.running(world.server) == []


def test_a_check_whose_emulator_does_not_boot_fails_in_words(world, project):
    world.plan(dies="FATAL | no disk")
    project.edit("goldmask.toml", "schema = 1\n", "schema = 1\n[android.emulator]\nstart = true\n")
    words = ("check", "--target", "python", "--target", "android-device", "--out", world.folder / "out")
    ran = run_program(project.folder, *words, start=("-c", PROGRAM))
    assert ran.code == 4 and "the emulator ended before Android had booted: no disk" in ran.text
    report = json.loads((world.folder / "out/report.json").read_text("utf-8"))
    verdicts = [(each["target"], each["verdict"]) for each in report["comparisons"]]
    assert sorted(verdicts) == [("android-device", "ERROR")] * 2 + [("python", "PASS")] * 2


def test_without_an_sdk(world, monkeypatch):
    monkeypatch.setenv("ANDROID_HOME", str(world.folder / "nowhere"))
    with pytest.raises(EnvironmentMissing, match="lacks platform-tools, emulator, system-images;android-34") as caught:
        world.up()
    assert caught.value.fix == "./goldmask android.sdk --accept-licences"


def test_what_this_machine_lacks_is_exit_3(world):
    start = ("-c", PROGRAM.replace("Path(sys.executable)", "Path('/nowhere/kvm')"))
    ran = run_program(world.project(), "android.emulator.up", start=start)
    assert ran.code == 3 and "/nowhere/kvm is not there" in ran.text and "modprobe" in ran.text
    shutil.rmtree(world.emulator)
    ran = world.run("android.emulator.up")
    assert ran.code == 3 and "lacks emulator" in ran.text and "android.sdk --accept-licences" in ran.text


def test_without_kvm(tmp_path, monkeypatch):
    monkeypatch.setattr(avd, "KVM", tmp_path / "kvm")
    with pytest.raises(EnvironmentMissing, match="kvm is not there") as caught:
        avd.check_acceleration()
    assert "modprobe" in caught.value.fix and "android-jvm" in caught.value.fix
    (tmp_path / "kvm").touch()
    monkeypatch.setattr(avd.os, "access", lambda path, mode: False)
    with pytest.raises(EnvironmentMissing, match="kvm is closed to you") as caught:
        avd.check_acceleration()
    assert "udevadm" in caught.value.fix
    monkeypatch.setattr(avd.sys, "platform", "darwin")
    avd.check_acceleration()


def test_no_port_is_free(world, monkeypatch):
    monkeypatch.setattr(avd, "_is_free", lambda port: False)
    with pytest.raises(RunError, match=f"no port from {FIRST_PORT} to"):
        world.up()


def test_the_files_of_a_device(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path))
    assert avd.create(sdk.Sdk(tmp_path / "sdk"), 34, "arm64-v8a") == "goldmask-34-arm64-v8a"
    folder = tmp_path / "avd/goldmask-34-arm64-v8a.avd"
    config = emulator.read_ini(folder / "config.ini")
    assert config["hw.cpu.arch"] == "arm64" and config["abi.type"] == "arm64-v8a"
    assert config["image.sysdir.1"] == "system-images/android-34/aosp_atd/arm64-v8a/"
    assert emulator.read_ini(folder.with_suffix(".ini"))["path"] == str(folder)
    (folder / "snapshots").mkdir()
    (folder / "config.ini").write_text("the emulator's own additions", "utf-8")
    avd.create(sdk.Sdk(tmp_path / "sdk"), 34, "arm64-v8a")
    assert (folder / "snapshots").is_dir()  # unchanged settings: the device is kept
    monkeypatch.setitem(avd.CONFIG, "hw.ramSize", "3072")
    avd.create(sdk.Sdk(tmp_path / "sdk"), 34, "arm64-v8a")
    assert not (folder / "snapshots").exists()
    assert emulator.read_ini(folder / "config.ini")["hw.ramSize"] == "3072"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"process": "x"}'], ids=["empty", "nothing", "list", "words"])
def test_a_state_file_that_says_nothing_is_no_emulator(text, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path))
    (tmp_path / "emulators").mkdir()
    (tmp_path / "emulators/emulator-5554.json").write_text(text, "utf-8")
    assert avd.ours() == [] and list((tmp_path / "emulators").iterdir()) == []
