"""A signal at any moment: exit 130 and one sentence; no process and no temporary folder is left, goldens are whole."""

import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from conftest import NORMALISED, REPO, Project, Ran, run_program
from processes import wait_until

from goldmask.contract.bundle import mask_of
from goldmask.machine.interrupts import ENDING, EXIT_CODE, MESSAGE
from goldmask.project.golden import load_golden

pytestmark = pytest.mark.project

MOMENTS = REPO / "tests/moments.py"
COMMANDS = {"check": ("check", "--out", "out"), "golden.record": ("golden.record", "--mode", "all")}
# Half of the time of a start goes by while modules are loaded; what may be left behind is made in the other half.
LOADS, DEEDS = 8, 12
# GOLDMASK_ALL_SIGNALS=1: each signal at each moment, and not one after the other.
ALL = bool(os.environ.get("GOLDMASK_ALL_SIGNALS"))


class World:
    """A project whose golden is about to change, and what a run of the program leaves on this machine."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.temporary, self.mark = project, folder / "temporary", uuid.uuid4().hex
        self.temporary.mkdir()
        project.edit("models/tiny/model.toml", NORMALISED, "[input]\nmean = [0]\nstd = [255]\n")
        self.before = contents(project.golden)

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
        environment = {"TMPDIR": str(self.temporary), "GOLDMASK_TEST_MARK": self.mark}
        return run_program(self.project.folder, *words, start=start, **environment)

    def run_until(self, command: str, kind: str, n: int, number: int) -> Ran:
        """The program, sent a signal at its n-th step of a kind."""
        start = (MOMENTS, str(n), str(number), kind, self.temporary.with_name("steps"), REPO / "tasks.py")
        return self.run(*COMMANDS[command], start=start)

    def steps(self, command: str, kind: str) -> int:
        """How many steps of a kind there are."""
        assert self.run_until(command, kind, 0, 0).code in (0, 5)
        return int(self.temporary.with_name("steps").read_text("ascii"))

    def restore(self) -> None:
        """Have the golden of before."""
        shutil.rmtree(self.project.golden)
        for name, data in self.before.items():
            path = self.project.golden / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def check(self, ran: Ran, died_of: int = 0) -> None:
        """What a signal must leave: nothing but a whole golden. `died_of` it may a program that had only just begun."""
        if not died_of or (ran.code, ran.stderr) != (-died_of, ""):
            # Before the sentence stand the steps that had ended.
            assert ran.code == EXIT_CODE and ran.stderr.splitlines()[-1] == MESSAGE, ran.stderr
        wait_until(lambda: not self.processes(), "processes of the run do not end", 10)
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


@pytest.mark.parametrize("kind", ["load", "do"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_signal_at_any_moment(world: World, command: str, kind: str):
    steps, count = world.steps(command, kind), LOADS if kind == "load" else DEEDS
    for index in range(count):
        step = 1 + steps * index // count
        for number in ENDING if ALL else [ENDING[index % len(ENDING)]]:
            ran = world.run_until(command, kind, step, number)
            try:
                world.check(ran, died_of=number if (kind, step) == ("load", 1) else 0)
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"{signal.Signals(number).name} at step {step} of {steps}") from error


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_signal_while_the_reference_predicts(world: World, number: int):
    def reference() -> list[psutil.Process]:
        return [each for each in world.processes() if "interpreter.py" in " ".join(each.cmdline()[1:2])]

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(world.run, *COMMANDS["golden.record"])
        wait_until(reference, "the reference does not start")
        world.program().send_signal(number)
        world.check(running.result())
    assert contents(world.project.golden) == world.before


def test_a_kill_at_any_rename_blesses_nothing_and_is_tidied_up_by_the_next_run(world: World):
    steps = world.steps("golden.record", "rename")
    assert steps >= 3
    put_back = 0
    for step in range(1, steps + 1):
        assert world.run_until("golden.record", "rename", step, signal.SIGKILL).code == -signal.SIGKILL
        put_back += not world.project.golden.exists()
        whole = world.before
        if world.project.golden.exists():
            whole = contents(world.project.golden)
        ran = world.run_again("golden.record")
        assert contents(world.project.golden) == whole
        # The old golden is stale, which is said; that it is not missing is what counts.
        assert (ran.code, "stale" in ran.text) == ((5, True) if whole == world.before else (0, False))
        world.check_files()
    assert put_back == 1


def test_two_runs_at_once_leave_each_others_folders_and_a_later_one_removes_the_killed_ones(world: World):
    def folders() -> set[Path]:
        return set(world.temporary.glob("goldmask-*"))

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(world.run, *COMMANDS["golden.record"])
        wait_until(folders, "the first run makes no folder")
        program = world.program()
        program.suspend()
        try:
            of_the_living = folders()
            assert world.run_until("golden.record", "rename", 1, signal.SIGKILL).code == -signal.SIGKILL
            assert len(of_the_living) == 1 and len(folders()) == 2
            assert world.run_again("models.list").code == 0
            assert folders() == of_the_living
        finally:
            program.resume()
        assert slow.result().code == 0
    assert folders() == set()


def test_without_a_signal_it_would_have_gone_on(world: World):
    assert world.run(*COMMANDS["golden.record"]).code == 0
    assert contents(world.project.golden) != world.before
