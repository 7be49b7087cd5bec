"""Writes images.json, the vectors that hold together what Python, Kotlin and Swift hand to a decoder.

python tests/vectors/generate_images.py

Small image files in base64. Of a JPEG, PNG or WebP: its size, its orientation and the sha256 of what is left of it for
a decoder. Of a BMP, which all three read by themselves: the sha256 of its upright RGB bytes. Or why it is refused.
"""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

# Of an image: others are of the same kinds.
MAX_BYTES = 1100
FILE = Path(__file__).with_name("images.json")
sys.path[:0] = [str(FILE.parents[1]), str(FILE.parents[2] / "python")]

import image_grid  # noqa: E402 - after the path that makes it importable

from goldmask.contract.bmp import SIGNATURE  # noqa: E402
from goldmask.contract.image import ImageError, decode, strip  # noqa: E402
from goldmask.contract.metadata import UnsupportedImage  # noqa: E402
from goldmask.contract.png import DamagedPng  # noqa: E402


def files() -> dict[str, bytes]:
    """The files of the grid whose kinds differ before a decoder sees them."""
    chosen = {name: data for name, data, _ in image_grid.grid() if re.search(r"[^it]-6table$", name)}
    chosen |= {name: data for name, data, _ in image_grid.bmp_files()}
    chosen |= {name: data for name, data, _ in image_grid.metadata()}
    chosen |= {name: data for name, data in image_grid.refused() if not needs_zlib(data)}
    return {name: data for name, data in chosen.items() if len(data) <= MAX_BYTES}


def needs_zlib(data: bytes) -> bool:
    """Whether a PNG is damaged where only its decompressed rows show it; Swift leaves that to ImageIO."""
    try:
        strip(data)
    except DamagedPng as error:
        return str(error).startswith(("rows are missing", "its compressed data"))
    except ValueError:
        return False
    return False


def outcome(data: bytes) -> dict:
    """What becomes of a file, without its name and content."""
    if data.startswith(SIGNATURE):
        try:
            return {"pixels": hashlib.sha256(decode(Path("it"), data=data).tobytes()).hexdigest()}
        except ImageError as error:
            return {"refused": error.what}
    try:
        stripped = strip(data)
    except UnsupportedImage as error:
        return {"refused": f"it is {error}"}
    except ValueError as error:
        return {"refused": f"it is damaged: {error}"}
    return {
        "width": stripped.width,
        "height": stripped.height,
        "orientation": stripped.orientation,
        "stripped": hashlib.sha256(stripped.data).hexdigest(),
    }


def text() -> str:
    """The content of the file: a line for each image."""
    lines = [
        json.dumps({"name": name, "file": base64.b64encode(data).decode(), **outcome(data)})
        for name, data in files().items()
    ]
    return '{"schema": 1, "files": [\n' + ",\n".join(lines) + "\n]}\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
