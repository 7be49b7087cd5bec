"""The command line: every task, its options, their types and defaults."""

import importlib.util
from collections.abc import Callable

import pytest
from conftest import REPO
from invoke import Collection, Task, task
from invoke.parser import Argument
from invoke.parser.context import to_flag

from public_api import assert_held


def command_line(namespace: Collection) -> str:
    """A namespace's tasks, their other names in parentheses, a line for each option; positional ones have no dashes."""
    lines = []
    for context in sorted(namespace.to_contexts(), key=lambda context: context.name):
        aliases = f" ({', '.join(sorted(context.aliases))})" if context.aliases else ""
        lines.append(f"{context.name}{aliases}")
        inverse = {name: flag for flag, name in context.inverse_flags.items()}
        lines += sorted(f"    {option(argument, inverse)}" for argument in context.args.values())
    return "\n".join(lines) + "\n"


def option(argument: Argument, inverse: dict[str, str]) -> str:
    """One option: `--model: list = []`."""
    names = [argument.name] if argument.positional else [to_flag(name) for name in argument.names]
    names += [inverse[name] for name in names if name in inverse]
    kind = argument.kind.__name__ + (", value optional" if argument.optional else "")
    default = "" if argument.positional else f" = {argument.default!r}"
    return f"{', '.join(names)}: {kind}{default}"


def test_the_command_line_is_what_its_file_says():
    spec = importlib.util.spec_from_file_location("tasks", REPO / "tasks.py")
    tasks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tasks)
    assert_held(REPO / "docs/command-line.txt", command_line(Collection.from_module(tasks)))


@task(iterable=["model"], optional=["pace"], aliases=["draw"], auto_shortflags=False)
def paint(c, picture, model=None, wet=True, coats=2, pace="slow"):
    """A task with every kind of option."""


HELD = """art.paint (art, art.draw)
    --coats: int = 2
    --model: list = []
    --pace: str, value optional = 'slow'
    --wet, --no-wet: bool = True
    picture: str
"""


def toy(name: str, function: Task) -> str:
    """The command line of a program with one task, which is its group's default and has an alias."""
    art = Collection("art")
    art.add_task(function, name=name, default=True)
    return command_line(Collection(art))


def test_a_task_is_written_with_all_that_a_caller_can_type():
    assert toy("paint", paint) == HELD


def taking(function: Callable) -> Task:
    """A task with a function's parameters."""
    return Task(function, name="paint", aliases=("draw",), auto_shortflags=False)


@pytest.mark.parametrize(
    ("name", "changed", "line"),
    [
        ("paint", taking(lambda c, coats="2": None), "+    --coats: str = '2'"),
        ("paint", taking(lambda c, coats=3: None), "+    --coats: int = 3"),
        ("paint", taking(lambda c, coat=2: None), "+    --coat: int = 2"),
        ("paint", taking(lambda c, coats=2, wet=False: None), "+    --wet: bool = False"),
        ("paint", taking(lambda c, coats: None), "+    coats: str"),
        ("paint", taking(lambda c: None), "-    --coats: int = 2"),
        ("colour", taking(lambda c, coats=2: None), "+art.colour (art, art.draw)"),
    ],
)
def test_a_change_is_seen(tmp_path, name, changed, line):
    held = tmp_path / "command-line.txt"
    held.write_text(toy("paint", taking(lambda c, coats=2: None)), "utf-8")
    with pytest.raises(AssertionError, match="write the file anew") as caught:
        assert_held(held, toy(name, changed))
    assert line in str(caught.value).splitlines()
