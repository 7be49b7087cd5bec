"""What an app on a device hands on comes into the one bundle of all devices."""

import hashlib
import shutil
from types import SimpleNamespace

from conftest import REPO

from goldmask.contract.bundle import Tap, load_bundle, load_request
from goldmask.contract.handed_on import handed_on_bytes
from goldmask.targets.android_device import Share, _merge


def test_what_was_handed_on_is_merged_with_the_masks(tmp_path):
    shutil.copytree(REPO / "tests/samples", tmp_path / "phone")
    (tmp_path / "phone/taps/flag.tensor.bin").write_bytes(b"tensor")
    (tmp_path / "out").mkdir()
    request, bundle = load_request(REPO / "tests/samples/request.json"), load_bundle(tmp_path / "phone")
    tap = Tap(file="taps/flag.tensor.bin", sha256=hashlib.sha256(b"tensor").hexdigest())
    first = bundle.results[0].model_copy(update={"taps": {"tensor": tap}})
    bundle = bundle.model_copy(update={"results": (first, *bundle.results[1:])})
    share = Share(SimpleNamespace(serial="phone"), request.cases, tmp_path / "phone", bundle)
    assert _merge(request, [share], tmp_path / "out").results[0] == first
    assert (tmp_path / "out" / tap.file).read_bytes() == b"tensor" and (tmp_path / "out" / first.mask).is_file()


def test_a_device_may_send_as_much_as_was_asked_for():
    request = load_request(REPO / "tests/samples/request.json")
    assert handed_on_bytes(request) == 0
    both = request.options.model_copy(update={"taps": ("resized", "tensor")})
    assert handed_on_bytes(request.model_copy(update={"options": both})) == 2 * 4 * 3 * (1 + 4)
