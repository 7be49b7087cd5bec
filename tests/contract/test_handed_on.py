"""What an app hands on of the way to its mask: taken only as what the model's input can be."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from goldmask.contract.bundle import InputSpec, Predicted, StageHashes, Tap, load_request
from goldmask.contract.errors import RunError
from goldmask.contract.handed_on import handed_on_bytes, read_handed_on

SAMPLES = Path(__file__).parents[1] / "samples"
PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def request(dtype: str = "float32"):
    sample = load_request(SAMPLES / "request.json")
    spec = InputSpec(height=2, width=4, dtype=dtype, mean=(127.5,), std=(127.5,))
    options = sample.options.model_copy(update={"taps": ("resized", "tensor")})
    return sample.model_copy(update={"model": sample.model.model_copy(update={"input": spec}), "options": options})


def result(folder: Path, **handed_on: bytes) -> Predicted:
    """A case that hands on these bytes."""
    taps, stages = {}, {}
    for name, data in handed_on.items():
        path = folder / f"taps/flag.{name}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        stages[name] = hashlib.sha256(data).hexdigest()
        taps[name] = Tap(file=f"taps/flag.{name}.bin", sha256=stages[name])
    return Predicted(
        case="flag",
        image_sha256="0" * 64,
        status="ok",
        mask="masks/flag.png",
        mask_sha256="0" * 64,
        mask_size=(4, 2),
        stages=StageHashes(**stages),
        taps=taps,
    )


def test_pixels_and_tensors_of_the_models_size(tmp_path):
    tensor = np.linspace(-1, 1, 24, dtype=np.float32)
    both = read_handed_on(tmp_path, result(tmp_path, resized=PIXELS.tobytes(), tensor=tensor.tobytes()), request())
    assert np.array_equal(both.resized, PIXELS) and both.tensor == tensor.tobytes()
    nothing = read_handed_on(tmp_path, result(tmp_path), request())
    assert nothing.resized is nothing.tensor is None
    assert [handed_on_bytes(request(dtype)) for dtype in ("float32", "int8")] == [120, 48]


def floats(index: int, value: float) -> bytes:
    tensor = np.zeros(24, np.float32)
    tensor[index] = value
    return tensor.tobytes()


@pytest.mark.parametrize(
    ("handed_on", "sentence"),
    [
        ({"resized": bytes(23)}, "23 bytes as resized; the model takes 24"),
        ({"resized": b""}, "0 bytes as resized"),
        ({"resized": bytes(25)}, "it has 25 bytes, the limit is 24"),
        ({"tensor": bytes(24)}, "24 bytes as tensor; the model takes 96"),
        ({"tensor": bytes(1 << 20)}, "the limit is 96"),
        ({"tensor": floats(0, np.nan)}, "no numbers"),
        ({"tensor": floats(23, np.inf)}, "no numbers"),
    ],
)
def test_what_cannot_be_the_models_input_is_refused(tmp_path, handed_on, sentence):
    with pytest.raises(RunError, match=sentence):
        read_handed_on(tmp_path, result(tmp_path, **handed_on), request())


def test_what_is_handed_on_is_the_stage_that_was_hashed(tmp_path):
    honest = result(tmp_path, resized=PIXELS.tobytes())
    liar = honest.model_copy(update={"stages": StageHashes(resized="1" * 64)})
    with pytest.raises(RunError, match="not what its stages name"):
        read_handed_on(tmp_path, liar, request())
    (tmp_path / "taps/flag.resized.bin").write_bytes(bytes(24))
    with pytest.raises(RunError, match="sha256 differs"):
        read_handed_on(tmp_path, honest, request())


def test_what_is_handed_on_is_a_file_of_the_bundle(tmp_path):
    honest = result(tmp_path, resized=PIXELS.tobytes())
    path = tmp_path / "taps/flag.resized.bin"
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is missing"):
        read_handed_on(tmp_path, honest, request())
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="symbolic link"):
        read_handed_on(tmp_path, honest, request())
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RunError, match="named pipe"):
        read_handed_on(tmp_path, honest, request())


def test_only_a_margin_map_has_a_unit(tmp_path):
    honest = result(tmp_path, resized=PIXELS.tobytes()).model_dump()
    for taps in (
        {"margin": {"file": "taps/a.png", "sha256": "0" * 64}},
        {"tensor": {"file": "taps/a.bin", "sha256": "0" * 64, "unit": "score"}},
    ):
        with pytest.raises(ValidationError, match="a margin map has a unit"):
            Predicted.model_validate(honest | {"taps": taps})


def test_a_kernel_that_there_is_not_is_refused(tmp_path):
    honest = result(tmp_path).model_dump()
    assert Predicted.model_validate(honest | {"scaling": "opencv area"}).scaling == "opencv area"
    with pytest.raises(ValidationError, match="platform bilinear"):
        Predicted.model_validate(honest | {"scaling": "nearest"})
