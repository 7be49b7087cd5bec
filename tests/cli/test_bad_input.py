"""A table of bad things given to the real program: one sentence, the right exit code, nothing half-written."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import NORMALISED, Project
from PIL import Image

from goldmask.contract.errors import ExitCode

pytestmark = pytest.mark.project

RUN = ("run", "--model", "models/tiny/tiny.tflite", "--image", "bad", "--out", "out")
RUN_MODEL = ("run", "--model", "bad.tflite", "--image", "models/tiny/flag.png", "--out", "out")
COMPARE = ("compare", "--golden", "models/tiny/goldens/lib_interpreter", "--bundle", "bad", "--out", "out")


@dataclass(frozen=True)
class Bad:
    """What is wrong, how it comes about, what the user types, and what the program must answer."""

    name: str
    make: Callable[[Project], None]
    words: tuple[str, ...]
    code: ExitCode
    says: str


def file(name: str, data: bytes) -> Callable[[Project], None]:
    return lambda project: (project.folder / name).write_bytes(data) and None


def nothing(project: Project) -> None:
    """Bad as typed."""


def edit(name: str, old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.edit(name, old, new)


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (64, 64)) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)).convert(mode).save(
        stream, kind
    )
    return stream.getvalue()


def bomb() -> bytes:
    header = bytearray(picture("PNG"))
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    return bytes(header)


def bundle(change: Callable[[dict, Path], None]) -> Callable[[Project], None]:
    """A real bundle in `bad`, changed."""

    def make(project: Project) -> None:
        ran = project.run(
            "run",
            "--model",
            "models/tiny/tiny.tflite",
            "--image",
            "models/tiny/flag.png",
            "models/tiny/wide.png",
            "--out",
            "bad",
        )
        assert ran.code == 0, ran.text
        path = project.folder / "bad/bundle.json"
        data = json.loads(path.read_text("utf-8"))
        change(data, path.parent)
        path.write_text(json.dumps(data), "utf-8")

    return make


def set_mask(value: str) -> Callable[[dict, Path], None]:
    return lambda data, folder: data["results"][0].update(mask=value)


def rewrite_mask(mask: np.ndarray | bytes, size: tuple[int, int] = (8, 8)) -> Callable[[dict, Path], None]:
    """Another mask file, honestly declared."""

    def change(data: dict, folder: Path) -> None:
        import hashlib

        from goldmask.contract.mask import encode_mask

        content = mask if isinstance(mask, bytes) else encode_mask(mask)
        result = data["results"][0]
        (folder / result["mask"]).write_bytes(content)
        result |= {"mask_sha256": hashlib.sha256(content).hexdigest(), "mask_size": size}

    return change


def duplicate_case(data: dict, folder: Path) -> None:
    data["results"][1]["case"] = data["results"][0]["case"]


def drop_case(data: dict, folder: Path) -> None:
    del data["results"][0]


def drop_mask(data: dict, folder: Path) -> None:
    (folder / data["results"][0]["mask"]).unlink()


def make_file_out(project: Project) -> None:
    (project.folder / "out").write_text("a file where a folder should be", "utf-8")


U, C, E, R, G, M = (
    ExitCode.USAGE,
    ExitCode.CONFIG,
    ExitCode.ENVIRONMENT,
    ExitCode.RUN,
    ExitCode.GOLDEN,
    ExitCode.MASKS_DIFFER,
)
TOML = "models/tiny/model.toml"

TABLE = [
    # Models
    Bad("model is text", file("bad.tflite", b"hello, I am not a model"), RUN_MODEL, U, "is not a .tflite model: it is something else"),
    Bad("model is HTML", file("bad.tflite", b"<!doctype html><p>sign in</p>"), RUN_MODEL, U, "it is an HTML page"),
    Bad("model is empty", lambda p: (p.folder / "bad.tflite").touch(), RUN_MODEL, U, "it is empty"),
    Bad("model is cut", file("bad.tflite", tiny.scores()[:300]), RUN_MODEL, U, "truncated or damaged"),
    Bad("model has one class", file("bad.tflite", tiny.scores(channels=1)), RUN_MODEL, U, "output logits float32[1,8,8,1] can be read as class numbers or probabilities"),
    Bad("model has two outputs", file("bad.tflite", tiny.two_outputs()), RUN_MODEL, U, "nothing says which one is the mask"),
    Bad("model is not there", nothing, RUN_MODEL, U, "there is no model bad.tflite"),
    Bad("model is a folder", lambda p: (p.folder / "bad.tflite").mkdir(), RUN_MODEL, U, "there is no model bad.tflite"),
    Bad("model makes NaN", file("bad.tflite", tiny.scores(weight=float("nan"))), RUN_MODEL, R, "postprocess: the output has NaN scores"),
    Bad("class map beyond a mask", file("bad.tflite", tiny.class_map(offset=300)), RUN_MODEL, R, "has values 300 to 302"),
    Bad("unknown model", nothing, ("run", "--model", "nobody", "--image", "models/tiny/flag.png"), C, "there is no model 'nobody'"),
    Bad("no model", nothing, ("run", "--image", "models/tiny/flag.png"), U, "needs a model"),
    # Images
    Bad("image is empty", lambda p: (p.folder / "bad").touch(), RUN, U, "bad is empty (0 bytes)"),
    Bad("image is text", file("bad", b"not an image"), RUN, U, "is not a JPEG, PNG, BMP or WebP image"),
    Bad("image is a GIF", file("bad", picture("GIF", "P")), RUN, U, "is not a JPEG, PNG, BMP or WebP image"),
    Bad("image is a CMYK JPEG", file("bad", picture("JPEG", "CMYK")), RUN, U, "is a CMYK image"),
    Bad("image is cut", file("bad", picture("PNG")[:2000]), RUN, U, "is damaged"),
    Bad("JPEG is cut", file("bad", picture("JPEG")[:900]), RUN, U, "is damaged"),
    Bad("image is a bomb", file("bad", bomb()), RUN, U, "pixels; the limit is"),
    Bad("image is not there", nothing, RUN, U, "there is no image bad"),
    Bad("no image", nothing, RUN[:3], U, "needs at least one image"),
    # Configuration
    Bad("unknown key", edit(TOML, "summary", "sumary"), ("check",), C, "sumary: unknown key (did you mean summary?)"),
    Bad("TOML is broken", edit("goldmask.toml", "[suites", "[[suites"), ("check",), C, "goldmask.toml"),
    Bad("two cases of one id", edit(TOML, 'id = "wide"', 'id = "flag"'), ("check",), C, "case id 'flag' is used twice"),
    Bad("case id is a path", edit(TOML, 'id = "wide"', 'id = "../wide"'), ("check",), C, "cases.1.id"),
    Bad("case file leads out", edit(TOML, 'file = "wide.png"', 'file = "../../x.png"'), ("check",), C, "leads out of its folder"),
    Bad("case file is gone", lambda p: (p.model / "wide.png").unlink(), ("check",), C, "wide.png is declared but does not exist"),
    Bad("case has another sha256", lambda p: (p.model / "wide.png").write_bytes(picture("PNG")) and None, ("check",), G, "wide.png is another file than model.toml pins"),
    Bad("model has another sha256", lambda p: (p.model / "tiny.tflite").write_bytes(tiny.scores(weight=3)) and None, ("check",), G, "tiny.tflite is another file than model.toml pins"),
    Bad("orientation 9", edit(TOML, 'id = "wide"', 'id = "wide"\norientation = 9'), ("check",), C, "orientation"),
    Bad("std of 0", edit(TOML, NORMALISED, "[input]\nmean = [0]\nstd = [0]\n"), ("check",), C, "divides by zero"),
    Bad("mean without std", edit(TOML, NORMALISED, "[input]\nmean = [0]\n"), ("check",), C, "mean and std go together"),
    Bad("input of another size", edit(TOML, NORMALISED, "[input]\nwidth = 257\n"), ("check",), C, "declares an input width of 257, the file has 8"),
    Bad("input of another type", edit(TOML, NORMALISED, "[input]\ndtype = 'int8'\n"), ("check",), C, "declares an input dtype of int8, the file has float32"),
    Bad("too few labels", edit(TOML, '"red", ', ""), ("check",), C, "scores 3 classes, its model.toml names 2 labels"),
    Bad("unknown suite", nothing, ("check", "--suite", "nightly"), C, "there is no suite 'nightly'"),
    Bad("unknown model to check", nothing, ("check", "--model", "nobody"), C, "there is no model 'nobody'"),
    Bad("unknown pipeline", nothing, ("check", "--pipeline", "lib_magic"), U, "--pipeline 'lib_magic' is not known"),
    Bad("unknown flag", nothing, ("check", "--fast"), U, "check has no option --fast"),
    Bad("unknown task", nothing, ("chekc",), U, "there is no task 'chekc' (did you mean check?)"),
    Bad("unknown mode", nothing, ("golden.record", "--mode", "some"), U, "--mode all|failed|missing|never"),
    Bad("unknown delegate", nothing, (*RUN_MODEL[:2], "tiny", *RUN_MODEL[3:], "--delegate", "warp"), U, "delegate"),
    Bad("no threads", nothing, (*RUN_MODEL[:2], "tiny", *RUN_MODEL[3:], "--threads", "-3"), U, "threads"),
    # Places
    Bad("out is a file", make_file_out, ("check", "--out", "out"), U, "cannot write into out"),
    Bad("out is nowhere", nothing, ("check", "--out", "/proc/goldmask"), U, "cannot write into /proc/goldmask"),
    Bad("run out is a file", make_file_out, (*RUN_MODEL[:2], "tiny", *RUN_MODEL[3:]), U, "cannot write into out"),
    Bad("golden is no folder", nothing, ("compare", "--golden", "nowhere", "--bundle", "models"), U, "--golden 'nowhere' is no folder"),
    Bad("bundle is no bundle", lambda p: (p.folder / "bad").mkdir(), COMPARE, R, "bundle.json does not exist"),
    Bad("report is none", lambda p: (p.folder / "out").mkdir(), ("report", "--out", "out"), U, "report.json cannot be read"),
    # Bundles
    Bad("mask leads out", bundle(set_mask("../../../etc/passwd")), COMPARE, R, "leads out of the bundle"),
    Bad("mask is absolute", bundle(set_mask("/etc/passwd")), COMPARE, R, "leads out of the bundle"),
    Bad("two results of one case", bundle(duplicate_case), COMPARE, R, "case flag has two results"),
    Bad("result is missing", bundle(drop_case), COMPARE, R, "the bundle has no result of this case"),
    Bad("mask is missing", bundle(drop_mask), COMPARE, R, "which is missing"),
    Bad("mask has another size", bundle(rewrite_mask(np.zeros((4, 4), np.uint8), (4, 4))), COMPARE, M, "the mask is 4×4, the golden 8×8"),
    Bad("class beyond the labels", bundle(rewrite_mask(np.full((8, 8), 77, np.uint8))), COMPARE, M, "class 77, the model's highest is 2"),
    Bad("mask is a photograph", bundle(rewrite_mask(picture("PNG", "RGB", (8, 8)))), COMPARE, R, "not class indices"),
    Bad("mask is a JPEG", bundle(rewrite_mask(picture("JPEG"))), COMPARE, R, "is not a PNG"),
    Bad("mask claims another size", bundle(rewrite_mask(np.zeros((4, 4), np.uint8))), COMPARE, R, "its bundle says 8×8"),
    Bad("unknown key in a bundle", bundle(lambda data, folder: data.update(extra=1)), COMPARE, R, "breaks the bundle contract: extra"),
    Bad("future schema", bundle(lambda data, folder: data.update(schema=9)), COMPARE, R, "breaks the bundle contract: schema"),
]  # fmt: skip


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
def test_bad_input_gets_one_clear_sentence(project: Project, bad: Bad):
    bad.make(project)
    goldens = {path: path.read_bytes() for path in project.golden.rglob("*") if path.is_file()}
    ran = project.run(*bad.words)
    assert ran.code == bad.code, ran.text
    assert bad.says in ran.text
    assert {path: path.read_bytes() for path in project.golden.rglob("*") if path.is_file()} == goldens
    left = [
        name for name in tree(project.folder) if Path(name).name.startswith(".") or name.endswith((".part", ".tmp"))
    ]
    assert left == []
    if bad.code in (U, C) and not (project.folder / "out").is_file():
        assert not (project.folder / "out/bundle.json").exists() and not (project.folder / "out/report.json").exists()


def test_an_unwritable_cache_is_told(project: Project, tmp_path):
    project.edit(TOML, 'file = "tiny.tflite"', 'urls = ["http://127.0.0.1:9/tiny.tflite"]')
    ran = project.run("check", GOLDMASK_CACHE="/proc/goldmask")
    assert ran.code == ExitCode.ENVIRONMENT and "the cache folder /proc/goldmask cannot be written" in ran.text


def test_the_table_is_long_enough():
    assert len(TABLE) >= 25 and len({bad.name for bad in TABLE}) == len(TABLE)
