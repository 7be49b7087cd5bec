"""A signal at any moment: exit 130 and one sentence; no process and no temporary folder is left, goldens are whole."""

import contextlib
import json
import os
import shutil
import signal
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from conftest import NORMALISED, REPO, Project, Ran, changed_bundle, equal_bundle, run_program
from moments import Loaded, Moment
from processes import wait_until

from goldmask.contract.bundle import mask_of
from goldmask.machine import shell
from goldmask.machine.interrupts import ENDING, EXIT_CODE, MESSAGE
from goldmask.project.golden import load_golden
from goldmask.project.pending import STORE

pytestmark = pytest.mark.project

COMMANDS = {
    "check": ("check", "--out", "out"),
    "golden.record": ("golden.record", "--mode", "all"),
    "golden.accept": ("golden.accept", "--all", "--reason", "another normalisation"),
}
# A signal at each of so many moments, while modules are loaded; and so many for each signal after that.
LOADS, MOMENTS = 8, 20
# Python ignores SIGPIPE, and so does what it is sent to.
SIGNALS = (*ENDING, signal.SIGPIPE)
CHANGED = "[input]\nmean = [0]\nstd = [255]\n"
# A reference that has predicted before: what is tested is the program, of which that would be three quarters.
PREDICTED = """#!/bin/sh
[ "$1" = sync ] && exit
for out; do :; done
exec cp -R "$BUNDLE/." "$out"
"""
ENDLESS = """#!/bin/sh
[ "$1" = sync ] && exit
sleep 600 &
sleep 600
"""


class World:
    """A project whose golden is about to change, and what a run of the program leaves on this machine."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.temporary, self.mark = project, folder / "temporary", uuid.uuid4().hex
        self.predicted = folder / "predicted"
        self.temporary.mkdir()
        self.environment = {"TMPDIR": str(self.temporary), "GOLDMASK_TEST_MARK": self.mark}
        project.edit("models/tiny/model.toml", NORMALISED, CHANGED)
        self.before = contents(project.golden)
        self.store = project.folder / STORE
        self.pending: dict[str, bytes] = {}

    def processes(self) -> list[psutil.Process]:
        """Those that descend from a run."""
        return [each for each in psutil.process_iter() if self._is_ours(each)]

    def program(self) -> psutil.Process:
        """The run that is going on; a child of it looks the same until it has become another program."""
        return min(self.processes(), key=psutil.Process.create_time)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("GOLDMASK_TEST_MARK") == self.mark
        except (psutil.Error, OSError):
            return False

    def run(self, *words: str | Path, start: tuple[str | Path, ...] = (REPO / "tasks.py",)) -> Ran:
        """The program on the golden of before, as `run_again`."""
        self.restore()
        return self.run_again(*words, start=start)

    def run_again(self, *words: str | Path, start: tuple[str | Path, ...] = (REPO / "tasks.py",)) -> Ran:
        """The program, whose processes and temporary folders are known as such."""
        return run_program(self.project.folder, *words, start=start, **self.environment)

    def run_until(self, command: str, moment: Moment) -> Ran:
        """The program, sent a signal at a moment."""
        start = (REPO / "tests/moments.py", *map(str, moment), self.temporary.with_name("steps"), REPO / "tasks.py")
        return self.run(*COMMANDS[command], start=start)

    def steps(self, command: str, kind: str) -> int:
        """How many steps of a kind there are."""
        assert self.run_until(command, Moment(0, 0, kind)).code in (0, 5)
        return int(json.loads(self.temporary.with_name("steps").read_text("utf-8"))["steps"])

    def stand_in(self, script: str) -> None:
        """Have a script in place of uv."""
        package = self.temporary.parent / "stand-in/uv"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"def find_uv_bin():\n    return {str(package / 'uv')!r}\n", "utf-8")
        (package / "uv").write_text(script, "utf-8")
        (package / "uv").chmod(0o755)
        self.environment["PYTHONPATH"] = str(package.parent)

    def restore(self) -> None:
        """Have the golden of before, and what pends."""
        for folder, files in ((self.project.golden, self.before), (self.store, self.pending)):
            shutil.rmtree(folder, ignore_errors=True)
            for name, data in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)

    def record(self, loaded: "Loaded") -> None:
        """Have a changed mask pend."""
        changed_bundle(self.project, self.predicted)
        assert loaded.run(Moment(0, 0, "do"), self.project.folder, *COMMANDS["golden.record"])[0] == 0
        self.pending = contents(self.store)
        assert self.pending

    def check(self, code: int, stderr: str, but: int = 0) -> None:
        """What a signal must leave: nothing but a whole golden, and no process `but` one that is the test's own."""
        # Before the sentence stand the steps that had ended.
        assert code == EXIT_CODE and stderr.splitlines()[-1] == MESSAGE, stderr
        wait_until(lambda: {each.pid for each in self.processes()} <= {but}, "processes of the run do not end", 10)
        self.check_files()

    def check_files(self) -> None:
        """The golden of before or the new one, and nothing beside it; no temporary folder."""
        assert [path for path in self.temporary.iterdir() if not path.match("uv-*.lock")] == []
        assert [path.name for path in self.project.golden.parent.iterdir()] == ["lib_interpreter"]
        assert list(self.project.folder.rglob(".*")) == []
        golden = load_golden(self.project.golden)
        assert contents(self.project.golden) == self.before or golden.provenance.input.std == (255,)
        for result in golden.bundle.results:
            mask_of(golden.folder, result)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def world(project: Project, tmp_path: Path) -> Iterator[World]:
    """A world that ends what a failing test left running."""
    made = World(project, tmp_path)
    yield made
    for process in made.processes():
        process.kill()


@pytest.fixture
def loaded(world: World) -> Iterator[Loaded]:
    """The program of a world, with a reference that has predicted before: what is in `world.predicted`."""
    world.stand_in(PREDICTED)
    environment = world.environment | {"BUNDLE": str(world.predicted), "CI": ""}
    with contextlib.closing(Loaded(world.temporary.parent, REPO / "tasks.py", environment)) as made:
        yield made


@pytest.mark.parametrize("command", ["check", "golden.accept"])
def test_each_signal_at_any_moment(world: World, loaded: Loaded, command: str):
    if command == "check":
        world.project.edit("models/tiny/model.toml", CHANGED, NORMALISED)
        equal_bundle(world.project, world.predicted)
    else:
        world.record(loaded)

    def run(moment: Moment) -> tuple[int, str]:
        world.restore()
        shutil.rmtree(world.project.folder / "out", ignore_errors=True)
        return loaded.run(moment, world.project.folder, *COMMANDS[command])

    for _ in range(2):  # the first one compiles modules as well
        assert run(Moment(0, 0, "do"))[0] == 0
    assert (contents(world.project.golden) == world.before) == (command == "check")
    steps, count = loaded.steps(), MOMENTS * len(SIGNALS)
    assert steps > MOMENTS
    for index in range(count):  # no two signals come at the same moment, where there are as many
        moment = Moment(1 + steps * index // count, SIGNALS[index % len(SIGNALS)], "do")
        try:
            code, stderr = run(moment)
            if moment.signal == signal.SIGPIPE:
                assert code == 0, stderr
                world.check_files()
            else:
                world.check(code, stderr, but=loaded.pid)
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(f"{signal.Signals(moment.signal).name} at step {moment.n} of {steps}") from error


@pytest.mark.parametrize("command", ["check", "golden.accept"])
def test_a_signal_while_modules_are_loaded(world: World, command: str):
    steps = world.steps(command, "load")
    for index in range(LOADS):
        moment = Moment(1 + steps * index // LOADS, ENDING[index % len(ENDING)], "load")
        ran = world.run_until(command, moment)
        if moment.n == 1 and (ran.code, ran.stderr) == (-moment.signal, ""):
            continue  # it had only just begun
        try:
            world.check(ran.code, ran.stderr)
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(f"{signal.Signals(moment.signal).name} at step {moment.n} of {steps}") from error


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_signal_while_the_reference_predicts(world: World, number: int):
    def reference() -> list[psutil.Process]:
        return [each for each in world.processes() if "interpreter.py" in " ".join(each.cmdline()[1:2])]

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(world.run, *COMMANDS["golden.record"])
        wait_until(reference, "the reference does not start")
        world.program().send_signal(number)
        ran = running.result()
        world.check(ran.code, ran.stderr)
    assert contents(world.project.golden) == world.before


def test_a_kill_at_any_rename_blesses_nothing_and_is_tidied_up_by_the_next_run(world: World, loaded: Loaded):
    world.record(loaded)
    folder, command = world.project.folder, COMMANDS["golden.accept"]
    for _ in range(2):  # the first one compiles modules as well
        world.restore()
        assert loaded.run(Moment(0, 0, "rename"), folder, *command)[0] == 0
    steps, put_back = loaded.steps(), 0
    assert steps >= 3
    for step in range(1, steps + 1):
        world.restore()
        assert loaded.run(Moment(step, signal.SIGKILL, "rename"), folder, *command)[0] == -signal.SIGKILL
        put_back += not world.project.golden.exists()
        whole = world.before
        if world.project.golden.exists():
            whole = contents(world.project.golden)
        code, stderr = loaded.run(Moment(0, 0, "rename"), folder, "golden.record")
        assert contents(world.project.golden) == whole
        # The old golden is stale, which is said; that it is not missing is what counts.
        assert (code, "stale" in stderr) == ((5, True) if whole == world.before else (0, False))
        # What was not accepted still pends; what was is not shown any more.
        assert loaded.run(Moment(0, 0, "rename"), folder, "golden.pending")[0] == (5 if whole == world.before else 0)
        world.check_files()
    assert put_back == 1


def test_what_a_signal_would_leave_is_seen(world: World, tmp_path: Path):
    world.check_files()
    for name in ("temporary/goldmask-1", "project/.report.json.0123abcd", "project/models/tiny/goldens/new"):
        (tmp_path / name).mkdir()
        with pytest.raises(AssertionError):
            world.check_files()
        (tmp_path / name).rmdir()
    shutil.rmtree(world.project.golden / "masks")
    with pytest.raises(AssertionError):
        world.check_files()
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    left = shell.start(argv, log=tmp_path / "log", env=world.environment)
    wait_until(world.processes, "a process of the run is not seen")
    shell.end(left)
    assert world.processes() == []


def test_two_runs_at_once_leave_each_others_folders_and_a_later_one_removes_the_killed_ones(world: World):
    def folders() -> set[Path]:
        return set(world.temporary.glob("goldmask-*"))

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(world.run, *COMMANDS["golden.record"])
        wait_until(lambda: len(folders()) == 2, "the first run does not record")  # its own folder, and the bundle's
        program = world.program()
        program.suspend()
        try:
            of_the_living = folders()
            assert world.run_until("golden.record", Moment(1, signal.SIGKILL, "rename")).code == -signal.SIGKILL
            assert of_the_living and folders() > of_the_living
            assert world.run_again("models.list").code == 0
            assert folders() == of_the_living
        finally:
            program.resume()
        assert slow.result().code == 0
    assert folders() == set()


# Python 3.11 makes a RuntimeError of whatever `__set_name__` raises.
CLASS = """
class Field:
    def __set_name__(self, owner, name):
        {deed}

class Owner:
    field = Field()
"""


@pytest.mark.parametrize("start", [("tasks.py",), ("-m", "goldmask")], ids=lambda start: start[-1])
@pytest.mark.parametrize("interrupted", [True, False])
def test_a_signal_while_a_class_is_made(tmp_path: Path, start: tuple[str, ...], interrupted: bool):
    deed = "import os, signal; os.kill(os.getpid(), signal.SIGINT)" if interrupted else "raise ValueError('a bug')"
    (tmp_path / "invoke.py").write_text(CLASS.format(deed=deed), "utf-8")
    path = f"{tmp_path}{os.pathsep}{REPO / 'python'}"
    argv = [sys.executable, *start, "models.list"]
    done = shell.run(argv, log=tmp_path / "log", deadline_s=60, cwd=REPO, env={"PYTHONPATH": path})
    said = (tmp_path / "log").read_text("utf-8")
    if interrupted:
        assert (done.code, said) == (EXIT_CODE, f"{MESSAGE}\n")
    else:
        assert done.code == 1 and "Traceback" in said and "a bug" in said


def test_what_a_killed_run_had_started_is_ended_by_the_next(world: World):
    def reference() -> bool:
        return sum(each.name() == "sleep" for each in world.processes()) == 2

    world.stand_in(ENDLESS)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(world.run, *COMMANDS["golden.record"])
        wait_until(reference, "the reference does not start")
        world.program().kill()
        assert running.result().code == -signal.SIGKILL
    assert reference()
    assert world.run_again("models.list").code == 0
    wait_until(lambda: not world.processes(), "processes of the killed run do not end", 10)
    world.check_files()


def test_without_a_signal_it_would_have_gone_on(world: World):
    assert world.run(*COMMANDS["golden.record"]).code == 0
    world.project.accept()
    assert contents(world.project.golden) != world.before
