"""Ten mistakes that everybody makes, and all that they are told: what, the word that was meant, the command to type."""

from conftest import REPO, Project, run_program
from snapshot import assert_snapshot

from goldmask.contract.errors import ExitCode

# goldmask as it is where it was installed: a folder without a project is not goldmask's own clone.
INSTALLED = f"""
import runpy, sys

sys.path.insert(0, {str(REPO / "python")!r})
from goldmask.machine import resources

resources.INSTALLED, resources.COMMAND = True, "goldmask"
sys.argv[0] = "goldmask"
runpy.run_path({str(REPO / "tasks.py")!r}, run_name="__main__")
"""
WINDOWS = (
    "\ufeffschema = 1\r\n[option]\r\nthreads = 2\r\n[suites.default]\r\nmodels = ['tiny']\r\ntarget = ['python']\r\n"
)
MISTAKES = (
    (("chekc",), "check", ExitCode.USAGE),
    (("golden", "recrod"), "golden.record", ExitCode.USAGE),
    (("check", "--modle", "tiny"), "--model", ExitCode.USAGE),
    (("check", "--model", "tyni"), "tiny", ExitCode.CONFIG),
    (("check", "--suite", "defualt"), "default", ExitCode.CONFIG),
    (("check", "--target", "andriod-jvm"), "android-jvm", ExitCode.USAGE),
    (("check", "--pipeline", "lib_task_apo"), "lib_task_api", ExitCode.USAGE),
    (("check", "--delegate", "xnpack"), "xnnpack", ExitCode.USAGE),
    (("check", "--case", "flga"), "flag", ExitCode.USAGE),
    (("check", "--model"), "", ExitCode.USAGE),
    (("run", "--model", "~/mine.tflite", "--image", "~/photo.jpg"), "", ExitCode.USAGE),
    (("run", "--target", "android-jvm", "--model", "tiny", "--image", "photo.jpg"), "", ExitCode.ENVIRONMENT),
)


def test_ten_mistakes(project: Project, tmp_path):
    (project.model / "flag.png").rename(project.folder / "photo.jpg")
    shown = [told(project, words, meant, code) for words, meant, code in MISTAKES]
    (project.folder / "goldmask.toml").write_bytes(WINDOWS.encode())
    shown.append(told(project, ("check",), "targets", ExitCode.CONFIG))
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    shown.append(told(Project(nowhere), ("check",), "", ExitCode.USAGE, start=("-c", INSTALLED)))
    assert not list(nowhere.iterdir())
    assert_snapshot("mistakes", "\n".join(shown))


def told(project: Project, words, meant: str, code: ExitCode, **start) -> str:
    """The command and what it prints; the word that was meant has to be in it."""
    home = str(project.folder.parent / "home")
    ran = run_program(project.folder, *words, HOME=home, JAVA_HOME="/nowhere", **start)
    assert ran.code == code and (not meant or f"(did you mean {meant}?)" in ran.text), ran.text
    text = (ran.stdout + ran.stderr).replace(str(project.folder), "PROJECT").replace(home, "HOME")
    return f"$ goldmask {' '.join(words)}\n{text}exit {ran.code}\n"


def test_and_without_a_mistake_it_runs(project: Project):
    ran = project.run("check", "--suite", "default", "--model", "tiny", "--target", "python", "--case", "flag")
    assert ran.code == 0, ran.text
