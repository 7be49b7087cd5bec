"""The options of a run, each declared once: its name, type, default, choices and help.

The command line, goldmask.toml, help, completion and the targets all read `TargetOptions`; which targets use an option
is what each target says of itself (targets/target.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ..contract.errors import UsageError, meant
from ..contract.latency import MODES, Mode
from ..contract.options import RunOptions

MAX_DIGITS = 20
Abi = Literal["x86_64", "arm64-v8a", "arm64"]


class TargetOptions(RunOptions):
    """All options of a run on a target: those that a request carries, and those that only the target reads.

    None, or nothing, means the target's own default.
    """

    runtime: str | None = Field(
        default=None,
        description="python: litert or tensorflow; android-jvm: a version of the TensorFlow Lite AAR",
        examples=["litert", "tensorflow"],
    )
    abi: Abi | None = Field(
        default=None,
        description="android-jvm: this machine's by default; android-device: one of the app's; "
        "ios-simulator: x86_64 or arm64",
    )
    device: str | None = Field(
        default=None,
        description="a serial, HOST:PORT, or a property such as 'model=Pixel 6'",
        examples=["model=Pixel 6"],
    )
    apk: str | None = Field(
        default=None,
        description="android-device: an APK of the app, instead of a build of it",
        examples=["before.apk"],
    )
    all_devices: bool = Field(default=False, description="share the cases out among all devices that are connected")
    destinations: tuple[str, ...] = Field(
        default=(), description="name or UDID of a simulator or phone", examples=["iPhone 16"]
    )
    mode: Mode | None = Field(
        default=None,
        description="how long to measure (docs/latency.md); --warmup, --runs and --min-duration-s go first",
    )
    seed: int | None = Field(
        default=None, ge=0, lt=1 << 32, description="of the order of cases where latency is measured", examples=["7"]
    )


class OptionTables(TargetOptions):
    """`[options]` of goldmask.toml or of a suite: options of every target, and `[options.TARGET]` of one."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, TargetOptions] = Field(init=False)

    @property
    def by_target(self) -> dict[str, TargetOptions]:
        """The tables of single targets."""
        return self.__pydantic_extra__ or {}

    def given(self, target: str) -> dict[str, object]:
        """What this table sets for a target; a target's own table comes before the general one."""
        own = self.by_target.get(target)
        general = {name: getattr(self, name) for name in self.model_fields_set & set(TargetOptions.model_fields)}
        return general | (set_in(own) if own else {})


@dataclass(frozen=True)
class Option:
    """An option as the command line has it; `examples` are shown where there are no `choices`."""

    name: str
    help: str
    default: object
    choices: tuple[str, ...]
    examples: tuple[str, ...]
    several: bool
    switch: bool
    number: type[int] | type[float] | None = None

    @property
    def flag(self) -> str:
        """`--all-devices` for `all_devices`; a flag that may be given several times has the name of one thing."""
        return "--" + self.name.removesuffix("s" if self.several else "").replace("_", "-")

    @property
    def parameter(self) -> str:
        """The flag as a parameter of a Python function."""
        return self.flag.removeprefix("--").replace("-", "_")


def _option(name: str) -> Option:
    field = TargetOptions.model_fields[name]
    kinds = get_args(field.annotation) or (field.annotation,)
    literals = [kind for kind in (field.annotation, *kinds) if get_origin(kind) is Literal]
    return Option(
        name=name,
        help=field.description or "",
        default=field.default,
        choices=get_args(literals[0]) if literals else (),
        examples=tuple(map(str, field.examples or ())),
        several=get_origin(field.annotation) is tuple,
        switch=field.annotation is bool,
        number=next((kind for kind in kinds if kind is int or kind is float), None),
    )


OPTIONS: dict[str, Option] = {name: _option(name) for name in TargetOptions.model_fields}


def set_in(options: RunOptions) -> dict[str, object]:
    """The options that were set, by name; those left at their defaults are not in it."""
    return {name: getattr(options, name) for name in options.model_fields_set}


def is_number(text: str, kind: type[int] | type[float]) -> bool:
    """Whether text is a number as people write it: Python also takes `1_0`, ` 1`, `٣`, and pydantic 1.0 for an int."""
    digits = text.removeprefix("-")
    whole, _, fraction = digits.partition(".") if kind is float else (digits, "", "0")
    return all(part.isascii() and part.isdigit() for part in (whole, fraction or "0")) and len(text) < MAX_DIGITS


def from_flags(flags: Mapping[str, object]) -> dict[str, object]:
    """Options by name out of the words of the command line, by flag; what was not given is left out.

    Raises UsageError that names the flag, the value and what is allowed.
    """
    given = {
        option.name: flags[option.parameter]
        for option in OPTIONS.values()
        if flags.get(option.parameter) not in (None, False, "", [], ())
    }
    for name, value in given.items():
        option = OPTIONS[name]
        if option.number and not is_number(str(value), option.number):
            what = "a whole number" if option.number is int else "a number"
            raise UsageError(f"{option.flag} {value!r} is not {what}", fix=_example(option))
    try:
        return set_in(TargetOptions.model_validate(given))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        option = OPTIONS[str(problem["loc"][0])]
        value = given[option.name]
        near = meant(str(value), option.choices)
        raise UsageError(f"{option.flag} {value!r} {_wrong(problem)}{near}", fix=_example(option)) from error


def resolve(*tables: Mapping[str, object]) -> TargetOptions:
    """One set of options out of several; a later table comes before an earlier one."""
    values: dict[str, Any] = {}
    for table in tables:
        mode: Any = table.get("mode")
        values |= (MODES[mode]._asdict() if mode else {}) | dict(table)
    return TargetOptions.model_validate(values)


def _wrong(problem: ErrorDetails) -> str:
    """What is wrong with a value, as the end of a sentence."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "literal_error":
        return f"is not known; there are {context['expected']}"
    for name, phrase in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if name in context:
            return f"is out of range: it must be {phrase} {context[name]}"
    return f"is wrong: {problem['msg']}"


def _example(option: Option) -> str:
    values = option.choices or option.examples or (str(option.default),)
    return f"{option.flag} {'|'.join(values)}"
