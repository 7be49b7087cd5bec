"""The grid of images through the app's decoder, on Android's own Skia: python = android-jvm, pixel by pixel."""

import hashlib
from pathlib import Path

import image_grid
import pytest
from jvm import builder, run_junit

from goldmask.contract.image import ImageError, decode

pytestmark = pytest.mark.rig

FILES = {
    "grid": {name: data for name, data, _ in image_grid.grid()},
    "metadata": {name: data for name, data, _ in image_grid.metadata()},
    "refused": dict(image_grid.refused()),
}


def by_python(data: bytes) -> str:
    """The sha256 of a file's pixels, or the beginning of the sentence that says why there are none."""
    try:
        return hashlib.sha256(decode(Path("it"), data=data).tobytes()).hexdigest()
    except ImageError as error:
        return beginning(error.what)


def beginning(sentence: str) -> str:
    """That a file is damaged, or else the kind that is refused; decoders have their own words for damage."""
    return sentence.split(":")[0]


@pytest.fixture(scope="module")
def decoded(tmp_path_factory) -> dict[str, dict[str, tuple[str, str]]]:
    """By group and name: what the app's decoder makes of a file, and what BitmapFactory makes of it by itself.

    One JVM decodes them all.
    """
    folder, logs = tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("logs")
    for group, files in FILES.items():
        for name, data in files.items():
            (folder / f"{group}.{name}").write_bytes(data)
    done = run_junit(builder(logs), "golden", logs, flags=(f"-Dgoldmask.images={folder}",), names="ImageGrid")
    assert done.code == 0, done.stdout
    outcomes: dict[str, dict[str, tuple[str, str]]] = {group: {} for group in FILES}
    for line in (folder / "decoded.tsv").read_text("utf-8").splitlines():
        name, ours, plain = line.split("\t")
        group, _, name = name.partition(".")
        outcomes[group][name] = ours, plain
    return outcomes


@pytest.mark.parametrize("group", ["grid", "metadata"])
def test_android_decodes_to_the_same_pixels_as_python(decoded, group):
    actual = {name: ours for name, (ours, _) in decoded[group].items()}
    assert actual == {name: by_python(data) for name, data in FILES[group].items()}
    assert all(len(value) == 64 for value in actual.values()) and len(actual) > {"grid": 1700, "metadata": 60}[group]


def test_android_refuses_what_python_refuses(decoded):
    actual = {name: beginning(ours) for name, (ours, _) in decoded["refused"].items()}
    assert actual == {name: by_python(data) for name, data in FILES["refused"].items()}
    assert all(value.startswith("it is ") for value in actual.values()) and len(actual) > 100


def test_android_by_itself_decodes_otherwise(decoded):
    """The twin: without the rules of docs/images.md the same grid is red, in every way that they are about."""
    for group, names in {
        "grid": ("png2-8-6", "jpeg-420-3", "webp-lossy-8", "png2-8-0table", "jpeg-444-0table", "png2-16-0"),
        "metadata": ("png-prefixed", "jpeg-xmp-and-exif", "png-gamma"),
    }.items():
        for name in names:
            ours, plain = decoded[group][name]
            assert plain != ours, name
    for name in ("png2-8-half", "jpeg-rows-missing", "jpeg-high", "jpeg-cmyk", "webp-lossy-mended", "bmp24-cut"):
        assert len(decoded["refused"][name][1]) == 64, name
