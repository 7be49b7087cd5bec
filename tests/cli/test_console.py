"""The terminal obeys goldmask, and nobody whom goldmask quotes."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from goldmask.cli.console import PlainConsole, ProgressBars, new_table


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


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def progress(stream: io.StringIO, *seconds: float) -> ProgressBars:
    """Progress on a stream, with a clock that shows these times one after the other."""
    console = PlainConsole(width=80, file=stream, force_terminal=True, color_system=None, _environ={"TERM": "xterm"})
    return ProgressBars(console, iter(seconds).__next__)


def test_in_a_log_each_step_has_a_line_as_it_ends():
    """Also where FORCE_COLOR makes rich take the log for a terminal, as in a CI job."""
    log = io.StringIO()
    with progress(log, 0, 41.3, 50, 52.3, 60, 63, 70, 74.25) as bars:
        bars.step("python · lib_interpreter · getting ready", 0, 1)
        assert log.getvalue() == ""
        bars.step("python · lib_interpreter · getting ready", 1, 1)
        assert log.getvalue() == "python · lib_interpreter · getting ready: 41.3 s\n"
        on_case = bars.count("python · lib_interpreter · shapes", 2)
        on_case("a")
        on_case("b")
        bars.over("python · lib_interpreter · shapes")
        bars.count("python · lib_task_api · shapes", 2)("a")
        bars.over("python · lib_task_api · shapes")
        bars.over("python · lib_task_api · shapes")
        bars.step("a step " * 20, 0, 1)
        bars.step("a step " * 20, 1, 1)
    assert log.getvalue().splitlines()[1:] == [
        "python · lib_interpreter · shapes: 2 done, 2.3 s",
        "python · lib_task_api · shapes: ended after 1 of 2, 3.0 s",
        "a step " * 20 + ": 4.2 s",
    ]


def test_in_a_log_a_step_that_had_nothing_to_do_has_no_line():
    log = io.StringIO()
    with progress(log, 0, 0.09, 1, 1.1) as bars:
        for _ in range(2):
            bars.step("compile Kotlin", 0, 1)
            bars.step("compile Kotlin", 1, 1)
    assert log.getvalue() == "compile Kotlin: 0.1 s\n"


def test_in_a_log_each_download_has_one_line():
    log = io.StringIO()
    with progress(log, 0, 2, 3, 5) as bars:
        for done in (0, 1_000_000, 2_500_000, 2_500_000):
            bars.download("m.tflite", done, 2_500_000)
        for done, total in ((0, None), (300_000, None), (300_000, 300_000)):
            bars.download("m.tflite", done, total)
    assert log.getvalue() == "fetch m.tflite: 2.5 MB, 2.0 s\nfetch m.tflite: 0.3 MB, 2.0 s\n"


def test_on_a_terminal_there_are_bars_and_no_lines():
    """They are taken away at the end."""
    terminal = Terminal()
    with progress(terminal) as bars:
        bars.download("m.tflite", 0, 10)
        bars.step("getting ready", 0, 1)
        bars.step("getting ready", 1, 1)
    assert "getting ready" in terminal.getvalue() and "━" in terminal.getvalue()
    assert ": " not in terminal.getvalue() and terminal.getvalue().endswith("\x1b[2K")


def test_a_table_cuts_nothing():
    made = new_table("case", "classes")
    made.add_row(Text("x" * 90), Text("red 100.0%"))
    text = shown(made)
    assert text.count("x") == 90 and "…" not in text
    assert "red 100.0%" in text and text.count("\n") == 3
