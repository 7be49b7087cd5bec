"""What a golden run prints while it runs, each case among whatever else; and what the host decodes for it."""

import image_grid
import pytest
from conftest import REPO
from PIL import Image

from goldmask.contract.bundle import RequestCase, load_request
from goldmask.contract.image import decode
from goldmask.targets.host import case_listener, write_decoded


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
