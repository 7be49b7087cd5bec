"""What a golden run prints while it runs, each case among whatever else; and what the host decodes for it."""

import hashlib
import shutil

import image_grid
import pytest
from conftest import REPO
from PIL import Image

from goldmask.contract.bundle import Failed, RequestCase, Tap, load_bundle, load_request
from goldmask.contract.image import decode
from goldmask.targets.host import case_listener, checked, write_decoded


@pytest.mark.parametrize(
    ("line", "cases"),
    [
        ('{"case": "flag"}', ["flag"]),
        ('.{"case": "flag"}', ["flag"]),  # JUnit's dot for the test that runs
        ('I tflite: {"case": "flag"}', ["flag"]),
        ("", []),
        ("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.", []),
        ('{"case": "flag"', []),
        ('{"model": "tiny"}', []),
        ('["case"]', []),
        ("{" * 100_000, []),
    ],
)
def test_each_case_is_heard(line, cases):
    heard: list[str] = []
    case_listener(heard.append)(line)
    assert heard == cases


def test_only_what_docs_images_md_lists_is_decoded_by_the_host(tmp_path):
    """JPEG, PNG and WebP, as they lie in the file: EXIF's orientation is the app's to apply. No BMP."""
    files = {f"{name}.{name}": write(image_grid.exif(6), b"", b"") for name, write in image_grid.writers().items()}
    files |= {f"{name}.bmp": data for name, data, _ in image_grid.bmp_files()}
    files["text.png"] = b"no image"
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    cases = tuple(RequestCase(id=name.split(".")[0], file=name, sha256="0" * 64) for name in files)
    request = load_request(REPO / "tests/samples/request.json").model_copy(update={"cases": cases})
    folder = write_decoded(request, tmp_path)
    assert {path.stem for path in folder.iterdir()} == {"jpeg", "png", "webp"}
    for name in ("jpeg", "png", "webp"):
        with Image.open(folder / f"{name}.ppm") as image:
            assert image.size == (image_grid.WIDTH, image_grid.HEIGHT)
            assert image.tobytes() == decode(tmp_path / f"{name}.{name}", orientation=1).tobytes()
            assert image.tobytes() != decode(tmp_path / f"{name}.{name}").tobytes()


def test_what_an_app_hands_on_is_the_file_that_its_bundle_says(tmp_path):
    """Its twins: another file, and none; the case has failed then."""
    shutil.copytree(REPO / "tests/samples", tmp_path / "bundle")
    folder, request = tmp_path / "bundle", load_request(REPO / "tests/samples/request.json")
    bundle, tap = load_bundle(folder), folder / "taps/flag.tensor.bin"
    tap.write_bytes(b"tensor")
    handed_on = Tap(file="taps/flag.tensor.bin", sha256=hashlib.sha256(b"tensor").hexdigest())
    first = bundle.results[0].model_copy(update={"taps": {"tensor": handed_on}})
    bundle = bundle.model_copy(update={"results": (first, *bundle.results[1:])})
    assert checked(bundle, request, request.cases, folder, "android-device").results[0] == first
    for spoil, words in ((lambda: tap.write_bytes(b"other!"), "sha256 differs"), (tap.unlink, "is missing")):
        spoil()
        result = checked(bundle, request, request.cases, folder, "android-device").results[0]
        assert isinstance(result, Failed) and result.error.stage == "pull" and words in result.error.message
