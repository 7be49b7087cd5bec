"""Edits of a model.toml that keep what people wrote in it: order, comments, spacing."""

from pathlib import Path

import tomlkit
from tomlkit.items import Table

from ..contract.files import write_atomically
from .reading import Normalisation


def declare_normalisation(path: Path, variant: str | None, normalisation: Normalisation) -> None:
    """Write mean and std into `[input]`, or a variant's, and take `assumed` out; what was assumed is declared then."""
    document = tomlkit.parse(path.read_text("utf-8-sig"))
    place = document
    for key in (*(("variants", variant) if variant else ()), "input"):
        if key not in place:
            place[key] = tomlkit.table()
        place = place[key]
    assert isinstance(place, Table)
    place.pop("assumed", None)
    if "range" not in place:
        for key, values in zip(("mean", "std"), normalisation, strict=True):
            place[key] = list(values)
    write_atomically(path, tomlkit.dumps(document).encode())
