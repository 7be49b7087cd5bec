"""What people type and mistype: groups, help, what was probably meant, completion in real shells."""

import re
import sys
from pathlib import Path

import pytest
from conftest import REPO, Project, run_program
from needs import need
from shells import Shell

from goldmask.contract.errors import ExitCode
from goldmask.machine import shell

pytestmark = pytest.mark.project


def test_tasks_are_listed_in_groups_everyday_ones_first():
    listed = run_program(REPO, "--help").stdout
    assert listed == run_program(REPO).stdout == run_program(REPO, "--list").stdout
    lines = listed.splitlines()
    assert lines.index("Every day:") < lines.index("Goldens and models:") < lines.index("Android:")
    assert max(map(len, lines)) <= 80 and "core" not in listed
    everyday = [line.split()[0] for line in lines[lines.index("Every day:") + 1 :][:7]]
    assert everyday == ["check", "report", "compare", "diagnose", "run", "doctor", "init"]


def test_every_task_stands_in_a_group_and_has_an_example():
    names = re.findall(r"^  (\S+) ", run_program(REPO, "--list").stdout, re.MULTILINE)
    documented = re.findall(r"^(\S+)", (REPO / "docs/command-line.txt").read_text("utf-8"), re.MULTILINE)
    assert sorted(names) == sorted(documented) and len(names) > 25
    for name in ("check", "golden.record", "android.farm.plan"):
        assert "\nExample:\n  ./goldmask " in run_program(REPO, name, "--help").stdout


def test_help_has_defaults_and_none_of_invokes_own_options():
    text = run_program(REPO, "check", "--help").stdout
    assert "--threads THREADS" in text and "threads of the runtime" in text and "(default: default)" in text
    assert "--core-opts" not in text and "--echo" not in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("chekc",), "there is no task 'chekc' (did you mean check?) try: ./goldmask --help"),
        (
            ("check", "--targte", "python"),
            "check has no option --targte (did you mean --target?) try: ./goldmask check --help",
        ),
        (("check", "--target", "pyhton"), "--target 'pyhton' is not known (did you mean python?)"),
        (("compare", "--golden"), "try: ./goldmask"),
        (("check", "--image", "a.png"), "check has no option --image try: ./goldmask check --help"),
        (("check", "tiny"), "check takes no 'tiny' without a flag before it try: ./goldmask check --model tiny"),
        (("check", "golden.recrod"), "there is no task 'golden.recrod' (did you mean golden.record?)"),
        (("golden",), "there is no task 'golden'"),
        (("models.info", "--model", "tyni"), "there is no model tyni (did you mean tiny?)"),
    ],
)
def test_what_was_probably_meant(project: Project, words, sentence):
    ran = project.run(*words)
    assert ran.code == ExitCode.USAGE and sentence in ran.text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("check", "--model"), "--model needs a value try: ./goldmask check --model tiny"),
        (("check", "--out"), "--out needs a value try: ./goldmask check --out OUT"),
        (
            ("check", "--target", "--model", "tiny"),
            "--target needs a value try: ./goldmask check --target python|android",
        ),
        (("check", "--model="), "--model is empty"),
        (("check", "--device", ""), "--device is empty"),
        (("check", "--model", "tiny", "--model", "tiny"), "--model tiny is given twice"),
        (("check", "--out", "a", "--out", "b"), "--out is given twice, and takes one value"),
        (("check", "--out=a", "--out=b"), "--out is given twice, and takes one value"),
        (("check", "--dry"), "--dry is invoke's and has no effect here"),
        (("--dry", "check"), "--dry is invoke's and has no effect here"),
        (("check", "-R"), "--dry is invoke's and has no effect here"),
        (("check", "--warn-only"), "--warn-only is invoke's and has no effect here"),
        (("check", "--", "--model", "tiny"), "what follows -- has no effect: --model tiny"),
    ],
)
def test_what_would_have_no_effect_does_not_run(project: Project, words, sentence):
    ran = project.run(*words)
    assert ran.code == ExitCode.USAGE and sentence in ran.text
    assert not (project.folder / "build/check").exists()


def test_inv_refuses_it_as_well(project: Project, tmp_path):
    """The twin is `test_inv_is_the_same_program`."""
    for words, sentence in (
        (("check", "--model"), "--model needed value"),
        (("check", "--dry"), "--dry has no effect"),
    ):
        done = shell.run(
            [Path(sys.executable).with_name("inv"), "--search-root", REPO, *words],
            log=tmp_path / "log",
            deadline_s=60,
            cwd=project.folder,
        )
        assert done.code == ExitCode.USAGE and sentence in (tmp_path / "log").read_text("utf-8")
    assert not (project.folder / "build/check").exists()


def test_words_may_stand_for_dots(project: Project):
    assert project.run("models", "list").stdout == project.run("models.list").stdout
    assert "Example" in run_program(REPO, "android", "apk", "verify", "--help").stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ((), "golden.record"),
        (("gold",), "golden.record"),
        (("check", "--"), "--target"),
        (("check", "--target"), "android-jvm"),
        (("check", "--model", "ti"), "tiny"),
        (("check", "--case", "fl"), "flag"),
        (("check", "--delegate"), "xnnpack"),
        (("check", "--suite"), "default"),
        (("golden.record", "--mode"), "missing"),
        (("check", "--mode"), "mlperf"),
    ],
)
def test_completion_offers_tasks_flags_and_values(project: Project, words, offered):
    ran = project.run("--complete", "--", "goldmask", *words)
    assert ran.code == 0 and offered in ran.stdout.split(), ran.text


def test_a_broken_configuration_completes_to_nothing(project: Project):
    (project.folder / "goldmask.toml").write_text("[", "utf-8")
    ran = project.run("--complete", "--", "goldmask", "check", "--suite")
    assert (ran.code, ran.text.strip()) == (0, "")


@pytest.mark.parametrize("argv", [["bash", "--norc", "--noprofile", "-i"], ["zsh", "-f", "-i"]], ids=["bash", "zsh"])
def test_a_tab_in_a_real_shell(argv, project: Project):
    need(argv[0])
    (project.folder / "goldmask").symlink_to(REPO / "goldmask")
    shell = Shell(argv, project.folder)
    try:
        shell.type(f"eval \"$(./goldmask --print-completion-script {argv[0]})\"; echo rea''dy\n")
        shell.wait_for("ready")
        for typed, completed in (
            ("./goldmask golden.rec\t", "golden.record"),
            ("./goldmask check --targ\t", "check --target"),
            ("./goldmask check --model ti\t", "--model tiny"),
            ("./goldmask check --target android-j\t", "android-jvm"),
        ):
            shell.type(typed)
            shell.wait_for(completed)
            shell.type("\x15")  # the line is thrown away
    finally:
        shell.close()
