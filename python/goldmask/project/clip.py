"""Clips: cases that are the frames of one video, in order, from a folder of pictures beside a model.toml."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pydantic import Field, field_validator

from ..contract.errors import ConfigError
from ..contract.files import name_of
from ..contract.schema import Name, Strict
from .case import Case

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
MAX_FRAMES = 10_000
# Of a frame's id, which is a name: the clip's, a dot, and the frame's.
LONGEST_ID = 30


class Clip(Strict):
    """`folder` has one picture for each frame; their names say the order, numbers in them by their value."""

    id: Name = Field(max_length=LONGEST_ID)
    folder: str
    licence: str = ""

    @field_validator("folder")
    @classmethod
    def _inside(cls, folder: str) -> str:
        if not folder or folder.startswith(("/", "~")) or ".." in PurePosixPath(folder).parts:
            raise ValueError(f"{folder!r} leads out of the model's folder")
        return folder


def frames_of(clip: Clip, folder: Path) -> tuple[Case, ...]:
    """A case for each picture of a clip, in order; `folder` is that of the model.toml.

    Raises ConfigError where there are none, too many, or two with one name.
    """
    found = folder / clip.folder
    paths = [path for path in found.glob("*") if path.suffix.lower() in SUFFIXES] if found.is_dir() else []
    fix = f"put the frames of clip {clip.id} into {found}, or edit {folder / 'model.toml'}"
    if not paths:
        raise ConfigError(f"clip {clip.id} has no frames: {found} has no {', '.join(SUFFIXES)}", fix=fix)
    if len(paths) > MAX_FRAMES:
        raise ConfigError(f"clip {clip.id} has {len(paths):,} frames, at most {MAX_FRAMES:,} are read", fix=fix)
    cases = tuple(
        Case(
            id=f"{clip.id}.{name_of(path, 'frame', longest=LONGEST_ID)}",
            file=f"{clip.folder}/{path.name}",
            licence=clip.licence,
            clip=clip.id,
        )
        for path in sorted(paths, key=_in_order)
    )
    ids = [case.id for case in cases]
    twice = next((case for case in ids if ids.count(case) > 1), None) if len(set(ids)) < len(ids) else None
    if twice:
        raise ConfigError(f"two frames of clip {clip.id} have the name {twice}", fix=fix)
    return cases


def frames_before(cases: Sequence[Case]) -> dict[str, str]:
    """The frame before each frame of a clip, by their ids; the first ones have none."""
    return {
        case.id: before.id
        for before, case in itertools.pairwise(cases)
        if case.clip is not None and case.clip == before.clip
    }


def _in_order(path: Path) -> tuple[tuple[int, str], ...]:
    """frame2 comes before frame10."""
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", path.name))
