"""Zip files as Android maps them into memory: what is not compressed begins at whole words, native code at pages."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE_BYTES = 16384
WORD_BYTES = 4
HEADER_BYTES = 30  # of an entry, before its name
STORED = ("arsc", "so", "png", "jpg", "jpeg", "webp", "gif")  # suffixes of what an APK does not compress
MOMENT = (1981, 1, 1, 1, 1, 2)  # of every entry, as Android's own tools write it
ALIGNMENT_FIELD = 0xD935


def write_zip(path: Path, entries: Mapping[str, bytes], stored: Sequence[str]) -> None:
    """A zip file as Android wants it, the same bytes for the same entries.

    Entries with a suffix in `stored` are not compressed; their data begins at a multiple of 4 bytes, and that of
    native libraries at one of 16 KiB, so that Android maps them into memory straight from the APK.
    """
    with path.open("wb") as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            suffix = name.rpartition(".")[2].lower()
            entry.compress_type = zipfile.ZIP_STORED if suffix in stored else zipfile.ZIP_DEFLATED
            if entry.compress_type == zipfile.ZIP_STORED:
                multiple = PAGE_BYTES if suffix == "so" else WORD_BYTES
                # Android's own extra field for padding: apksig keeps what it finds there.
                start = stream.tell() + HEADER_BYTES + len(name.encode()) + 6
                padding = -start % multiple
                numbers = (ALIGNMENT_FIELD, 2 + padding, multiple)
                entry.extra = b"".join(word.to_bytes(2, "little") for word in numbers) + bytes(padding)
            archive.writestr(entry, data)
