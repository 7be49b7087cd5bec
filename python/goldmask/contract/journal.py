"""Results written down as they come: a process that dies leaves the cases that it had finished.

bundle.json is written once, at the end. Written anew after each of ten thousand cases it would be gigabytes.
"""

from pathlib import Path

from .bundle import MAX_JSON_BYTES, Bundle, Result
from .errors import RunError
from .files import read_file
from .schema import InvalidJson, parse_json

JOURNAL_FILE = "results.jsonl"


class Journal:
    """A bundle without results, and below it a line for each result."""

    def __init__(self, folder: Path, bundle: Bundle) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / JOURNAL_FILE
        self._path.write_bytes(bundle.model_dump_json(by_alias=True, exclude_none=True).encode() + b"\n")

    def add(self, result: Result) -> None:
        """Write a result down; its files are there already."""
        with self._path.open("ab") as stream:
            stream.write(result.model_dump_json(by_alias=True, exclude_none=True).encode() + b"\n")

    def remove(self) -> None:
        """Forget it: there is a whole bundle now."""
        self._path.unlink()


def read_journal(folder: Path) -> Bundle | None:
    """The bundle of the results that were written down; None where there is none. Raises RunError for a damaged one."""
    path = folder / JOURNAL_FILE
    try:
        head, *results = read_file(path, MAX_JSON_BYTES).split(b"\n")[:-1]  # the last line ends where the process did
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}", fix="run the target again") from error
    if not results:
        return None
    try:
        return parse_json(head.removesuffix(b"]}") + b",".join(results) + b"]}", Bundle)
    except InvalidJson as error:
        raise RunError(f"{path} is damaged: {error}", fix="run the target again") from error
