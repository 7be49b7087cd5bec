"""The contract: what a bundle may say, sample files that other platforms' tests read too."""

import json

import pytest
from conftest import REPO

from goldmask.contract import bundle as bundles
from goldmask.contract.errors import RunError

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


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (change("schema", 2), "schema"),
        (change("extra", 1), "extra"),
        (change("results.0.mask", "../../etc/passwd"), "leads out of the bundle"),
        (change("results.0.mask", "/etc/passwd"), "leads out of the bundle"),
        (change("results.0.mask", "masks\\..\\..\\x.png"), "leads out of the bundle"),
        (change("results.0.mask", "C:x.png"), "leads out of the bundle"),
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
        (change("target.kind", "toaster"), "kind"),
        ([], "object"),
    ],
)
def test_a_broken_contract_is_named(tmp_path, data, why):
    with pytest.raises(RunError, match=why) as caught:
        load(tmp_path, data)
    assert "\n" not in caught.value.what


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
    assert "\x1b" not in message and "\x07" not in message and len(message) <= bundles.MAX_MESSAGE
