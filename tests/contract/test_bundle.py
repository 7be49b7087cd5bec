"""The contract: what a bundle may say, sample files that other platforms' tests read too."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPO
from pydantic import ValidationError

from goldmask.contract import bundle as bundles
from goldmask.contract.errors import MAX_MESSAGE, RunError
from goldmask.contract.tensors import InputSpec

SAMPLES = REPO / "tests/samples"


def sample() -> dict:
    return json.loads((SAMPLES / "bundle.json").read_text("utf-8"))


def load(tmp_path, data) -> bundles.Bundle:
    (tmp_path / "bundle.json").write_text(json.dumps(data), "utf-8")
    return bundles.load_bundle(tmp_path)


def test_the_samples_are_read_and_written_back_unchanged(tmp_path):
    for name, value in (
        ("request.json", bundles.load_request(SAMPLES / "request.json")),
        ("bundle.json", bundles.load_bundle(SAMPLES)),
    ):
        bundles.save(value, tmp_path / name)
        assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes()


def test_the_samples_mask_is_what_its_bundle_says():
    bundle = bundles.load_bundle(SAMPLES)
    mask = bundles.mask_of(SAMPLES, bundle.result("flag"))
    assert mask.tolist() == [[0, 0, 0, 0], [1, 1, 2, 2]]
    assert bundle.result("broken").error.stage == "decode"


def test_a_copy_with_other_results_looks_in_those():
    bundle = bundles.load_bundle(SAMPLES)
    flag, broken = bundle.result("flag"), bundle.result("broken")
    fewer = bundle.model_copy(update={"results": (broken,)})
    assert fewer.result("flag") is None and fewer.result("broken") is broken and bundle.result("flag") is flag
    assert bundle == bundles.load_bundle(SAMPLES) and bundle.result("nobody") is None


def change(path: str, value: object):
    """A sample with one field changed; a path of keys and indices, and DELETE to remove it."""
    data = sample()
    *way, last = path.split(".")
    place = data
    for key in way:
        place = place[int(key) if key.isdigit() else key]
    if value is DELETE:
        del place[last]
    else:
        place[last] = value
    return data


DELETE = object()
SOME = {"delegated": 1, "of": 2}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (change("schema", 2), "schema"),
        (change("extra", 1), "extra"),
        (change("results.0.mask", "../../etc/passwd"), "leads out of the bundle"),
        (change("results.0.mask", "/etc/passwd"), "leads out of the bundle"),
        (change("results.0.mask", "masks\\..\\..\\x.png"), "leads out of the bundle"),
        (change("results.0.mask", "C:x.png"), "leads out of the bundle"),
        (change("results.0.mask", "m/" * 2500 + "x.png"), "at most 255 characters"),
        (change("results.0.mask", DELETE), "ok.mask: Field required"),
        (change("results.1.error", DELETE), "error.error: Field required"),
        (change("results.0.error", {"stage": "init", "message": "no delegate"}), "ok.error: Extra inputs"),
        (change("results.1.mask", "masks/broken.png"), "error.mask: Extra inputs"),
        (change("results.1.taps", sample()["results"][0]["taps"]), "error.taps"),
        (change("results.0.status", "maybe"), "'ok', 'error'"),
        (change("results.0.status", DELETE), "status"),
        (change("results.1.case", "flag"), "case flag has two results"),
        (change("results.0.case", "../up"), "pattern"),
        (change("results.0.mask_sha256", "123"), "pattern"),
        (change("results.0.latency.first_ms", -1), "first_ms"),
        (change("runtime.threads", 0), "threads"),
        (change("runtime.nodes", {"delegated": 3, "of": 2}), "a delegate cannot take 3 of 2 nodes"),
        (change("runtime.nodes", {"delegated": 0, "of": 2}), "cannot be xnnpack with 0 of 2 nodes"),
        (change("runtime.nodes", {"delegated": 1, "of": 2, "partitions": 1}), "partitions"),
        (change("runtime.nodes", {"delegated": -1, "of": 2}), "delegated"),
        (change("runtime", {"name": "x", "version": "1", "delegate": "cpu", "threads": 1, "nodes": SOME}), "be cpu"),
        (change("target.kind", "toaster"), "kind"),
        (change("schema", True), "schema: must be a whole number"),
        (change("runtime.threads", True), "threads"),
        (change("runtime.threads", "2"), "threads"),
        (change("runtime.threads", 10**4299), "a number has 4,300 digits"),
        (change("results.0.mask_size", [True, 8]), "mask_size.0"),
        (change("results.0.mask_size", ["4", "2"]), "mask_size.0"),
        (change("results.0.mask_size", [0, 2]), "mask_size.0"),
        (change("results.0.memory_peak_mb", True), "memory_peak_mb"),
        (change("results.0.decoded_by", "target"), "decoded_by"),
        (change("results.1.decoded_by", "host"), "error.decoded_by: Extra inputs"),
        (change("results.0.latency.inference_ms", ["1"]), "inference_ms"),
        ([], "object"),
    ],
)
def test_a_broken_contract_is_named(tmp_path, data, why):
    with pytest.raises(RunError, match=why) as caught:
        load(tmp_path, data)
    assert "\n" not in caught.value.what


def test_a_runtime_that_does_not_tell_its_nodes(tmp_path):
    """As bundles and goldens that were made before there was the key."""
    loaded = load(tmp_path, change("runtime.nodes", DELETE))
    assert loaded.runtime.nodes is None and not loaded.runtime.is_partial
    assert b"nodes" not in bundles.to_json(loaded)
    assert load(tmp_path, change("runtime.nodes", None)) == loaded


def test_only_a_partial_delegation_is_worth_words(tmp_path):
    runtime = load(tmp_path, change("runtime.nodes", SOME)).runtime
    assert str(runtime) == "Interpreter Java API 2.16.1, xnnpack (1 of 2 nodes), 2 threads"
    whole = load(tmp_path, change("runtime.nodes", {"delegated": 2, "of": 2})).runtime
    assert str(whole) == "Interpreter Java API 2.16.1, xnnpack, 2 threads"


def test_infinite_latency_is_no_number(tmp_path):
    text = (SAMPLES / "bundle.json").read_text("utf-8").replace('"first_ms": 3.5', '"first_ms": Infinity')
    (tmp_path / "bundle.json").write_text(text, "utf-8")
    with pytest.raises(RunError):
        bundles.load_bundle(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_one_sentence(tmp_path, content):
    (tmp_path / "bundle.json").write_bytes(content)
    with pytest.raises(RunError, match="breaks the bundle contract"):
        bundles.load_bundle(tmp_path)


def test_control_characters_of_a_device_do_not_reach_the_terminal(tmp_path):
    loaded = load(tmp_path, change("results.1.error.message", "gone\x1b[2J\x07 " + "x" * 9999))
    message = loaded.result("broken").error.message
    assert message.startswith("gone\\x1b[2J\\x07 xxx")
    assert "\x1b" not in message and "\x07" not in message and len(message) <= MAX_MESSAGE


def bundle_in(folder: Path) -> Path:
    """A copy of the sample that is a whole bundle."""
    for name in ("bundle.json", "masks/flag.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SAMPLES / name, folder / name)
    return folder


def moved_out(path: Path) -> None:
    """A link where `path` was, to where it is now."""
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def replaced(make: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda path: path.unlink() or make(path)


def grown(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.truncate(10 << 30)


NOT_FILES = [
    (replaced(os.mkfifo), "it is a named pipe, not a file"),
    (replaced(lambda path: path.symlink_to("/dev/zero")), "symbolic link"),
    (replaced(lambda path: path.symlink_to("nowhere")), "symbolic link"),
    (replaced(lambda path: path.symlink_to(path)), "symbolic link"),
    (replaced(Path.mkdir), "it is a folder, not a file"),
    (grown, "it has 10,737,418,240 bytes"),
    (moved_out, "symbolic link"),
]


@pytest.mark.parametrize(("make", "why"), NOT_FILES)
def test_a_bundle_is_made_of_files(tmp_path, make, why):
    folder = bundle_in(tmp_path / "bundle")
    make(folder / "bundle.json")
    with pytest.raises(RunError, match=why):
        bundles.load_bundle(folder)


@pytest.mark.parametrize(("make", "why"), [*NOT_FILES, (lambda path: moved_out(path.parent), "symbolic link")])
def test_a_mask_is_a_file_of_its_bundle(tmp_path, make, why):
    folder = bundle_in(tmp_path / "bundle")
    result = bundles.load_bundle(folder).result("flag")
    assert bundles.mask_of(folder, result).size == 8
    make(folder / "masks/flag.png")
    with pytest.raises(RunError, match=why):
        bundles.mask_of(folder, result)


def test_a_name_that_no_file_can_have_is_an_error_of_its_result(tmp_path):
    """255 characters are 510 bytes."""
    folder = bundle_in(tmp_path / "bundle")
    result = bundles.load_bundle(folder).result("flag").model_copy(update={"mask": "é" * 255})
    with pytest.raises(RunError, match="cannot be read: File name too long"):
        bundles.mask_of(folder, result)


def test_a_link_within_a_bundle_is_one_too(tmp_path):
    folder = bundle_in(tmp_path / "bundle")
    (folder / "masks/flag.png").rename(folder / "masks/other.png")
    (folder / "masks/flag.png").symlink_to("other.png")
    with pytest.raises(RunError, match="symbolic link"):
        bundles.mask_of(folder, bundles.load_bundle(folder).result("flag"))


def test_the_folder_itself_may_be_a_link(tmp_path):
    bundle_in(tmp_path / "bundle")
    (tmp_path / "link").symlink_to("bundle")
    bundle = bundles.load_bundle(tmp_path / "link")
    assert bundles.mask_of(tmp_path / "link", bundle.result("flag")).size == 8


def test_a_mask_that_is_a_folder_is_told(tmp_path):
    folder = bundle_in(tmp_path / "bundle")
    for name in ("", ".", "masks"):
        with pytest.raises(RunError, match="it is a folder, not a file"):
            bundles.mask_of(folder, load(folder, change("results.0.mask", name)).result("flag"))


@pytest.mark.parametrize("std", [0, -0.0, 1e-50, 1e39])
def test_what_pixels_are_divided_by_is_a_float32_and_not_0(std):
    fields = {"height": 8, "width": 8, "dtype": "float32", "mean": (0.0,)}
    assert InputSpec(**fields, std=(-2.5,)).std == (-2.5,)
    with pytest.raises(ValidationError):
        InputSpec(**fields, std=(std,))
