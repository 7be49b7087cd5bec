"""What comes from a device: the tar archive of its bundle, and the lines that Android's tools print."""

import io
import re
import tarfile
import tomllib

import pytest
from conftest import REPO
from fuzzing import fuzz, read_or_refuse
from hypothesis import strategies as st
from mutations import changed
from transcript import ANSWERS, TRANSCRIPTS

from goldmask.android import adb_output, benchmark_model, device_state, emulator_log, logcat, pm
from goldmask.android.bundle_tar import FOLDER, unpack
from goldmask.android.instrumentation import Instrumentation
from goldmask.android_build import badging
from goldmask.contract.errors import GoldmaskError
from goldmask.targets.host import case_listener

BLOCK = 512
LIMIT = 1 << 20
SAMPLES = REPO / "tests/samples"


def packed(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


BUNDLE = (member(f"{FOLDER}/bundle.json"), (SAMPLES / "bundle.json").read_bytes())
MASK = (member(f"{FOLDER}/masks/flag.png"), (SAMPLES / "masks/flag.png").read_bytes())
FORMS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
TARS = tuple(packed((member(FOLDER, tarfile.DIRTYPE), b""), BUNDLE, MASK, form=form) for form in FORMS)
NAMES = (
    f"{FOLDER}/bundle.json", f"{FOLDER}/masks/a.png", f"{FOLDER}/masks/../../a.png", f"/{FOLDER}/bundle.json",
    f"{FOLDER}/masks", FOLDER, "..", "", f"{FOLDER}/masks/{'a' * 64}.png", f"{FOLDER}/{'m/' * 40}a.png",
    f"{FOLDER}/masks/é.png", f"{FOLDER}/.bundle.json", f"{FOLDER}/bundle.json/", f"{FOLDER}/bundle.json\n",
)  # fmt: skip
KINDS = (*tarfile.SUPPORTED_TYPES, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, b"V", b"M", b"\xff")
HEADERS = ("size", "path", "linkpath", "mtime", "GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.major", "hdrcharset")
SIZES = (
    b"0" * 11,
    b"7" * 11,
    b"-0000000001",
    b"00000001000",
    b"\x80" + bytes(7) + b"\xff" * 4,
    b"\xff" * 12,
    b"x" * 12,
)


@st.composite
def strange(draw: st.DrawFn) -> bytes:
    """An archive of members of all names and kinds, with pax headers that say otherwise."""
    members = []
    for _ in range(draw(st.integers(0, 4))):
        info = member(draw(st.sampled_from(NAMES)), draw(st.sampled_from(KINDS)), draw(st.sampled_from(NAMES)))
        content = draw(st.binary(max_size=600) | st.integers(0, LIMIT + 10).map(bytes))
        info.pax_headers = draw(
            st.dictionaries(
                st.sampled_from(HEADERS), st.sampled_from(("0", "-1", "9" * 30, "1,1", "x", "/a")), max_size=2
            )
        )
        members.append((info, content))
    return packed(*members, BUNDLE, form=draw(st.sampled_from(FORMS)))


@st.composite
def mended(draw: st.DrawFn) -> bytes:
    """An archive whose headers have another size, kind or link, with right checksums."""
    data = bytearray(draw(st.sampled_from(TARS)))
    headers = [at for at in range(0, len(data), BLOCK) if data[at + 257 : at + 262] == b"ustar"]
    for at in draw(st.lists(st.sampled_from(headers), min_size=1, max_size=3)):
        match draw(st.sampled_from(("size", "size", "kind", "name", "link"))):
            case "size":
                size = draw(st.sampled_from(SIZES))
                data[at + 124 : at + 136] = size.ljust(12, b"\0")[:12]
            case "kind":
                data[at + 156 : at + 157] = draw(st.sampled_from(KINDS))
            case "name":
                data[at : at + 100] = (
                    draw(st.sampled_from(NAMES) | st.text(max_size=30)).encode()[:100].ljust(100, b"\0")
                )
            case "link":
                data[at + 157 : at + 257] = draw(st.sampled_from(NAMES)).encode()[:100].ljust(100, b"\0")
        data[at + 148 : at + 156] = b" " * 8
        data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + BLOCK])
    return bytes(data)


@fuzz(st.one_of(strange(), mended(), changed(TARS)))
def test_tar(data, folder):
    """Nothing is written but plain files below the folder, within the limit, whatever was written before."""
    inside = folder / "inside"
    inside.mkdir(exist_ok=True)
    try:
        unpack(data, inside, LIMIT)
    finally:
        files = [path for path in folder.rglob("*") if not path.is_dir()]
        assert all(path.is_relative_to(inside) and path.is_file() and not path.is_symlink() for path in files), files
        assert sum(path.stat().st_size for path in files) <= LIMIT
        for path in files:
            path.unlink()


# Lines of real output, cut and shuffled, are likelier to meet a rule than any text.
TOOLS = ("aapt2", "adb", "am", "benchmark_model", "dumpsys", "emulator", "getprop", "logcat", "pm")


def outputs_of(tool: str) -> list[list[str]]:
    """The lines of each transcript, and of each short answer."""
    texts = [path.read_bytes().decode() for path in (TRANSCRIPTS / tool).iterdir() if path.suffix in (".txt", ".out")]
    answers = TRANSCRIPTS / tool / ANSWERS
    if answers.is_file():
        texts += [each["output"] for each in tomllib.loads(answers.read_text("utf-8"))["answer"]]
    return [[line[:300] for line in text.splitlines()] for text in texts]


OUTPUTS = {tool: outputs_of(tool) for tool in TOOLS}
LINES = {tool: sorted({line for lines in outputs for line in lines}) for tool, outputs in OUTPUTS.items()}
ODD_TEXTS = (
    "", "\0", "\x1b[2J", "\u202e", "\uffff", "9" * 5000, "-1", "a" * 20_000, "=" * 500, ": " * 500, "(" * 2000,
    "é\u2028x", "\r\r\n", "\x85", "%s%n",
)  # fmt: skip


@st.composite
def output(draw: st.DrawFn, tool: str) -> str:
    """Lines of a tool, some with an odd number or text in the place of a word, mixed with those of others."""
    whole = st.sampled_from(OUTPUTS[tool]).map(list)
    lines = draw(st.one_of(whole, whole, st.lists(st.sampled_from(LINES[tool]), max_size=20)))
    if draw(st.sampled_from((False, False, True))):
        lines += draw(st.lists(st.sampled_from([each for other in LINES.values() for each in other]), max_size=3))
    for _ in range(draw(st.sampled_from((0, 0, 1, 2, 3))) if lines else 0):
        at = draw(st.integers(0, len(lines) - 1))
        words = lines[at].split(" ")
        word = draw(st.integers(0, len(words) - 1))
        words[word] = draw(st.sampled_from(ODD_TEXTS) | st.text(max_size=20) | st.integers().map(str))
        lines[at] = draw(st.sampled_from((" ", " ", "=", ""))).join(words)
    return draw(st.sampled_from(("\n", "\n", "\r\n", "\r"))).join(lines)


def check(error: GoldmaskError | None) -> None:
    """Raise an error that a parser hands back, so that its sentence is looked at."""
    if error:
        raise error


@fuzz(output("adb"))
def test_adb(text, _):
    found = adb_output.transports(text)
    assert all(each.serial.isprintable() for each in found)
    adb_output.version(text)
    check(adb_output.error(text, "127.0.0.1:5037") if not found else None)


@fuzz(st.binary(max_size=40), refuses=True)
def test_adb_no_server(data, _):
    check(adb_output.no_server("127.0.0.1:5037", data) if data else None)


@fuzz(output("am"))
def test_instrumentation(text, _):
    heard, complained = Instrumentation(), Instrumentation()
    for line in re.split(r"\r?\n|\r", text):
        heard.hear(line)
        complained.hear_error(line)
    assert all(case.isprintable() for case in heard.done)
    assert isinstance(heard.ended, bool) and complained.problem
    check(heard.problem)


@fuzz(output("logcat"))
def test_logcat(text, _):
    package = "org.goldmask.app"
    lines = logcat.parse(text)
    logcat.of_process(text, logcat.pid_of(lines, package), package)
    check(logcat.ending(text, None, package))
    check(logcat.ending(text, 12345, package))


@fuzz(output("pm"), refuses=False)
def test_pm(text, _):
    refused = pm.refusal(text)
    assert refused is None or f"{refused}"


@fuzz(output("getprop"), refuses=False)
def test_getprop(text, _):
    device_state.parse_properties(text)


@fuzz(output("dumpsys"), refuses=False)
def test_dumpsys(text, _):
    battery, thermal = device_state.parse_battery(text), device_state.parse_thermal(text)
    assert battery is None or f"{battery}"
    assert thermal is None or isinstance(thermal, int)


@fuzz(output("benchmark_model"))
def test_benchmark_model(text, _):
    assert "\n" not in benchmark_model.complaint(text)
    timing = benchmark_model.parse(text)
    assert timing.first_ms >= 0


@fuzz(output("emulator"))
def test_emulator(text, _):
    assert "\n" not in emulator_log.complaint(text)
    check(emulator_log.error(text) if text else None)


@fuzz(output("aapt2"), refuses=False)
def test_badging(text, _):
    for found in (badging.package(text), badging.permissions(text)):
        assert found.detail.replace("\n", "").isprintable(), found.detail
    assert "\n" not in badging.complaint(text)


ODD_LINES = ('{"case": "flag"}', '{"case": [', '{"case": 1}', "1e999", "9" * 5000, "[]", "[" * 50_000, '{"a":' * 50_000)


@pytest.mark.parametrize("line", ODD_LINES, ids=lambda line: line[:10])
def test_lines_of_a_golden_run(line, tmp_path):
    assert read_or_refuse(lambda each, _: case_listener(lambda case: None)(each), line, tmp_path)


def test_a_tar_that_is_right_is_unpacked(tmp_path):
    for each in TARS:
        unpack(each, tmp_path, LIMIT)
        assert (tmp_path / "bundle.json").read_bytes() == BUNDLE[1]
        assert (tmp_path / "masks/flag.png").read_bytes() == MASK[1]


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_has_lines(tool):
    assert len(LINES[tool]) >= 10
