"""The terminal obeys goldmask, and nobody whom goldmask quotes."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from goldmask.cli.console import PlainConsole


def shown(*things: object) -> str:
    console = PlainConsole(width=80, file=io.StringIO(), force_terminal=True, color_system="standard")
    for thing in things:
        console.print(thing)
    return console.file.getvalue()


def table(text: str) -> Table:
    """A table with `text` in a heading and in a cell."""
    made = Table(text, box=None)
    made.add_row(Text(text))
    return made


@pytest.mark.parametrize("sign", ["\x1b]0;x\x07", "\x1b[2J", "\x9b31m", "\u202e", "\x08", "\x7f", "\u2066", "\ufeff"])
def test_what_strangers_say_is_text(sign):
    for text in (shown(Text(f"a{sign}b")), shown(table(f"a{sign}b")), shown(Text("red", "red") + Text(f"a{sign}b"))):
        plain = text.replace("\x1b[1m", "").replace("\x1b[31m", "", 1 if "red" in text else 0).replace("\x1b[0m", "")
        assert plain.replace("\n", "").isprintable(), repr(text)


def test_its_own_colours_are_colours():
    assert shown(Text("wrong", "red")) == "\x1b[31mwrong\x1b[0m\n"
    assert shown(Text("two\nlines, é 猫")) == "two\nlines, é 猫\n"
