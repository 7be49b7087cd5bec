"""What makes a task of a function: its flags, its help, and how the program ends after it."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from invoke import Exit, Task, task

from ..contract.errors import EnvironmentMissing, GoldmaskError, UsageError, of_system
from ..machine import interrupts
from ..machine.resources import typed
from ..project.options import OPTIONS, is_number
from . import streams
from .flags import HELP, CommandTask, check_core


def command(
    name: str | None = None, several: tuple[str, ...] = (), options: Iterable[str] = (), example: str = ""
) -> Callable[..., Task]:
    """An invoke task that ends with the program's exit code and shows expected errors without a traceback.

    Flags are the function's parameters and, for its `**flags`, `options` as project/options.py declares them.
    """

    def decorate(function: Callable[..., int | None]) -> Task:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> None:
            # invoke turns this off, and every start would compile numpy's and pydantic's modules again: half a second.
            sys.dont_write_bytecode = False
            # A `kill`, or a CI job that is cancelled, stops what was started just as Ctrl-C does.
            interrupts.catch()
            streams.guard()
            from ..machine import scratch, shell

            code: int | None = None
            try:
                check_core(args[0])
                scratch.clean()
                scratch.note_processes()
                code = function(
                    *args, **{flag: _read(flag, value, defaults.get(flag)) for flag, value in kwargs.items()}
                )
            except BaseException as error:
                if (ending := ending_of(error)) is error:
                    raise
                raise ending from error
            finally:
                with interrupts.held():
                    shell.end_all()
                    scratch.remove_all()
            if code := streams.finish(int(code or 0)):
                raise Exit(code=code)

        defaults = {each.name: each.default for each in inspect.signature(function).parameters.values()}
        chosen = [OPTIONS[each] for each in options]
        parameters = [
            # invoke would turn a number's text into a number, and a wrong one into a traceback.
            each.replace(default=str(each.default)) if type(each.default) is int else each
            for each in inspect.signature(function).parameters.values()
            if each.kind is not each.VAR_KEYWORD
        ]
        parameters += [
            inspect.Parameter(
                each.parameter,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if each.switch else "" if not each.several else None,
            )
            for each in chosen
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what invoke makes flags of
        run.example = example  # type: ignore[attr-defined]  # shown by its help
        repeated = {*several, *(each.parameter for each in chosen if each.several)}
        own = {each.name: f" (default: {each.default})" for each in chosen if each.default not in (None, False, (), 0)}
        texts = HELP | {each.parameter: each.help + own.get(each.name, "") for each in chosen}
        flags = [each.name for each in parameters[1:]]
        help_texts = {flag: texts[flag] + ("; several may be given" if flag in repeated else "") for flag in flags}
        return task(name=name, help=help_texts, iterable=sorted(repeated), auto_shortflags=False, klass=CommandTask)(
            run
        )

    return decorate


def ending_of(error: BaseException) -> BaseException:
    """How the program ends after an error: with one sentence where it is an expected one, a bug as it is."""
    if isinstance(error, KeyboardInterrupt) or interrupts.happened():  # nothing fails well while all is being stopped
        return Exit(interrupts.MESSAGE, interrupts.EXIT_CODE)
    if isinstance(error, OSError) and error.errno is not None:
        error = of_system(error)
    if isinstance(error, GoldmaskError):
        return Exit(typed(f"goldmask: {error}"), int(error.exit_code))
    return error


def exit_code_of(run: Callable[[], object]) -> int:
    """The exit code of a program that `run` is, which an interrupt may end at any moment. A bug is raised as it is."""
    code = 0
    try:
        run()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0
    except BaseException:
        if not interrupts.happened():
            raise
        code = 1
    if code == 1 and interrupts.happened():  # invoke makes that of an interrupt while it reads the words, too
        print(interrupts.MESSAGE, file=sys.stderr)
        code = interrupts.EXIT_CODE
    return code


def _read(flag: str, value: Any, default: Any) -> Any:
    """A flag's value: as a number where its default is one, a path with `~` as a shell reads it. Raises UsageError."""
    if isinstance(value, list):
        return [_read(flag, each, default) for each in value]
    if not isinstance(value, str):
        return value
    shown = f"--{flag.replace('_', '-')}"
    if type(default) is int:
        if not is_number(value, int):
            raise UsageError(f"{shown} {value!r} is not a whole number", fix=f"{shown} {default}")
        return int(value)
    if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise UsageError(f"{shown} {value!r} is not UTF-8", fix="give the file or folder another name")
    if value.startswith("~"):
        try:
            return str(Path(value).expanduser())
        except RuntimeError as error:
            raise UsageError(f"{shown} {value!r}: there is no such user", fix=f"{shown} ./{value}") from error
    return value


def deeplab_program() -> ModuleType:
    """The tasks of deeplab, a package beside this one. Raises EnvironmentMissing without its extra."""
    try:
        import deeplab.program
    except ImportError as error:
        raise EnvironmentMissing(
            f"deeplab.* needs {error.name}, which is not installed", fix="uv tool install 'goldmask[deeplab]'"
        ) from error
    return deeplab.program
