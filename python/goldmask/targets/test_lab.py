"""Device farms: what Flank or gcloud needs to run the golden test on Firebase Test Lab, and its results as bundles.

A farm judges nothing: the golden test fails only where it could not write its bundle, and masks are compared here.
"""

import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..android import bundle_tar
from ..android.adb import STORE
from ..android_build.apk import Apks
from ..contract.bundle import Bundle, Failed, Predicted, Request, RequestCase, load_bundle, load_request, save
from ..contract.errors import GoldmaskError, RunError, UsageError
from ..contract.files import write_atomically
from . import android_device
from .host import checked, filled

FLANK_FILE, GCLOUD_FILE, REQUEST_FILE = "flank.yml", "gcloud.sh", "request.json"
# As gcloud writes a device.
DEVICE = re.compile(r"model=[\w.-]+,version=\d+(,locale=[A-Za-z_-]+)?(,orientation=(portrait|landscape))?", re.ASCII)
# As Test Lab names an execution: model, which may have hyphens (SH-04H), version, locale, orientation.
AXIS = re.compile(r"[\w.][\w.-]*-\d+-[A-Za-z][A-Za-z_-]*-(portrait|landscape|default)", re.ASCII)
EXAMPLE = "--phone model=Pixel6,version=33"
TIMEOUT = "15m"
RETRIES_MAX = 10  # Test Lab's
# Test Lab leaves these in the folder of an execution, whatever became of the test.
TRACES = ("logcat", "instrumentation.results", "test_result_1.xml")
MAX_EXECUTIONS = 1000


@dataclass(frozen=True)
class Plan:
    """What every run on the farm has in common. `devices` are in gcloud's words, `model=Pixel6,version=33`."""

    apks: Apks
    devices: tuple[str, ...]
    retries: int = 0
    shards: int = 1

    @property
    def out(self) -> str:
        """Where the app writes: its own place in the shared storage, which it needs no permission for."""
        return f"/sdcard/Android/media/{self.apks.application_id}/{bundle_tar.FOLDER}"


@dataclass(frozen=True)
class Shard:
    """A share of the cases: its own folder, and what is to be on the device, by path there."""

    folder: Path
    request: str
    files: dict[str, Path]


@dataclass(frozen=True)
class Collected:
    """One execution on a farm: the bundle that it wrote, or why there is none that can be used."""

    name: str
    folder: Path | None
    bundle: Bundle | None
    problem: str = ""


def write(request: Request, plan: Plan, folder: Path, *, flank: bool = True, gcloud: bool = True) -> list[Shard]:
    """Write the shards' folders: request.json, and as asked for flank.yml and gcloud.sh. Raises UsageError."""
    check_plan(len(request.cases), plan.devices, plan.retries, plan.shards)
    for old in folder.glob("shard-*"):  # one of an earlier, larger plan would be run and collected as well
        shutil.rmtree(old)
    shards = []
    for number in range(plan.shards):
        shard = _shard(request, request.cases[number :: plan.shards], folder / f"shard-{number}")
        if flank:
            write_atomically(shard.folder / FLANK_FILE, flank_yml(plan, shard).encode())
        if gcloud:
            script = f"#!/bin/sh\nexec {shlex.join(gcloud_argv(plan, shard))}\n"
            write_atomically(shard.folder / GCLOUD_FILE, script.encode())
            (shard.folder / GCLOUD_FILE).chmod(0o755)
        shards.append(shard)
    return shards


def check_plan(cases: int, devices: Sequence[str], retries: int, shards: int) -> None:
    """Raise UsageError for what no farm can do."""
    if not devices:
        raise UsageError("a farm needs devices", fix=f"{EXAMPLE} (gcloud firebase test android models list)")
    for description in devices:
        if not DEVICE.fullmatch(description):
            raise UsageError(f"--phone {description!r} is no device of gcloud's", fix=EXAMPLE)
    if not 1 <= shards <= cases:
        raise UsageError(f"{cases} cases cannot be shared out to {shards} shards", fix="--shards 1")
    if not 0 <= retries <= RETRIES_MAX:
        raise UsageError(f"--retries {retries} is not from 0 to {RETRIES_MAX}", fix="--retries 0")


def _shard(request: Request, cases: Sequence[RequestCase], folder: Path) -> Shard:
    """A share's request, with files as they are called on the device, and those files."""
    model, images = Path(request.model.file), {case.id: Path(case.file) for case in cases}
    names = {path: android_device.store_name(path) for path in (model, *images.values())}
    path = folder / REQUEST_FILE
    save(android_device.renamed(request, cases, names), path)
    on_device = f"{STORE}/{android_device.store_name(path)}"
    files = {f"{STORE}/{name}": source.absolute() for source, name in names.items()}
    return Shard(folder, on_device, files | {on_device: path.absolute()})


def flank_yml(plan: Plan, shard: Shard) -> str:
    """flank.yml of a shard; its first table is what `gcloud firebase test android run flank.yml:gcloud` reads, too."""
    import yaml  # no other task needs it

    data = {
        "gcloud": {
            "app": str(plan.apks.app.absolute()),
            "test": str(plan.apks.test.absolute()),
            "test-runner-class": plan.apks.runner,
            "test-targets": [f"class {plan.apks.test_class}"],
            "device": [dict(word.split("=", 1) for word in description.split(",")) for description in plan.devices],
            "environment-variables": _variables(plan, shard),
            "other-files": {name: str(path) for name, path in shard.files.items()},
            "directories-to-pull": [plan.out],
            "num-flaky-test-attempts": plan.retries,
            "timeout": TIMEOUT,
            "use-orchestrator": False,
            "auto-google-login": False,
            "record-video": False,
            "performance-metrics": False,
        },
        "flank": {
            "max-test-shards": 1,
            "num-test-runs": 1,
            "files-to-download": [rf".*/{bundle_tar.FOLDER}/.*", *(f".*/{re.escape(name)}" for name in TRACES)],
            "local-result-dir": str((shard.folder / "results").absolute()),
        },
    }
    head = (
        "# Written by ./goldmask android.farm; run: flank firebase test android run -c flank.yml\n"
        "# The golden test is one test: goldmask shares out its cases (--shards), not Flank.\n"
        "# Another attempt never mends a mask: the test fails only where it wrote no bundle; every attempt is kept.\n"
    )
    return head + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000)


def gcloud_argv(plan: Plan, shard: Shard) -> list[str]:
    """The words of gcloud for a shard. Raises UsageError for paths that gcloud's lists cannot have."""
    lists = {
        "--environment-variables": _variables(plan, shard),
        "--other-files": {name: str(path) for name, path in shard.files.items()},
    }
    for path in (word for values in lists.values() for word in values.values()):
        if "," in path or "=" in path:
            raise UsageError(f"gcloud's lists cannot have the path {path}", fix="move it to one without , and =")
    return [
        *("gcloud", "firebase", "test", "android", "run", "--type", "instrumentation"),
        *("--app", str(plan.apks.app.absolute()), "--test", str(plan.apks.test.absolute())),
        *("--test-runner-class", plan.apks.runner, "--test-targets", f"class {plan.apks.test_class}"),
        *(word for description in plan.devices for word in ("--device", description)),
        *(word for flag, values in lists.items() for word in (flag, ",".join(f"{k}={v}" for k, v in values.items()))),
        *("--directories-to-pull", plan.out, "--num-flaky-test-attempts", str(plan.retries), "--timeout", TIMEOUT),
        *("--no-use-orchestrator", "--no-auto-google-login", "--no-record-video", "--no-performance-metrics"),
    ]


def _variables(plan: Plan, shard: Shard) -> dict[str, str]:
    """What the test is told; Test Lab makes instrumentation arguments of them."""
    return {"goldmask.request": shard.request, "goldmask.out": plan.out}


def collect(results: Path, plan_folder: Path, out: Path) -> list[Collected]:
    """The results that a farm left below `results`, held against the requests in `plan_folder`; bundles go to `out`.

    Everything there is untrusted: links are not followed, and of a bundle only the masks that its bundle.json names
    are copied. A case that a bundle lacks becomes an error in it; an execution without a bundle has a problem. Raises
    RunError where there is no execution at all, UsageError for a folder that is none, or is not apart from `out`.
    """
    if not results.is_dir():
        raise UsageError(f"{str(results)!r} is no folder", fix="./goldmask android.farm.collect --results DIR")
    read, written = results.resolve(), out.resolve()
    if read.is_relative_to(written) or written.is_relative_to(read):  # old bundles go before new ones come
        raise UsageError(
            f"results in {results} and bundles in {out} would mix", fix="--out <a folder beside --results>"
        )
    requests = [load_request(path) for path in sorted(plan_folder.glob(f"shard-*/{REQUEST_FILE}"))]
    if not requests:
        raise UsageError(f"{plan_folder} is no folder of android.farm", fix="--plan DIR, what was its --out")
    executions = _executions(results)
    if not executions:
        raise RunError(f"{results} has no results of a farm", fix="see files-to-download in flank.yml (docs/farms.md)")
    if len(executions) > MAX_EXECUTIONS:
        raise RunError(f"{results} has more than {MAX_EXECUTIONS} results", fix="collect its folders one by one")
    return [
        _collected(folder, f"{number:03}{name_of(folder.relative_to(results).parts)}", requests, out)
        for number, folder in executions
    ]


def _executions(results: Path) -> list[tuple[int, Path]]:
    """The folders with a bundle, and those of executions that left traces and no bundle below; numbered by name."""
    bundles, traces = [], []
    for name, folders, files in os.walk(results):  # which follows no links
        folder = Path(name)
        if "bundle.json" in files:
            bundles.append(folder)
            folders.clear()
        elif any(trace in files for trace in TRACES):
            traces.append(folder)
    empty = [trace for trace in traces if not any(bundle.is_relative_to(trace) for bundle in bundles)]
    return list(enumerate(sorted([*bundles, *empty])))


def name_of(parts: Sequence[str]) -> str:
    """The device's part of an execution's path, for people: Test Lab names a folder `Pixel6-33-en-portrait`."""
    known = next((part for part in parts if AXIS.match(part)), "")
    return f"-{re.sub(r'[^a-z0-9.-]+', '-', known.lower())[:60]}" if known else ""


def _collected(folder: Path, name: str, requests: Sequence[Request], out: Path) -> Collected:
    destination = out / name
    if destination.exists():  # an old one must not pass for this one
        shutil.rmtree(destination)
    try:
        return Collected(name, destination, _copy(folder, requests, destination))
    except GoldmaskError as error:
        shutil.rmtree(destination, ignore_errors=True)
        return Collected(name, None, None, error.what)


def _copy(folder: Path, requests: Sequence[Request], destination: Path) -> Bundle:
    """Copy and check one bundle. Raises RunError."""
    source = folder / "bundle.json"
    if not source.is_file() or source.is_symlink():
        raise RunError(f"{folder} has {'a link for a bundle' if source.is_symlink() else 'no bundle'}")
    bundle = load_bundle(folder)
    cases = {result.case for result in bundle.results}
    request = next((each for each in requests if cases <= {case.id for case in each.cases}), None)
    if not cases or request is None:
        raise RunError(f"{source} has {'cases that no shard asked for' if cases else 'no cases'}")
    (destination / "masks").mkdir(parents=True)
    for name in {result.mask for result in bundle.results if isinstance(result, Predicted)}:
        path = folder / name
        if not bundle_tar.WANTED.fullmatch(f"{bundle_tar.FOLDER}/{name}"):
            raise RunError(f"{source} names {name[:100]!r}, which belongs to no bundle")
        inside = path.is_file() and path.resolve() == folder.resolve() / name
        if inside and path.stat().st_size <= android_device.MAX_CASE_BYTES:
            shutil.copyfile(path, destination / name)  # what is not copied is missed below, and an error of its case
    found = checked(bundle, request, request.cases, destination, android_device.NAME)
    whole = filled(found, request, "the farm's execution ended before this case was done")
    save(whole, destination / "bundle.json")
    return whole


def failures(collected: Sequence[Collected]) -> list[str]:
    """Sentences about executions that wrote no usable bundle, and about cases without a mask."""
    return [
        *(f"{each.name}: {each.problem}" for each in collected if each.problem),
        *(
            f"{each.name}: {result.case}: {result.error.message}"
            for each in collected
            for result in (each.bundle.results if each.bundle else ())
            if isinstance(result, Failed)
        ),
    ]
