"""The flags of a task: each that takes a value has one, and those of invoke that would change nothing are refused."""

from invoke import Context, ParseError, Task
from invoke.parser import Argument

from ..contract.errors import UsageError


class Flag(Argument):
    """A flag, whose value is not empty: `--device "$DEVICE"` without a DEVICE is not meant to leave --device out."""

    def __repr__(self) -> str:
        return f"--{str(self.name).replace('_', '-')}"  # as invoke's errors quote it

    def set_value(self, value: object, cast: bool = True) -> None:
        """Take a value from the command line. Raises ParseError for an empty one."""
        if value == "":
            raise ParseError(f"{self!r} is empty")
        super().set_value(value, cast)


class CommandTask(Task):
    """An invoke task of goldmask."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The task's flags, for invoke's parser."""
        arguments = super().get_arguments(ignore_unknown_help)
        for argument in arguments:
            argument.__class__ = Flag
            # invoke 3 lets a flag that may be given several times pass without a value: its list is a value for it.
            if argument.kind is list:
                argument.raw_value = None
        return arguments


def check_core(context: Context) -> None:
    """Raise UsageError for `--dry`, which shows what invoke would start: goldmask starts nothing through invoke."""
    if context.config.run.dry:
        raise UsageError("--dry has no effect, everything would run", fix="leave --dry out")
