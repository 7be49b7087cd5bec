"""The program around the tasks: their list in groups, their help, what was probably meant, completion."""

import inspect
import re
import sys
import textwrap
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import NoReturn

from invoke import Collection, Exit, ParseError, Program
from invoke.parser import Argument, ParserContext

from ..contract.errors import meant, nearest
from ..machine.resources import COMMAND, typed
from .completion import complete, script, values

WIDTH = 80
# How invoke 3 says it, with the flag as Flag shows itself.
LACKS_VALUE = re.compile(r"Flag (--[a-z-]+) needed value")
# Of invoke's own flags those that are about the shell commands of a task; goldmask's tasks have none.
WITHOUT_EFFECT = (
    "command-timeout", "config", "dry", "echo", "hide", "prompt-for-sudo-password", "pty", "warn-only", "write-pyc",
)  # fmt: skip
# invoke gives flags of one letter one dash.
ONE_LETTER = re.compile(r"^--([a-z])(=|$)")
# Everyday tasks first; a task without a group of its own stands in its namespace's.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Every day", ("check", "report", "compare", "diagnose", "run", "doctor", "init")),
    ("Goldens and models", ("golden.", "models.")),
    ("Latency", ("bench", "bench.", "latency.")),
    ("Android", ("android.",)),
    ("iOS", ("ios.",)),
    ("Training DeepLab", ("deeplab.",)),
    ("Working on goldmask", ("test", "rig.")),
)


class GoldmaskProgram(Program):
    """invoke's program with goldmask's help; tasks are run as invoke runs them."""

    def print_help(self) -> None:
        """All tasks in groups, a line each."""
        print(f"Usage: {COMMAND} TASK [OPTIONS]\n")
        tasks = {context.name: context for context in self._contexts() if context.name}
        width = max(map(len, tasks)) + 2
        for heading, starts in GROUPS:
            print(f"{heading}:")
            for name in sorted(tasks, key=lambda name: _place(name, starts)):
                if _place(name, starts) != (len(starts), ""):
                    sentence = textwrap.shorten(self._sentence(name), WIDTH - width - 2, placeholder=" …")
                    print(f"  {name:{width}}{sentence}")
            print()
        print(f"{COMMAND} TASK --help explains one; --print-completion-script SHELL completes.")

    def list_tasks(self) -> None:
        """`--list` and a bare call show the same."""
        self.print_help()

    def print_task_help(self, name: str) -> None:
        """What a task does, its options with their defaults, and an example."""
        task = self.collection[name]
        context = next(each for each in self._contexts() if name in (each.name, *each.aliases))
        wanted = [f" {str(each.name).upper()}" for each in context.positional_args]
        print(f"Usage: {COMMAND} {context.name}{''.join(wanted)} [OPTIONS]\n")
        print(textwrap.fill(" ".join((inspect.getdoc(task) or "").split()), WIDTH))
        options = [_option(argument) for argument in context.args.values()]
        if options:
            print("\nOptions:")
            width = min(max(len(flag) for flag, _ in options) + 4, 28)
            for flag, arguments in options:
                indent = " " * (width + 2)
                lines = textwrap.wrap(arguments, min(get_terminal_size().columns, 100) - width - 2) or [""]
                first = f"  {flag:{width}}" if len(flag) < width else f"  {flag}\n{indent}"
                print(first + f"\n{indent}".join(lines))
        example = getattr(task.body, "example", "")
        if example:
            print(f"\nExample:\n  {typed(example)}")

    def parse_collection(self) -> None:
        """Tasks are here already; `golden record` is `golden.record`, and `--a` is what invoke calls `-a`."""
        super().parse_collection()
        arguments = joined(self.core.unparsed, self.collection)
        self.core.unparsed[:] = [ONE_LETTER.sub(r"-\1\2", word) for word in arguments]

    def parse_tasks(self) -> None:
        """Read tasks and their flags; a word that is unknown is told with the one that was probably meant."""
        try:
            super().parse_tasks()
        except ParseError as error:
            self._refuse(error)
        for name in WITHOUT_EFFECT:
            if self.args[name].value:
                raise Exit(f"goldmask: --{name} is invoke's and has no effect here\n  try: leave --{name} out", 1)

    def parse_cleanup(self) -> None:
        """Completion is ours, as it knows values; all else is invoke's."""
        if self.args.complete.value:
            arguments = self.core.remainder.split()[1:]
            print("\n".join(complete(arguments, self._contexts())))
            raise Exit
        super().parse_cleanup()

    def parse_core(self, argv: list[str] | None) -> None:
        """invoke's own flags; its completion scripts call a program on PATH, ours the one that is typed."""
        arguments = list(argv or sys.argv)
        if "--print-completion-script" in arguments[:-1]:
            print(script(arguments[arguments.index("--print-completion-script") + 1]), end="")
            raise Exit
        if self.namespace and {"--help", "-h"} & set(
            arguments[2:]
        ):  # which would be taken for the value of a positional argument
            named = joined([word for word in arguments[1:] if word not in ("--help", "-h")], self.namespace)[0]
            argv = [arguments[0], "--help", named] if named in _names(self.namespace) else argv
        try:
            super().parse_core(argv)
        except ParseError as error:
            raise Exit(f"goldmask: {error}\n  try: {COMMAND} --help", 1) from error

    def _contexts(self) -> list[ParserContext]:
        # Those of the parser: a task gives away its help texts once.
        return list({context.name: context for context in self.parser.contexts.values()}.values())

    def _sentence(self, name: str) -> str:
        text = " ".join((inspect.getdoc(self.collection[name]) or "").split())
        return text.split(": ")[0].rstrip(".") if len(text) > WIDTH else text.rstrip(".")

    def _refuse(self, error: ParseError) -> NoReturn:
        message, fix = self._explained(error)
        raise Exit(f"goldmask: {message}\n  try: {COMMAND} {fix}", 1) from error

    def _explained(self, error: ParseError) -> tuple[str, str]:
        """What is wrong with the command line, and what to type behind the program's name."""
        text, context = str(error), error.context
        unknown = text.removeprefix("No idea what '").removesuffix("' is!") if text.startswith("No idea") else ""
        names = [each.name for each in self._contexts() if each.name]
        if context is None or not context.name:
            return (f"there is no task {unknown!r}{meant(unknown, names)}" if unknown else text), "--help"
        task = context.name
        if twice := self._twice(context):
            return f"{twice} is given twice, and takes one value", f"{task} {twice} {twice.rpartition('-')[2].upper()}"
        if lacking := LACKS_VALUE.match(text):
            known = values(task, lacking[1].removeprefix("--"), ())
            value = "|".join(known) or lacking[1].rpartition("-")[2].upper()
            return f"{lacking[1]} needs a value", f"{task} {lacking[1]} {value}"
        if not unknown:
            return text, f"{task} --help"
        if unknown.startswith("-"):
            # Without the dashes, which are alike in all.
            flags = [flag.removeprefix("--") for flag in context.flag_names() if flag.startswith("--")]
            near = nearest(unknown.lstrip("-"), flags)
            return f"{task} has no option {unknown}" + (f" (did you mean --{near}?)" if near else ""), f"{task} --help"
        if near := nearest(unknown, names):
            return f"there is no task {unknown!r} (did you mean {near}?)", "--help"
        fix = f"{task} --model {unknown}" if "model" in context.args else f"{task} --help"
        return f"{task} takes no {unknown!r} without a flag before it", fix

    def _twice(self, context: ParserContext) -> str:
        """A flag of one value that was typed more than once; invoke takes the second value for something else."""
        typed = [word.partition("=")[0] for word in self.core.unparsed]
        single = (
            flag for flag, argument in context.flags.items() if argument.takes_value and argument.kind is not list
        )
        return next((flag for flag in single if typed.count(flag) > 1), "")


def joined(arguments: Sequence[str], collection: Collection) -> list[str]:
    """`golden record --mode all` as `golden.record --mode all`: leading words that name a task together, by dots."""
    names = _names(collection)
    for count in (3, 2):
        first = arguments[:count]
        if len(first) == count and ".".join(first) in names:
            return [".".join(first), *arguments[count:]]
    # None of them, then: where the first is a group of tasks, the mistake is in what follows it.
    rest = list(arguments)
    while len(rest) > 1 and rest[0] not in names and any(name.startswith(f"{rest[0]}.") for name in names):
        if rest[1].startswith("-"):
            break
        rest[:2] = [f"{rest[0]}.{rest[1]}"]
    return rest


def _names(collection: Collection) -> set[str]:
    """The names of a collection's tasks, with their aliases."""
    return {*collection.task_names, *(alias for aliases in collection.task_names.values() for alias in aliases)}


def _place(name: str, starts: Sequence[str]) -> tuple[int, str]:
    """Where a task stands in a group: by the group's order, then by name; (len, "") where it is not in it."""
    for index, start in enumerate(starts):
        if name == start or (start.endswith(".") and name.startswith(start)):
            return index, name
    return len(starts), ""


def _option(argument: Argument) -> tuple[str, str]:
    """A flag as it is typed, and what it does, with its default where there is one."""
    name = (argument.name or "").rstrip("_").replace("_", "-")
    if argument.positional:
        return name.upper(), argument.help or ""
    short = "".join(f"-{nickname}, " for nickname in argument.nicknames)
    flag = f"{short}--{name} {name.rpartition('-')[2].upper()}" if argument.takes_value else f"{short}--{name}"
    default = argument.default
    shown = f" (default: {default})" if default not in (None, False, "", [], "0") else ""
    return flag, (argument.help or "") + shown
