"""On which line of a TOML file a value is: parsers tell it of wrong syntax, and a wrong value has a line as well."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Key = tuple[int | str, ...]
# Of text given to the parser: a long file, or one long list in it, has lines as far as these reach.
MAX_PARSED = 4 << 20


def lines_of(text: str) -> dict[Key, int]:
    """The line, from 1 on, on which the statement of each key begins; of a table, its header's.

    A statement is the fewest lines that are TOML by themselves, so that the parser itself says where one ends.
    """
    found: dict[Key, int] = {}
    lengths: dict[Key, int] = {}
    table: Key = ()
    first, statement, parsed = 1, "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        statement += line + "\n"
        parsed += len(statement)
        if parsed > MAX_PARSED:
            break
        try:
            data = tomllib.loads(statement)
        except (ValueError, RecursionError):  # it goes on
            continue
        if statement.lstrip().startswith("["):
            table = _header(data, lengths)
            found.setdefault(table, first)
        else:
            for path in _paths(data):
                found.setdefault(table + path, first)
        first, statement = number + 1, ""
    return found


def line_of(path: Key, lines: Mapping[Key, int]) -> int | None:
    """The line of a value, or of the table that lacks it; None where it is not known."""
    return next((lines[path[:depth]] for depth in range(len(path), 0, -1) if path[:depth] in lines), None)


def _header(data: Any, lengths: dict[Key, int]) -> Key:
    """The table that a header alone begins; `lengths` are those of the arrays of tables so far."""
    table: Key = ()
    while data:
        if isinstance(data, list):
            lengths[table] = lengths.get(table, 0) + 1
            return (*table, lengths[table] - 1)
        ((key, data),) = data.items()
        table = (*table, key)
        if table in lengths and isinstance(data, dict):
            table = (*table, lengths[table] - 1)
    return table


def _paths(data: Any) -> Iterator[Key]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (key,)
        yield from ((key, *path) for path in _paths(value))
