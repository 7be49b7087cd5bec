"""goldmask.toml: the suites, the run options, the tolerances and their reasoned exceptions."""

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version
from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from .. import __version__
from ..contract.bundle import BUNDLE_FILE, SchemaVersion
from ..contract.errors import ConfigError, UsageError, meant
from ..contract.latency import LatencyFlag
from ..contract.options import PIPELINES, Delegate, Pipeline
from ..contract.schema import Count, Name, Strict
from .budget import Budget, LatencySettings
from .options import OptionTables
from .toml import load_toml, mistakes

FILE_NAME = "goldmask.toml"
# Two precisions of a model: float32 vs int8.
VARIANTS = r"\S+ vs \S+"
TEST_ID = r"^[A-Za-z_][A-Za-z0-9_]*/[A-Za-z_][A-Za-z0-9_]*$"


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"{name!r} is there twice")
    return names


# What is listed twice would run twice.
ONCE = AfterValidator(_once)


class Gates(Strict):
    """Limits of what is measured; None is no limit. Fractions are 0 to 1."""

    confident_flips_max: Count | None = None
    agreement_min: float | None = Field(default=None, ge=0, le=1)
    miou_min: float | None = Field(default=None, ge=0, le=1)
    class_iou_min: float | None = Field(default=None, ge=0, le=1)
    fwiou_min: float | None = Field(default=None, ge=0, le=1)
    boundary_f_min: float | None = Field(default=None, ge=0, le=1)
    window_density_max: float | None = Field(default=None, ge=0, le=1)
    area_change_max: float | None = Field(default=None, ge=0)
    soft_error_max: float | None = Field(default=None, ge=0, le=1, description="of any pixel of a soft mask")
    soft_p99_max: float | None = Field(default=None, ge=0, le=1)
    soft_mae_max: float | None = Field(default=None, ge=0, le=1)
    soft_mse_max: float | None = Field(default=None, ge=0, le=1)
    soft_sad_max: float | None = Field(default=None, ge=0, description="in thousands, as the two below")
    soft_gradient_max: float | None = Field(default=None, ge=0)
    soft_connectivity_max: float | None = Field(default=None, ge=0)
    flicker_max: float | None = Field(
        default=None, ge=0, le=1, description="share of pixels that change between two frames, beyond the golden's own"
    )
    same_labels: bool = Field(default=False, description="no class appears or vanishes, even by ties")
    same_threads: bool = Field(default=False, description="as many threads ran as were asked for")


class Tolerances(Gates):
    """What still counts as the same mask, and how that is measured."""

    # Scores of one model differ by up to 4e-5 between builds and instruction sets; 1e-3 leaves room and is
    # still far below a margin that means anything (the starter model's median is 4.9).
    tie_margin_score: float = Field(default=1e-3, ge=0)
    # Kernels may round one step up or down; two classes doing so in opposite directions close a gap of two.
    tie_margin_step: float = Field(default=2, ge=0)
    confident_flips_max: Count = 0
    agreement_min: float = Field(default=0.999, ge=0, le=1)
    boundary_px: int = Field(default=2, ge=0, le=64)
    window_px: int = Field(default=20, ge=1, le=1024)
    # Without a margin map every differing pixel counts: a thin tie line fills a tenth of a window, a wrong block all.
    window_density_max: float = Field(default=0.25, ge=0, le=1)
    # A step of an 8-bit mask, which is what people see; delegates of half precision need more, and say so.
    soft_error_max: float = Field(default=1 / 255, ge=0, le=1)
    class_change: Literal["fail", "allow"] = Field(
        default="fail", description="where there is no margin map, whether a class may appear or vanish"
    )
    scaling: Literal["ours", "own"] = Field(
        default="ours", description="own: an app may scale by a kernel that it names, and the rest is judged alone"
    )
    same_delegate: bool = Field(default=True, description="a delegate that was asked for has to have run")


class Override(Strict):
    """Other tolerances for some cases; says why. Fields left out match everything."""

    reason: str = Field(min_length=10)
    model: Name | None = None
    case: Name | None = None
    pipeline: Name | None = None
    target: Name | None = None
    delegate: Delegate | None = Field(default=None, description="the one that ran")
    device: str | None = Field(default=None, description="as the report names it; * stands for anything")
    tolerances: Tolerances

    @property
    def changes(self) -> dict[str, Any]:
        """The tolerances that are given, by name; all others stay as they are."""
        return {name: getattr(self.tolerances, name) for name in self.tolerances.model_fields_set}


class Suite(Strict):
    """Models × pipelines × targets."""

    models: Annotated[tuple[Name, ...], ONCE]
    pipelines: Annotated[tuple[Name, ...], Field(min_length=1), ONCE] = PIPELINES
    targets: Annotated[tuple[Name, ...], Field(min_length=1), ONCE] = ("python",)
    options: OptionTables = OptionTables()
    across: bool = Field(default=False, description="compare with goldens of another model and judge that by the gates")
    variants: str = Field(
        default="", pattern=f"^({VARIANTS})?$", description="float32 vs int8: what another precision changes"
    )


class GoldenTest(Strict):
    """The Android golden test of a pipeline: a module of the Gradle project, and the class in it."""

    module: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(:[A-Za-z0-9][A-Za-z0-9._-]*)*$", description="core:data")
    test: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")


class AppTest(GoldenTest):
    """The golden test of an app whose runtime is none of goldmask's: [android.NAME]. NAME is a pipeline of its own."""

    golden: Pipeline | None = Field(default=None, description="whose goldens its masks are held against")


class EmulatorOptions(Strict):
    """The emulator of `android.emulator.up`, and of a check that is to boot one where no device is attached."""

    start: bool = Field(default=False, description="boot one for a check when no device is attached, and stop it then")
    api: int = Field(default=34, ge=30, le=99, description="of the system image; 30 is the first ATD")
    boot_deadline_s: float = Field(default=300, gt=0, le=3600)


class Android(Strict):
    """The Android project whose code is run; without a folder, goldmask's own example app.

    Besides the tests of goldmask's own pipelines it may have others, by the names of their pipelines.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[Name, AppTest] = Field(init=False)

    folder: str = Field(default="", description="relative to goldmask.toml")
    emulator: EmulatorOptions = EmulatorOptions()
    lib_interpreter: GoldenTest | None = None
    lib_task_api: GoldenTest | None = None

    @property
    def app_tests(self) -> dict[str, AppTest]:
        """The golden tests of other runtimes, by pipeline."""
        return self.__pydantic_extra__ or {}

    @model_validator(mode="after")
    def _is_held_against_goldens(self) -> Self:
        for name, test in self.app_tests.items():
            if not test.golden:
                near = meant(name, (*PIPELINES, "emulator"))
                held = f"golden is missing: {' or '.join(PIPELINES)}, whose goldens it is held against"
                raise ValueError(f"{name}: {held}{near}")
        return self


class Device(Strict):
    """How latencies of devices are judged."""

    suppress: tuple[LatencyFlag, ...] = Field(default=(), description="flags in spite of which a latency is valid")


class Ios(Strict):
    """The iOS project whose golden test is run; without a folder, goldmask's own example app."""

    folder: str = Field(default="", description="relative to goldmask.toml")
    workspace: str = Field(default="GoldmaskApp.xcworkspace", pattern=r"^[^/\\]+\.(xcworkspace|xcodeproj)$")
    scheme: str = Field(default="GoldmaskApp", pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    # Target/Class of each pipeline's golden test.
    lib_interpreter: str | None = Field(default=None, pattern=TEST_ID)
    lib_task_api: str | None = Field(default=None, pattern=TEST_ID)
    arch: Literal["x86_64", "arm64"] = Field(
        default="x86_64", description="of simulators; TaskVision's pod has no arm64"
    )
    device_type: str = Field(default="", description="iPhone 15; the default is any iPhone")
    runtime: str = Field(default="", description="iOS 17.5; the default is the newest")
    destinations: tuple[str, ...] = Field(default=(), description="names or UDIDs of simulators and phones")
    boot_deadline_s: float = Field(default=300, gt=0, le=3600)
    team: str = Field(default="", pattern=r"^[A-Z0-9]*$", description="signs the app for a phone")


class Config(Strict):
    """The file as a whole."""

    schema_: SchemaVersion = Field(alias="schema")
    goldmask: str | None = Field(default=None, description="the versions of goldmask that may run this: >=0.2")
    options: OptionTables = OptionTables()
    tolerances: Tolerances = Tolerances()
    warnings: Gates = Field(default=Gates(), description="gates that warn and do not fail")
    suites: dict[Name, Suite] = Field(min_length=1)
    overrides: tuple[Override, ...] = ()
    budgets: tuple[Budget, ...] = ()
    latency: LatencySettings = LatencySettings()
    android: Android = Android()
    device: Device = Device()
    ios: Ios = Ios()

    @field_validator("goldmask")
    @classmethod
    def _specifier(cls, wanted: str | None) -> str | None:
        try:
            SpecifierSet(wanted or "")
        except InvalidSpecifier as error:
            raise ValueError(f"{wanted!r} names no versions; >=0.2 does") from error
        return wanted


def find_root(start: Path) -> Path:
    """The project's folder: the nearest one at or above `start` with a goldmask.toml. Raises UsageError without any.

    One inside a bundle is not it: whoever made the bundle would choose the tolerances that it is judged by. Raises
    ConfigError where there is no other above.
    """
    folders = (start, *start.parents)
    within: list[Path] = []
    for depth, folder in enumerate(folders):
        if not os.path.isfile(folder / FILE_NAME):  # noqa: PTH113 - Path's raises where a folder cannot be read
            continue
        bundle = next((above for above in folders[depth:] if os.path.lexists(above / BUNDLE_FILE)), None)
        if bundle is None:
            return folder
        within.append(bundle)
    if within:
        raise ConfigError(
            f"{FILE_NAME} is not used where {within[0] / BUNDLE_FILE} says that this is a bundle",
            fix=f"cd to your project, or rm {within[0] / BUNDLE_FILE} if it is the project",
        )
    raise UsageError(
        f"there is no {FILE_NAME} in {start} or above it",
        fix="cd into your project, or start one here: ./goldmask init",
    )


def check_version(config: Config, version: str) -> None:
    """Raise ConfigError where goldmask.toml asks for another version than this one."""
    if config.goldmask is None or Version(version) in SpecifierSet(config.goldmask, prereleases=True):
        return
    raise ConfigError(
        f"{FILE_NAME} asks for goldmask {config.goldmask}, and this is {version}",
        fix=f"uv tool install 'goldmask{config.goldmask}'",
    )


def default_config() -> Config:
    """What holds where there is no goldmask.toml: every default, and no suite that could be run."""
    return Config.model_validate({"schema": 1, "suites": {"default": {"models": ["none"]}}})


def load_config(root: Path) -> Config:
    """Read `root`/goldmask.toml. Raises ConfigError, also where it asks for another version than this one."""
    config = load_toml(root / FILE_NAME, Config)
    check_version(config, __version__)
    _check_pipelines(config)
    return config


def _check_pipelines(config: Config) -> None:
    """Raise ConfigError for a pipeline that is neither goldmask's nor the app's."""
    known = (*PIPELINES, *config.android.app_tests)
    named = [
        (f"suites.{suite}.pipelines.{index}", name)
        for suite, each in config.suites.items()
        for index, name in enumerate(each.pipelines)
    ]
    named += [
        (f"overrides.{index}.pipeline", each.pipeline) for index, each in enumerate(config.overrides) if each.pipeline
    ]
    problems = [
        f"{where}: there is no pipeline {name!r}{meant(name, known)}" for where, name in named if name not in known
    ]
    if problems:
        raise mistakes(
            FILE_NAME, problems, fix=f"one of {', '.join(known)}, or add [android.NAME] (docs/adopt-android.md)"
        )


def suite(config: Config, name: str) -> Suite:
    """A suite by name. Raises ConfigError that lists the names."""
    if name not in config.suites:
        raise ConfigError(
            f"there is no suite {name!r} in {FILE_NAME}{meant(name, config.suites)}",
            fix=f"--suite {'|'.join(config.suites)}",
        )
    return config.suites[name]


@dataclass(frozen=True)
class Compared:
    """What an override is matched against: a comparison, and the delegate and device that ran."""

    model: str
    case: str
    pipeline: str
    target: str
    delegate: str = ""
    device: str = ""


def tolerances_for(config: Config, compared: Compared) -> tuple[Tolerances, str]:
    """The tolerances of one comparison, and the reasons of the overrides that made them."""
    values, reasons = config.tolerances.model_dump(), []
    for override in config.overrides:
        if _matches(override, compared):
            values |= override.changes
            reasons.append(override.reason)
    return (Tolerances.model_validate(values) if reasons else config.tolerances), "; ".join(reasons)


def _matches(override: Override, compared: Compared) -> bool:
    if override.device is not None and not fnmatchcase(compared.device.lower(), override.device.lower()):
        return False
    names = ("model", "case", "pipeline", "target", "delegate")
    return all(getattr(override, name) in (None, getattr(compared, name)) for name in names)
