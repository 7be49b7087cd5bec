"""The launcher and the tasks, as a user with only Python starts them on a fresh copy."""

import fcntl
import re
import shutil
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from conftest import REPO, run_program

from goldmask.machine import shell
from goldmask.machine.interrupts import MESSAGE

pytestmark = pytest.mark.project

ROOT_FILES = (
    "goldmask",
    "tasks.py",
    "goldmask.toml",
    "pyproject.toml",
    "requirements.txt",
    "requirements-deeplab.txt",
    "requirements-dev.txt",
    "requirements-uv.txt",
)


def launch(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """`./goldmask …` in `folder`: code, stdout, stderr."""
    log = folder.parent / "stderr.log"
    done = shell.run([folder / "goldmask", *words], log=log, deadline_s=600, cwd=folder, env=environment or None)
    return done.code, done.stdout, log.read_text("utf-8")


@pytest.fixture(scope="module")
def first_start(tmp_path_factory) -> tuple[Path, tuple[int, str, str]]:
    """The project as a fresh clone has it, without .venv; and what its first start said, whichever test comes first."""
    folder = tmp_path_factory.mktemp("fresh copy") / "gold mask"  # a space, as in people's folders
    folder.mkdir()
    for name in ROOT_FILES:
        shutil.copy2(REPO / name, folder / name)
    for name in ("python", "models"):
        shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder, launch(folder, "models.list")


@pytest.fixture
def copy(first_start) -> Path:
    """The project after its first start."""
    return first_start[0]


def test_the_first_start_sets_up_and_the_next_are_quiet(first_start):
    copy, (code, stdout, stderr) = first_start
    assert code == 0 and "deeplabv3" in stdout, stderr
    assert "goldmask: making" in stderr and "installing requirements.txt" in stderr
    assert launch(copy, "models.list") == (0, stdout, "")


def test_changed_requirements_are_installed_again(copy):
    with (copy / "requirements.txt").open("a", encoding="utf-8") as lock:
        lock.write("# changed\n")
    code, _, stderr = launch(copy, "models.list")
    assert code == 0 and "installing requirements.txt" in stderr
    assert launch(copy, "models.list")[2] == ""


def test_an_interrupted_set_up_is_finished_by_the_next_start(copy):
    (copy / ".venv/goldmask-requirements").unlink()
    code, _, stderr = launch(copy, "models.list")
    assert code == 0 and "installing" in stderr


def test_two_starts_at_once_make_one_environment(copy):
    """The second one waits for the first, which is this test, and finds nothing left to do."""
    stamp, aside = copy / ".venv/goldmask-requirements", copy / ".venv/aside"
    with (copy / ".venv.lock").open("w") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp.rename(aside)
        running = pool.submit(launch, copy, "models.list", WAITS_FOR=str(copy))
        while not running.done() and not is_waiting(str(copy)):
            pass
        aside.rename(stamp)
        fcntl.flock(lock, fcntl.LOCK_UN)
        code, stdout, stderr = running.result()
    assert (code, stderr) == (0, "") and "deeplabv3" in stdout


def is_waiting(mark: str) -> bool:
    """Whether one of the processes that this test started is at the lock."""
    return any(
        environment_of(each).get("WAITS_FOR") == mark and "flock" in " ".join(each.info["cmdline"] or ())
        for each in psutil.process_iter(["cmdline"])
    )


def test_a_folder_that_cannot_be_written_is_told(copy, tmp_path):
    shutil.copytree(copy, tmp_path / "copy", ignore=shutil.ignore_patterns(".venv", ".venv.lock"))
    (tmp_path / "copy/.venv.lock").mkdir()  # root may write everywhere
    code, _, stderr = launch(tmp_path / "copy", "models.list")
    assert code == 3 and re.fullmatch(r"goldmask: .*\.venv\.lock cannot be written\. try: ls -ld .*\n", stderr)


def test_it_starts_from_any_folder_and_through_a_link(copy, tmp_path):
    link = tmp_path / "goldmask"
    link.symlink_to(copy / "goldmask")
    done = shell.run([link, "models.list"], log=tmp_path / "log", deadline_s=60, cwd=tmp_path)
    assert done.code == 0 and "deeplabv3" in done.stdout


def test_without_python_it_says_what_to_install(copy, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cmp", "readlink", "python3"):
        source = shutil.which(name) if name != "python3" else "/bin/false"
        (tools / name).symlink_to(source)
    shutil.copytree(copy, tmp_path / "copy", ignore=shutil.ignore_patterns(".venv"))
    code, _, stderr = launch(tmp_path / "copy", PATH=str(tools))
    assert code == 3 and "Python 3.11, 3.12 or 3.13 is needed" in stderr and "apt-get install" in stderr


def test_a_half_made_environment_does_not_stay_broken(copy, tmp_path):
    """Interrupted before pip was there: the folder exists, its Python runs, and nothing can be installed with it."""
    shutil.copytree(copy, tmp_path / "copy", ignore=shutil.ignore_patterns(".venv"))
    done = shell.run(
        [sys.executable, "-m", "venv", "--without-pip", tmp_path / "copy/.venv"], log=tmp_path / "log", deadline_s=60
    )
    assert done.code == 0
    code, stdout, stderr = launch(tmp_path / "copy", "models.list")
    assert code == 0 and "deeplabv3" in stdout, stderr


def test_python_path_cannot_replace_a_package(copy, tmp_path):
    """Neither of the program nor of a reference's environment, each of which has a module that would be first."""
    for name in ("invoke", "rich", "numpy", "pydantic", "PIL"):
        (tmp_path / f"{name}.py").write_text("import os\nos.write(1, b'REPLACED')\nos._exit(0)\n", "utf-8")
    twin = shell.run(
        [copy / ".venv/bin/python", copy / "tasks.py", "models.list"],
        log=tmp_path / "log",
        deadline_s=60,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert twin.stdout == "REPLACED"
    image = next((copy / "models/shapes").rglob("*.png"))
    words = ("run", "--model", "shapes", "--image", str(image), "--out", str(tmp_path / "out"))
    code, stdout, stderr = launch(copy, *words, PYTHONPATH=str(tmp_path))
    assert code == 0 and "LiteRT" in stdout and "REPLACED" not in stdout + stderr, stderr


def test_a_signal_while_python_itself_starts(copy, tmp_path):
    """Where Python looks for packages, before anything of ours is loaded."""
    (packages,) = (copy / ".venv/lib").glob("python3*/site-packages")
    path = packages / "signal_here.pth"
    path.write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)\n", "utf-8")
    try:
        code, stdout, stderr = launch(copy, "models.list")
    finally:
        path.unlink()
    assert (code, stdout, stderr) == (130, "", f"{MESSAGE}\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_while_the_environment_is_made(copy, tmp_path, number):
    """pip waits for an index that never answers; then the signal comes."""
    shutil.copytree(copy, tmp_path / "copy", ignore=shutil.ignore_patterns(".venv"))
    with socket.create_server(("127.0.0.1", 0)) as index, ThreadPoolExecutor(1) as pool:
        mark = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        index.settimeout(60)
        running = pool.submit(launch, tmp_path / "copy", "models.list", PIP_INDEX_URL=mark)
        connection, _ = index.accept()
        with connection:
            of_it = [each for each in psutil.process_iter() if environment_of(each).get("PIP_INDEX_URL") == mark]
            assert len(of_it) >= 2
            min(of_it, key=psutil.Process.create_time).send_signal(number)
            code, _, stderr = running.result()
    assert code == 130 and stderr.endswith(f"{MESSAGE}\n") and "Traceback" not in stderr
    assert not psutil.wait_procs(of_it, timeout=10)[1]


def environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def test_alone_it_lists_the_tasks():
    ran = run_program(REPO)
    assert ran.code == 0
    for name in ("check", "run", "compare", "report", "doctor", "test", "models.list", "models.fetch", "models.info",
                 "golden.record", "golden.verify", "golden.prune"):  # fmt: skip
        assert re.search(rf"^\s+{re.escape(name)}\s+\S", ran.stdout, re.MULTILINE), name


def test_every_task_and_every_flag_has_help():
    names = re.findall(r"^  ([a-z.]+)  ", run_program(REPO).stdout, re.MULTILINE)
    assert len(names) >= 12
    for name in names:
        text = run_program(REPO, name, "--help").stdout
        assert "Docstring:\n  none" not in text
        for flag in re.findall(r"^  (--[a-z-]+)(?:=\S+)?", text, re.MULTILINE):
            line = next(line for line in text.splitlines() if line.startswith(f"  {flag}"))
            assert len(line.split(None, 1)) == 2, f"{name} {flag} has no help"


def test_inv_is_the_same_program(tmp_path):
    log = tmp_path / "log"
    done = shell.run([Path(sys.executable).with_name("inv"), "models.list"], log=log, deadline_s=60, cwd=REPO)
    assert done.code == 0 and done.stdout == run_program(REPO, "models.list").stdout


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_shells_can_complete(shell_name):
    ran = run_program(REPO, "--print-completion-script", shell_name)
    assert ran.code == 0 and "goldmask" in ran.stdout
    assert "--pipeline" in run_program(REPO, "--complete", "--", "goldmask", "check", "--").stdout
