"""The `android-device` target: the app and its golden test as APKs on phones and emulators, over adb.

build -> choose devices -> install -> push -> am instrument -> pull; what is on a device already, by its sha256, stays.
Machinery that fails before the app starts is tried again, ATTEMPTS times; what an app predicted never is.
"""

import contextlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..android import avd, bundle_tar, logcat, pm
from ..android.adb import INSTALL_DEADLINE_S, STORE, Device, DeviceLost, Expired, Stopped
from ..android.device_state import DeviceState, facts_of, flags_of, look, measure, thermal_of, thermal_words
from ..android.devices import chosen
from ..android.instrumentation import Instrumentation
from ..android_build import apk
from ..android_build.apk import Apks
from ..android_build.apk_verify import checked_app
from ..android_build.gradle_files import project_of
from ..contract.bundle import Bundle, Predicted, Request, RequestCase, Result, files_of, load_bundle, save
from ..contract.errors import EnvironmentMissing, GoldmaskError, RunError, one_line
from ..contract.files import sha256_of
from ..contract.handed_on import handed_on_bytes
from ..contract.latency import Conditions
from ..contract.options import Pipeline
from ..machine.diagnostics import Diagnostic
from .host import checked, failed, one_at_a_time
from .target import OF_EVERY_TARGET, Context, OnCase, Session, Target, check_options

NAME = "android-device"
ATTEMPTS = 3
START_DEADLINE_S = 120
CASE_DEADLINE_S = 60
# How long a look waits for a first device; adb knows those on a cable as soon as its server has started.
LOOK_S = 0.3
MAX_BUNDLE_BYTES = 64 << 20
MAX_CASE_BYTES = 4 << 20
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Share:
    """What one device did of a request: its bundle where it wrote one, and why cases are missing, if any are."""

    device: Device
    cases: tuple[RequestCase, ...]
    folder: Path
    bundle: Bundle | None = None
    problem: GoldmaskError | None = None

    @property
    def unfinished(self) -> list[RequestCase]:
        """The cases that have no result."""
        done = {result.case for result in self.bundle.results} if self.bundle else set()
        return [case for case in self.cases if case.id not in done]


class AndroidDeviceSession(Session):
    """The devices of a check; where none is connected and the project wants it, an emulator that is booted for it."""

    def __enter__(self) -> "AndroidDeviceSession":
        named = self.context.options.device or os.environ.get("ANDROID_SERIAL")
        if not named:
            context = self.context
            emulator = self.closing.enter_context(
                avd.ensure(context.android.emulator, context.logs, context.progress.step)
            )
            if emulator:
                again = f", at its second boot: {emulator.retried}" if emulator.retried else ""
                context.on_note(f"booted {emulator.serial} for this check{again}")
        return self

    def prepare(self, pipeline: Pipeline) -> None:
        """Find a device and build the APKs of a pipeline; what is built already stays as it is.

        Raises EnvironmentMissing where there is no device or no builder, UsageError where it is not clear which
        device, and as `apk.build`.
        """
        check_options(self.target, self.context.options)
        with _devices(self.context):
            pass
        built = build(pipeline, self.context).built
        done = "APKs were built" if built else "nothing was built: the APKs were there"
        self.context.on_note(f"{NAME} · {pipeline}: {done}")

    def predict(self, request: Request, out: Path, on_case: OnCase) -> Bundle:
        """Run `request` on the chosen devices, its cases shared out among them.

        The cases of a device that is lost go to the others. Cases that no device could finish are errors in the
        bundle. Raises RunError when no device wrote a bundle, and as `prepare`.
        """
        shutil.rmtree(out / "devices", ignore_errors=True)
        apks = build(request.options.pipeline, self.context)
        with _devices(self.context) as devices:
            shares = _run_everywhere(devices, request, apks, out, self.context, on_case)
        return _merge(request, shares, out)


class AndroidDevice(Target):
    """Phones and emulators over adb."""

    name = NAME
    options = OF_EVERY_TARGET | {"abi", "apk", "device", "all_devices"}
    delegates = ("xnnpack", "cpu", "gpu", "nnapi")

    def needs(self, context: Context) -> Iterator[Diagnostic]:
        """What it would run on: a device, or the emulator where checks are to boot one."""
        settings = context.android.emulator
        try:
            with chosen(context.logs, "", all_devices=True, settle_s=LOOK_S) as devices:
                yield Diagnostic("adb", True, f"devices: {', '.join(device.serial for device in devices)}")
        except GoldmaskError as error:
            yield Diagnostic("adb", False, error.what, error.fix, optional=settings.start)
        try:
            found = avd.check_machine(settings)
            yield Diagnostic("emulator", True, f"{found.emulator}, for ./goldmask android.emulator.up")
        except EnvironmentMissing as error:
            yield Diagnostic("emulator", False, error.what, error.fix, optional=not settings.start)

    def session(self, context: Context) -> AndroidDeviceSession:
        """A session, still to be entered."""
        return AndroidDeviceSession(self, context)


TARGET = AndroidDevice()


def build(pipeline: Pipeline, context: Context) -> Apks:
    """The APKs of a pipeline's app and golden test, which are in `folder_of` as well. Raises as `apk.build`.

    An APK that the user names takes the place of the app's. Raises UsageError where it is of another app.
    """
    project, test = project_of(context.android, context.root, pipeline)
    apks = apk.build(
        project,
        test,
        abi=context.options.abi,
        logs=context.logs,
        on_step=context.progress.step,
        on_note=context.on_note,
    )
    context.copy_out((apks.app, apks.test), apk.folder_of(context.root, pipeline))
    if given := context.options.apk:
        apks = replace(apks, app=checked_app(Path(given), apks.application_id, context.logs))
    return apks


def _devices(context: Context) -> AbstractContextManager[list[Device]]:
    options = context.options
    return chosen(context.logs, options.device or "", options.all_devices)


def _run_everywhere(
    devices: Sequence[Device],
    request: Request,
    apks: Apks,
    out: Path,
    context: Context,
    on_case: Callable[[str], None],
) -> list[Share]:
    """Rounds of runs on all devices at once, until no case is left or no device that could run it."""
    lock = threading.Lock()
    on_case = one_at_a_time(on_case, lock)
    context = replace(context, on_note=one_at_a_time(context.on_note, lock))
    stopped = threading.Event()
    alive = [replace(device, stopped=stopped) for device in devices]
    left = list(request.cases)
    shares: list[Share] = []
    while left and alive:
        shards = [tuple(left[number :: len(alive)]) for number in range(len(alive))]
        work = [(device, shard) for device, shard in zip(alive, shards, strict=True) if shard]
        with ThreadPoolExecutor(len(work)) as pool:
            try:
                runs = [
                    pool.submit(
                        _run_on, device, shard, request, apks, _folder_of(out, device, len(shares)), context, on_case
                    )
                    for device, shard in work
                ]
                wait(runs)
            finally:
                if not all(each.done() for each in runs):
                    stopped.set()
        done = [each.result() for each in runs]
        shares += done
        lost = [share for share in done if isinstance(share.problem, DeviceLost)]
        alive = [device for device in alive if all(share.device is not device for share in lost)]
        left = [case for share in lost for case in share.unfinished]
        if left and alive:
            names = ", ".join(share.device.serial for share in lost)
            context.on_note(f"{names} was lost: {len(left)} of its cases go to {', '.join(d.serial for d in alive)}")
    return shares


def _folder_of(out: Path, device: Device, number: int) -> Path:
    """A folder for what one device does; serials may have colons."""
    folder = out / "devices" / f"{re.sub(r'[^A-Za-z0-9._-]', '-', device.serial)[:60]}-{number}"
    folder.mkdir(parents=True)
    return folder


def _run_on(
    device: Device,
    cases: tuple[RequestCase, ...],
    request: Request,
    apks: Apks,
    folder: Path,
    context: Context,
    on_case: Callable[[str], None],
) -> Share:
    """One device's share, from installing to pulling. Never raises what a device can be the reason of."""
    share = Share(device, cases, folder)
    options = request.options
    measuring = options.runs > 1 or options.min_duration_s > 0
    ending: RunError | None = None
    try:
        here, request_path, done_here = _retried(
            device, "setting up", context, lambda: _make_ready(device, request, cases, apks, folder)
        )
        context.on_note(f"{device.serial} · {options.pipeline} · {request.model.name}: {_story(*done_here)}")
        began = logcat.now(device)

        def instrument(again: bool) -> tuple[Instrumentation, RunError | None]:
            return _instrument(device, apks, request_path, request, folder, (lambda case: None) if again else on_case)

        (output, ending), here = measure(device, here, measuring, instrument, context.on_note)
        if isinstance(ending, DeviceLost):
            device.recover()
            context.on_note(f"{ending.what}, and came back: what was predicted until then is kept")
        if ending:  # it must not write any more while its bundle is fetched
            device.shell(["am", "force-stop", apks.application_id])
        death = logcat.save(device, began, output.pid, apks.application_id, folder / "logcat.log")
        # logcat tells the cause where am instrument tells only that the process ended.
        if ending is None and (problem := death if output.ended and death else output.problem):
            fix = problem.fix.format(adb=device.adb) or f"cat {folder}/*.log"
            ending = RunError(f"{device.serial}: {problem.what}", fix=fix)
        # A cable that is pulled early takes along what the app says first.
        where = output.out or bundle_tar.shared_folder(apks.application_id)
        bundle, (environment, conditions) = _retried(
            device,
            "pulling the bundle",
            context,
            lambda: (
                _pull(device, where, apks.application_id, request, cases, folder),
                _facts(device, apks.application_id, here, context),
            ),
        )
        bundle = bundle.model_copy(update={"environment": bundle.environment | environment, "conditions": conditions})
        share = replace(share, bundle=bundle, problem=ending)
        if ending and not share.unfinished:
            context.on_note(f"{device.serial}, after its last case: {ending.what}")
        return share
    except Stopped:
        raise
    except RunError as error:
        # The first thing that went wrong is the reason of the others.
        return replace(share, problem=ending or error)
    finally:
        with contextlib.suppress(RunError):
            Device(device.server, device.serial).shell(["am", "force-stop", apks.application_id], deadline_s=10)


def _retried(device: Device, what: str, context: Context, act: Callable[[], Thing]) -> Thing:
    """`act`, again after the device was lost and came back, ATTEMPTS times in all. Raises what `act` raises."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return act()
        except DeviceLost as error:
            if attempt == ATTEMPTS:
                raise
            context.on_note(f"{what} on {device.serial} failed, attempt {attempt} of {ATTEMPTS}: {error.what}")
            device.recover()
    raise AssertionError("unreachable")


def _make_ready(
    device: Device, request: Request, cases: tuple[RequestCase, ...], apks: Apks, folder: Path
) -> tuple[DeviceState, str, tuple[list[str], list[Path]]]:
    """Have the app, the test, the model, the images and the request on a device; says what was not there before."""
    here = look(device, drawing=request.options.delegate == "gpu")
    installed = [
        package
        for path, package in ((apks.app, apks.application_id), (apks.test, apks.test_id))
        if pm.install(device, path, package)
    ]
    model, images = Path(request.model.file), {case.id: Path(case.file) for case in cases}
    names = {path: store_name(path) for path in (model, *images.values())}
    request_file = folder / "request.json"
    save(renamed(request, cases, names), request_file)
    request_name = store_name(request_file)
    pushed = device.keep({**{name: path for path, name in names.items()}, request_name: request_file})
    # What an earlier run left there must not pass for this one's, also where the app never starts.
    device.checked(["rm", "-rf", bundle_tar.shared_folder(apks.application_id)])
    return here, f"{STORE}/{request_name}", (installed, pushed)


def renamed(request: Request, cases: Sequence[RequestCase], names: Mapping[Path, str]) -> Request:
    """The request of some of its cases, with files under other names, a device's."""
    model = request.model.model_copy(update={"file": names[Path(request.model.file)]})
    moved = tuple(case.model_copy(update={"file": names[Path(case.file)]}) for case in cases)
    return request.model_copy(update={"model": model, "cases": moved})


def store_name(path: Path) -> str:
    """A file's name in the device's store: its sha256, and its ending as far as it is a plain one."""
    suffix = path.suffix.lower()
    return sha256_of(path) + (suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else "")


def _story(installed: Sequence[str], pushed: Sequence[Path]) -> str:
    """What was done before the app could start: `installed …, pushed 3 files (2.1 MB)`."""
    size_mb = sum(path.stat().st_size for path in pushed) / 1e6
    done = [
        *([f"installed {', '.join(installed)}"] if installed else []),
        *([f"pushed {len(pushed)} files ({size_mb:.1f} MB)"] if pushed else []),
    ]
    return ", ".join(done) or "nothing was installed or pushed: all of it was there"


def _instrument(
    device: Device,
    apks: Apks,
    request_path: str,
    request: Request,
    folder: Path,
    on_case: Callable[[str], None],
) -> tuple[Instrumentation, RunError | None]:
    """Run the golden test; what it said, and why it did not come to its end, if it did not."""
    output = Instrumentation(on_case)
    extras = {"class": apks.test_class, "goldmask.request": request_path, "goldmask.out": bundle_tar.FOLDER}
    arguments = [word for key, value in extras.items() for word in ("-e", key, value)]
    deadline_s = START_DEADLINE_S + CASE_DEADLINE_S  # from one line to the next; a case has one every ten seconds
    with (folder / "instrument.log").open("w", encoding="utf-8") as log:

        def hear(line: str) -> None:
            log.write(line + "\n")
            output.hear(line)

        def hear_error(line: str) -> None:
            log.write(f"stderr: {line}\n")
            output.hear_error(line)

        try:
            device.shell(
                ["am", "instrument", "-r", "-w", *arguments, f"{apks.test_id}/{apks.runner}"],
                deadline_s=deadline_s,
                on_line=hear,
                on_error_line=hear_error,
            )
        except Expired:
            return output, RunError(
                f"the golden test on {device.serial} said nothing for {deadline_s:g} s and was stopped",
                fix=f"cat {folder}/logcat.log",
            )
        except DeviceLost as error:
            return output, error
    return output, None


def _facts(
    device: Device, application_id: str, here: DeviceState, context: Context
) -> tuple[dict[str, str], Conditions]:
    """What the bundle's environment says of a device besides what the app said, and what flags follow from."""
    after = thermal_of(device)
    debuggable = device.shell(["run-as", application_id, "true"]).code == 0  # it lets nobody at other apps' files
    flags = flags_of(here, after, debuggable)
    against = [flag for flag in flags if flag not in context.suppress]
    judged = "valid" if not against else f"advice only: {' '.join(against)}"
    context.on_note(f"{device.serial} ({here.name}): latency is {judged}")
    environment = {
        "serial": device.serial,
        "debuggable app": "yes" if debuggable else "no",
        "thermal": thermal_words(here.thermal, after),
        "latency flags": " ".join(flags) or "none",
        "latency": judged,
    }
    return here.environment() | environment, facts_of(here, after, debuggable=debuggable)


def _pull(
    device: Device, out: str, application_id: str, request: Request, cases: tuple[RequestCase, ...], folder: Path
) -> Bundle:
    """Fetch what the app wrote to `out`, and hold it against what was asked. Raises DeviceLost, RunError."""
    limit = MAX_BUNDLE_BYTES + len(cases) * (MAX_CASE_BYTES + handed_on_bytes(request))
    argv = bundle_tar.pack_argv(out, application_id)
    if not argv:
        where = f"its bundle is in {one_line(out)[:200]}, no folder of its own"
        raise RunError(f"the app says on {device.serial} that {where}", fix=f"cat {folder}/*.log")
    output = device.shell(argv, limit=limit, deadline_s=INSTALL_DEADLINE_S)
    if output.code:
        raise RunError(f"the app wrote no bundle on {device.serial}: {output.reason}", fix=f"cat {folder}/*.log")
    bundle_tar.unpack(output.stdout, folder, limit)
    return checked(load_bundle(folder), request, cases, folder, NAME)


def _merge(request: Request, shares: Sequence[Share], out: Path) -> Bundle:
    """One bundle of all devices' parts, with an error for each case that none finished. Raises RunError without any."""
    written = [(share, share.bundle) for share in shares if share.bundle]
    if not written:
        raise shares[0].problem or RunError("no device wrote a bundle")
    results: dict[str, Result] = {}
    problems: dict[str, tuple[str, str]] = {}
    for share, bundle in written:
        for result in bundle.results:
            if isinstance(result, Predicted):
                for name in files_of(result):
                    (out / name).parent.mkdir(exist_ok=True)
                    shutil.copyfile(share.folder / name, out / name)
                if len(written) > 1:
                    result = result.model_copy(update={"target": bundle.target, "conditions": bundle.conditions})
            results[result.case] = result
    for share in shares:
        why = str(share.problem or "the app ended without a word")
        problems |= {case.id: (share.device.serial, why) for case in share.unfinished}
    for case in request.cases:
        if case.id not in results:
            serial, why = problems[case.id]
            message = f"{serial} did not finish this case: {why.removeprefix(f'{serial}: ')}"
            results[case.id] = failed(case.id, case.sha256, "run", message)
    first = written[0][1]
    merged = first.model_copy(update={"results": tuple(results[case.id] for case in request.cases)})
    if len(written) > 1:
        environment = {
            f"{share.device.serial} {key}": value
            for share, bundle in written
            for key, value in bundle.environment.items()
        }
        names = " + ".join(dict.fromkeys(bundle.target.device for _, bundle in written))
        target = first.target.model_copy(update={"device": names})
        merged = merged.model_copy(update={"environment": environment, "target": target, "conditions": None})
    save(merged, out / "bundle.json")
    return merged
