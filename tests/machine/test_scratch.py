"""Temporary folders: gone with their block, and what dead processes left is gone as well; a living one's is not."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from goldmask.machine import scratch, shell
from goldmask.machine.scratch import scratch_folder


def owner(pid: int, started: float, namespace: int | None = None) -> str:
    """The name of a folder of that process."""
    return f"goldmask-{pid}-{int(started)}-{scratch._namespace() if namespace is None else namespace}-abc123"


def test_a_folder_is_gone_with_its_block(tmp_path: Path):
    with scratch_folder(tmp_path) as folder:
        (folder / "file").write_text("x")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_and_when_the_block_fails(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), scratch_folder(tmp_path) as folder:
        (folder / "below").mkdir()
        (folder / "below/file").write_text("x")
        (folder / "below").chmod(0o500)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_it_lies_where_the_machine_has_temporary_files_and_is_hidden_elsewhere(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    with scratch_folder() as folder, scratch_folder(tmp_path / "..") as beside:
        assert folder.parent == tmp_path and folder.name.startswith("goldmask-") and beside.name.startswith(".")


def test_only_folders_of_dead_processes_are_cleaned(tmp_path: Path):
    own = psutil.Process().create_time()
    stay = [
        owner(os.getpid(), own),
        owner(os.getpid(), own - 7200, namespace=1),  # another container's process, which cannot be seen from here
        "goldmask-results",
        "goldmask",
        "file",
    ]
    go = [owner(os.getpid(), own - 7200), f".{owner(os.getpid(), own + 7200)}"]  # its id was given to us later
    for name in [*stay, *go]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    scratch.clean(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stay)
    assert all((tmp_path / name / "file").exists() for name in stay)


@pytest.mark.project
def test_processes_of_a_dead_program_are_ended_and_no_others(tmp_path: Path, monkeypatch):
    started = [
        shell.start([sys.executable, "-c", "import time; time.sleep(600)"], log=tmp_path / "log") for _ in range(4)
    ]
    of_the_dead, of_the_living, other, strangers = started
    own, place = psutil.Process().create_time(), tmp_path / "temporary"

    def note(process: shell.Background, started_at: float, namespace: int | None = None, since: float = 0) -> Path:
        folder = place / owner(os.getpid(), started_at, namespace) / scratch.PROCESSES
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{process.pid}-{process.started_at - since}").touch()
        return folder

    try:
        note(of_the_dead, own - 7200)
        note(other, own - 7200, since=3600)  # its id was another's before
        note(of_the_living, own)
        note(of_the_living, own - 7200, namespace=1)
        scratch.clean(place)
        assert [shell.running(each) for each in started] == [False, True, True, True]
        folder = note(strangers, own - 7200)
        monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)  # another user's folder
        scratch.clean(place)
        assert shell.running(strangers)
    finally:
        for each in started:
            shell.end(each)


@pytest.mark.project
def test_what_runs_is_noted_and_what_ended_is_not(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    scratch.note_processes()
    try:
        (folder,) = tmp_path.glob("goldmask-*/processes")
        code = "import os, sys\nwhile not (found := os.listdir(sys.argv[1])): pass\nprint(os.getpid(), *found)"
        done = shell.run([sys.executable, "-c", code, folder], log=tmp_path / "log", deadline_s=60)
        pid, note = done.stdout.split()
        found = shell.NOTE.fullmatch(note)
        assert found and found[1] == pid and not (folder / note).exists()
    finally:
        scratch.remove_all()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    shell.run([sys.executable, "-c", ""], log=tmp_path / "log", deadline_s=60)


def test_a_new_folder_cleans_the_place_where_it_is_made(tmp_path: Path):
    (tmp_path / owner(os.getpid(), 1.0)).mkdir()
    with scratch_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_is_a_link_leads_nowhere(tmp_path: Path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / owner(os.getpid(), 1.0)).symlink_to(tmp_path / "precious")
    (tmp_path / "precious/file").write_text("x")
    scratch.clean(tmp_path / "place")
    assert (tmp_path / "precious/file").exists()


def test_cleaning_no_folder_or_none_of_ours_is_no_error(tmp_path: Path):
    scratch.clean(tmp_path / "nowhere")
    scratch.clean(Path("/proc"))


def test_the_end_of_the_program_removes_all(tmp_path: Path):
    left = scratch_folder(tmp_path)
    folder = left.__enter__()
    assert folder.is_dir()
    scratch.remove_all()
    assert not folder.exists()
    left.__exit__(None, None, None)
