"""The `ios-simulator` target: an iOS app's golden test in the simulator, or on a phone that the user names.

The app and its test are built once; per run the request goes into the app's container, the test writes a bundle
beside it, and the bundle comes back as a stranger's files. What was booted for this is shut down.
"""

import contextlib
import platform
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..apple import devicectl, simctl, xcode
from ..apple.devicectl import Phone
from ..apple.simctl import Simulator
from ..apple.xcode import Product
from ..apple.xcodebuild_output import DESTINATION, failed_on
from ..contract.bundle import Bundle, Request, Result, files_of, load_bundle, save
from ..contract.errors import GoldmaskError, PipelineMissing, RunError, UsageError
from ..contract.options import Pipeline
from ..machine.diagnostics import Diagnostic
from ..machine.resources import IOS_PROJECT
from .host import case_listener, checked, complete, failed
from .target import OF_EVERY_TARGET, Context, OnCase, Session, Target, begin, check_options, deadline_s

NAME = "ios-simulator"
OUR_TESTS = {
    "lib_interpreter": "GoldenTests/InterpreterGoldenTests",
    "lib_task_api": "GoldenTests/TaskGoldenTests",
}
ARCHS = ("x86_64", "arm64")
START_DEADLINE_S = 300
CASE_DEADLINE_S = 60
# In the app's container; the test is told the run's own name for its folder here.
PLACE = "Documents/goldmask"
RUN_VARIABLE = "GOLDMASK_RUN"
MAX_FILE_BYTES = 64 << 20
MAX_BUNDLE_BYTES = 1 << 30


@dataclass(frozen=True)
class RunDestination:
    """Where a run happens; `name` is a file name, `sdk` and `arch` what the app is built for."""

    name: str
    device: Simulator | Phone
    sdk: str
    arch: str

    @property
    def kind(self) -> str:
        """As in a bundle's target."""
        return "device" if isinstance(self.device, Phone) else "simulator"

    @property
    def destination(self) -> str:
        """xcodebuild's words for it."""
        if isinstance(self.device, Phone):
            return f"platform=iOS,id={self.device.udid}"
        return f"platform=iOS Simulator,id={self.device.udid},arch={self.arch}"


@dataclass(frozen=True)
class Run:
    """One place's part of a run: what reports call it, and the folder of its bundle."""

    dest: RunDestination
    name: str
    out: Path


@dataclass(frozen=True)
class App:
    """The app that hosts the golden test."""

    product: Product
    test: str
    path: Path
    bundle_id: str


class IosSimulatorSession(Session):
    """Simulators and phones; the simulators that it boots are shut down when it ends."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """What the user named, on the command line or in goldmask.toml; the target's own name where it is one."""
        named = destinations(self.context)
        return tuple(f"{NAME}.{name}" for name in named) if len(named) > 1 else (NAME,)

    def prepare(self, pipeline: Pipeline) -> None:
        """Find Xcode and what the destinations are, and build the app and its golden test where anything changed.

        Raises EnvironmentMissing where this machine has no Xcode, runtime or such device, PipelineMissing where an
        app of somebody's has no test of a pipeline, RunError where something does not build, UsageError for an
        unknown `abi`.
        """
        check_options(self.target, self.context.options)
        golden_test_of(pipeline, self.context)
        found = xcode.find_xcode(self.context.logs)
        dests = _dests(self.context, create=False)
        for dest in _one_of_each_build(dests):
            _app(pipeline, dest, found, self.context)

    def predict(self, request: Request, out: Path, on_case: OnCase) -> Bundle:
        """Run `request` on the one destination. Cases that the app did not live to finish say how it ended."""
        (bundle,) = _run_everywhere(request, lambda dest: out, self, on_case).values()
        if isinstance(bundle, RunError):
            raise bundle
        return bundle

    def run_everywhere(
        self, request: Request, out: Path, on_case: OnCase = lambda case: None
    ) -> dict[str, tuple[Path, Bundle | RunError]]:
        """Run `request` on all destinations at once; each has a folder in `out`, if they are several."""
        if len(self.destinations) == 1:
            return {NAME: (out, self.run(request, out, on_case))}
        bundles = _run_everywhere(request, lambda dest: out / dest.name, self, on_case)
        return {f"{NAME}.{dest.name}": (out / dest.name, bundle) for dest, bundle in bundles.items()}


class IosSimulator(Target):
    """The app in simulators and on phones."""

    name = NAME
    options = OF_EVERY_TARGET | {"abi", "destinations"}
    delegates = ("xnnpack", "cpu", "coreml", "metal")

    def needs(self, context: Context) -> Iterator[Diagnostic]:
        """Xcode, a simulator, CocoaPods."""
        try:
            found = xcode.find_xcode(context.logs)
        except GoldmaskError as error:
            mac = platform.system() == "Darwin"
            yield Diagnostic("Xcode", False, error.what, error.fix if mac else "", impossible=not mac)
            return
        yield Diagnostic("Xcode", True, f"{found.version} ({found.build})")
        try:
            known = simctl.simulators(simctl.list_simulators(context.logs))
            detail = f"{len(known)} simulators, the newest of {known[0].os}" if known else "none yet"
            yield Diagnostic("simulators", True, detail)
        except GoldmaskError as error:
            yield Diagnostic("simulators", False, error.what, error.fix)
        pod = shutil.which("pod")
        yield Diagnostic("CocoaPods", bool(pod), pod or "pod is not on PATH", "" if pod else "brew install cocoapods")

    def session(self, context: Context) -> IosSimulatorSession:
        """A session, still to be entered."""
        return IosSimulatorSession(self, context)


TARGET = IosSimulator()


def destinations(context: Context) -> tuple[str, ...]:
    """What the user named, on the command line or in goldmask.toml."""
    return context.options.destinations or context.ios.destinations


def folder_of(context: Context) -> Path:
    """The iOS project's folder."""
    return (context.root / context.ios.folder).resolve() if context.ios.folder else IOS_PROJECT


def golden_test_of(pipeline: str, context: Context) -> str:
    """`Target/Class` of a pipeline's golden test. Raises PipelineMissing."""
    test = getattr(context.ios, pipeline) or (None if context.ios.folder else OUR_TESTS[pipeline])
    if not test:
        raise PipelineMissing(
            f"the [ios] table of goldmask.toml names no golden test of {pipeline}",
            fix=f'{pipeline} = "Target/Class" there, or other pipelines in the suite (docs/ios-simulator.md)',
        )
    return test


def build(context: Context) -> list[tuple[Product, Path]]:
    """Build app and tests for every destination's processor; each with its `app_folder`. Raises as `prepare`."""
    found = xcode.find_xcode(context.logs)
    dests = _one_of_each_build(_dests(context, create=False))
    return [(_product(dest, found, context), app_folder(context.root, dest)) for dest in dests]


def _run_everywhere(
    request: Request, folder_for: Callable[[RunDestination], Path], session: Session, on_case: OnCase
) -> dict[RunDestination, Bundle | RunError]:
    """One run on all places; `folder_for` says where the bundle of each belongs."""
    context = session.context
    found = xcode.find_xcode(context.logs)
    dests = _dests(context, create=True)
    bundles: dict[RunDestination, Bundle | RunError] = {**_boot(dests, session)}
    names = {dest: f"{NAME}.{dest.name}" if len(dests) > 1 else NAME for dest in dests}
    for first in _one_of_each_build(dests):
        app = _app(request.options.pipeline, first, found, context)
        runs = [
            Run(dest, names[dest], folder_for(dest))
            for dest in dests
            if dest not in bundles and (dest.sdk, dest.arch) == (first.sdk, first.arch)
        ]
        bundles |= _run_group(request, app, runs, context, on_case)
    return {dest: bundles[dest] for dest in dests}


def _run_group(
    request: Request, app: App, runs: Sequence[Run], context: Context, on_case: Callable[[str], None]
) -> dict[RunDestination, Bundle | RunError]:
    """Run `request` at once on places that one build is for; what one of them cannot do does not stop the others."""
    token = secrets.token_hex(8)  # no bundle of another run can pass for this one's
    bundles: dict[RunDestination, Bundle | RunError] = {}
    try:
        for run in runs:
            for name in ("sent", "received"):
                shutil.rmtree(run.out / name, ignore_errors=True)
            begin(request, run.out)
            _write_request(request, run.out / "sent")
            try:
                _send(run.dest, app, run.out / "sent", token, context.logs)
            except RunError as error:
                bundles[run.dest] = error
        if ready := [run for run in runs if run.dest not in bundles]:
            log = ready[0].out / "run.log"
            endings = _test(request, app, ready, token, log, on_case)
            for run in ready:
                ending = endings.get(run.dest, "")
                try:
                    bundles[run.dest] = _collect(run, app, request, token, ending, context)
                except RunError as error:
                    how = f" ({ending})" if ending else ""
                    bundles[run.dest] = RunError(
                        f"{run.dest.name} ended without a bundle{how}: {error.what}", fix=f"cat {log}"
                    )
        return bundles
    finally:
        for run in runs:
            _leave(run.dest, app, token, context.logs)


def _test(
    request: Request, app: App, runs: Sequence[Run], token: str, log: Path, on_case: Callable[[str], None]
) -> dict[RunDestination, str]:
    """Run the golden test; how it ended at each place, where it did not end well. Raises EnvironmentMissing."""
    try:
        done = xcode.test(
            app.product,
            app.test,
            [run.dest.destination for run in runs],
            result=log.with_suffix(".xcresult"),
            log=log,
            deadline_s=deadline_s(request, START_DEADLINE_S, CASE_DEADLINE_S),
            env={RUN_VARIABLE: token},
            on_line=case_listener(on_case),
        )
    except RunError as error:  # its deadline; the cases before are there all the same
        return {run.dest: error.what for run in runs}
    if not done.code:
        return {}
    failure = xcode.failure_of(done)
    if failure.missing:  # then it ran nowhere
        raise failure.error("the golden test does not start", log)
    reason = failure.what
    if DESTINATION.search(reason) and runs[0].dest.arch == "x86_64":
        reason += f"; {xcode.SLICES}"
    names = [run.dest.device.name for run in runs]
    reasons = failed_on(done.stdout, names) or dict.fromkeys(names, reason)
    named = zip(runs, names, strict=True)
    return {run.dest: f"{done.ending}: {reasons[name]}" for run, name in named if name in reasons}


def _collect(run: Run, app: App, request: Request, token: str, ending: str, context: Context) -> Bundle:
    """The bundle of a run, in its folder. Raises RunError."""
    received = _receive(run.dest, app, token, run.out / "received", context.logs)
    bundle = take(received, run.out, request, run.name, run.dest.kind)
    save(bundle, run.out / "bundle.json")
    return complete(bundle, request, "the app", ending, run.out)


def take(received: Path, out: Path, request: Request, name: str, kind: str) -> Bundle:
    """Copy the bundle of a device from `received` to `out`: the files that it names, and only real ones of sane size.

    The target's `name` and `kind` are what this program calls it, whatever an app says. A case whose files are not to
    be had is an error of stage `pull`. Raises RunError where there is no bundle, or one that answers another request.
    """
    _copy(received, out, "bundle.json")
    bundle = load_bundle(out)
    left = MAX_BUNDLE_BYTES
    results: list[Result] = []
    for result in bundle.results:
        try:
            for file in files_of(result):
                left -= _copy(received, out, file, left)
        except RunError as error:
            result = failed(result.case, result.image_sha256, "pull", error.what)
        results.append(result)
    target = bundle.target.model_copy(update={"name": name, "kind": kind})
    named = bundle.model_copy(update={"results": tuple(results), "target": target})
    return checked(named, request, request.cases, out, name)


def _copy(source: Path, target: Path, name: str, limit: int = MAX_BUNDLE_BYTES) -> int:
    """Copy one file of a bundle; its size in bytes. Raises RunError for a link, a device or too large a file."""
    path = source / name
    real = path.resolve()
    if path.is_symlink() or not real.is_relative_to(source.resolve()) or not real.is_file():
        raise RunError(f"the app left no plain file {name}", fix="run the target again")
    size = real.stat().st_size
    if size > min(MAX_FILE_BYTES, limit):
        raise RunError(f"the app left {name} of {size >> 20} MB", fix="run the target again")
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(real, target / name)
    return size


def _dests(context: Context, *, create: bool) -> list[RunDestination]:
    """The destinations of a run; a simulator that is not there yet is named, and made where `create` says so.

    Raises EnvironmentMissing, UsageError.
    """
    arch = context.options.abi or context.ios.arch
    if arch not in ARCHS:
        raise UsageError(f"--abi {arch!r} is no processor of a simulator", fix=f"--abi {' or --abi '.join(ARCHS)}")
    listing = simctl.list_simulators(context.logs)
    devices: list[Simulator | Phone] = []
    for destination in destinations(context):
        found = simctl.named(listing, destination, arch) or devicectl.find_phone(destination, context.logs)
        if isinstance(found, Simulator):
            simctl.choose_runtime(listing, found.os, arch)
        devices.append(found)
    if not devices:
        chosen = simctl.choose(listing, context.ios.runtime, context.ios.device_type, arch)
        if not isinstance(chosen, Simulator):
            runtime, kind = chosen
            chosen = (
                simctl.create(runtime, kind, context.logs)
                if create
                else Simulator("", f"{simctl.OURS} {kind.name}", runtime.name, "Shutdown")
            )
        devices.append(chosen)
    dests: list[RunDestination] = []
    for device in devices:
        phone = isinstance(device, Phone)
        name = _slug(f"{device.name} {device.os.removeprefix('iOS ')}")
        name = name if name not in {dest.name for dest in dests} else device.udid.lower()
        dests.append(RunDestination(name, device, *(("iphoneos", "arm64") if phone else ("iphonesimulator", arch))))
    return dests


def _one_of_each_build(dests: Sequence[RunDestination]) -> list[RunDestination]:
    return list({(dest.sdk, dest.arch): dest for dest in reversed(dests)}.values())[::-1]


def _product(dest: RunDestination, found: xcode.Xcode, context: Context) -> Product:
    product = xcode.build(
        folder_of(context), context.ios, dest.sdk, dest.arch, found, context.logs, context.progress.step
    )
    context.copy_out(product.apps(dest.sdk), app_folder(context.root, dest))
    return product


def app_folder(root: Path, dest: RunDestination) -> Path:
    """Where the apps that were built for a place are by name."""
    return root / "build/ios" / f"{dest.sdk}-{dest.arch}"


def _app(pipeline: str, dest: RunDestination, found: xcode.Xcode, context: Context) -> App:
    product, test = _product(dest, found, context), golden_test_of(pipeline, context)
    return App(product, test, *product.host_of(test))


def _boot(dests: Sequence[RunDestination], session: Session) -> dict[RunDestination, RunError]:
    """Boot simulators that are down, all at once, until the session ends; those that do not come up, and why."""
    context = session.context
    simulators = [(dest, dest.device) for dest in dests if isinstance(dest.device, Simulator)]
    broken: dict[RunDestination, RunError] = {}
    for dest, device in simulators:
        context.progress.step(f"boot {device.name}", 0, 1)
        if device.state not in ("Booted", "Booting"):
            # Before the boot: an interrupt in the midst of it must not leave it booted.
            session.closing.callback(simctl.shutdown, device.udid, context.logs)
            try:
                simctl.start(device.udid, context.logs)
                context.on_note(f"booted {device.name}, {device.os}, for this")
            except RunError as error:
                broken[dest] = error
    for dest, device in simulators:
        if dest in broken:
            continue
        try:
            simctl.wait_until_booted(device.udid, context.ios.boot_deadline_s, context.logs)
            context.progress.step(f"boot {device.name}", 1, 1)
        except RunError as error:
            broken[dest] = error
    return broken


def _write_request(request: Request, folder: Path) -> None:
    """The request with all that it needs beside it, by names of our own."""
    (folder / "images").mkdir(parents=True)
    cases = []
    for case in request.cases:
        name = f"images/{case.id}{_suffix(case.file)}"
        shutil.copyfile(folder.parent / case.file, folder / name)
        cases.append(case.model_copy(update={"file": name}))
    shutil.copyfile(folder.parent / request.model.file, folder / "model.tflite")
    model = request.model.model_copy(update={"file": "model.tflite"})
    save(request.model_copy(update={"model": model, "cases": tuple(cases)}), folder / "request.json")


def _send(dest: RunDestination, app: App, sent: Path, token: str, logs: Path) -> None:
    """Install the app, and put the request into its container."""
    if isinstance(dest.device, Phone):
        devicectl.install(dest.device, app.path, logs)
        devicectl.send(dest.device, app.bundle_id, sent, f"{PLACE}/{token}", logs)
        return
    simctl.install(dest.device.udid, app.path, logs)
    container = simctl.container(dest.device.udid, app.bundle_id, logs)
    shutil.copytree(sent, container / PLACE / token)


def _receive(dest: RunDestination, app: App, token: str, folder: Path, logs: Path) -> Path:
    """Where the files of the bundle are to be read: in the container of a simulator, in `folder` for a phone."""
    if isinstance(dest.device, Phone):
        return devicectl.receive(dest.device, app.bundle_id, f"{PLACE}/{token}/bundle", folder, logs)
    # Asked again: a container moves when xcodebuild installs the app once more.
    return simctl.container(dest.device.udid, app.bundle_id, logs) / PLACE / token / "bundle"


def _leave(dest: RunDestination, app: App, token: str, logs: Path) -> None:
    """End the app and remove the run's files; a phone's app removes them itself when it runs next."""
    if isinstance(dest.device, Phone):
        return
    with contextlib.suppress(GoldmaskError):
        simctl.terminate(dest.device.udid, app.bundle_id, logs)
        container = simctl.container(dest.device.udid, app.bundle_id, logs)
        shutil.rmtree(container / PLACE / token, ignore_errors=True)


def _suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,5}", suffix) else ""


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:48] or "device"
