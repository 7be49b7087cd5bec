"""What was built lies in the project's build folder by name."""

from pathlib import Path

import pytest

from goldmask.machine.outputs import copy_out
from goldmask.targets.target import Context


def app(folder: Path, content: str) -> Path:
    """A folder such as Xcode makes: a file, a file in a folder, a link."""
    made = folder / "Camera.app"
    (made / "Frameworks").mkdir(parents=True, exist_ok=True)
    (made / "Info.plist").write_text("plist", "utf-8")
    (made / "Frameworks/core").write_text(content, "utf-8")
    if not (made / "link").is_symlink():
        (made / "link").symlink_to("Frameworks/core")
    return made


def test_files_are_copied_by_name_and_git_ignores_them(tmp_path):
    (tmp_path / "9f3a").mkdir()
    built = tmp_path / "9f3a/app.apk"
    built.write_bytes(b"one")
    out = tmp_path / "build/apk/lib_interpreter"
    assert copy_out([built], out) == (out / "app.apk",)
    assert sorted(path.name for path in out.iterdir()) == [".gitignore", "app.apk"]
    assert (out / ".gitignore").read_text("ascii") == "*\n"
    before = (out / "app.apk").stat().st_mtime_ns, (out / "app.apk").stat().st_ino
    copy_out([built], out)
    assert ((out / "app.apk").stat().st_mtime_ns, (out / "app.apk").stat().st_ino) == before
    built.write_bytes(b"two")
    copy_out([built], out)
    assert (out / "app.apk").read_bytes() == b"two" and built.read_bytes() == b"two"


def test_a_copy_is_no_link_to_what_the_cache_has(tmp_path):
    built = tmp_path / "app.apk"
    built.write_bytes(b"one")
    (copy,) = copy_out([built], tmp_path / "build")
    copy.write_bytes(b"edited")
    assert built.read_bytes() == b"one"


@pytest.mark.parametrize(
    "change",
    [
        lambda made: (made / "Frameworks/core").write_text("two", "utf-8"),
        lambda made: (made / "more").write_text("", "utf-8"),
        lambda made: (made / "Info.plist").unlink(),
        lambda made: ((made / "link").unlink(), (made / "link").symlink_to("Info.plist")),
        lambda made: ((made / "link").unlink(), (made / "link").write_text("one", "utf-8")),
        lambda made: ((made / "Info.plist").unlink(), (made / "Info.plist").mkdir()),
    ],
    ids=["content", "more", "less", "link", "no link", "folder"],
)
def test_a_folder_is_replaced_where_anything_in_it_changed(tmp_path, change):
    made, out = app(tmp_path / "9f3a", "one"), tmp_path / "build"
    (copy,) = copy_out([made], out)
    assert (copy / "link").is_symlink()
    inode = copy.stat().st_ino
    copy_out([made], out)
    assert copy.stat().st_ino == inode
    change(made)
    copy_out([made], out)
    names = sorted(path.relative_to(made) for path in made.rglob("*"))
    assert names == sorted(path.relative_to(copy) for path in copy.rglob("*"))
    assert [(made / name).is_symlink() for name in names] == [(copy / name).is_symlink() for name in names]
    assert sorted(path.name for path in out.iterdir()) == [".gitignore", "Camera.app"]


def test_where_nothing_can_be_written_it_is_a_note(tmp_path):
    built = tmp_path / "app.apk"
    built.write_bytes(b"one")
    (tmp_path / "build").write_text("a file where a folder should be", "utf-8")
    notes: list[str] = []
    Context(tmp_path, tmp_path, on_note=notes.append).copy_out([built], tmp_path / "build/apk")
    (note,) = notes
    assert note.startswith(f"what was built is not in {tmp_path / 'build/apk'}: ")
