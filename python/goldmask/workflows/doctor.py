"""What can run here, what is missing, and the command that fixes it."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..android import avd, bionic, devices
from ..android_build import maven
from ..android_build.jdk import find_jdk
from ..apple import simctl, xcode
from ..apple.swift import find_swift
from ..contract.errors import EnvironmentMissing, GoldmaskError
from ..machine.cache import cache_folder
from ..machine.diagnostics import Diagnostic
from ..machine.fetch import cached_file
from ..project.config import Emulator, load_config
from ..project.model import load_spec, model_names
from ..project.setup import Setup
from ..targets import android_jvm, ios_host, python


def examine(root: Path) -> Iterator[Diagnostic]:
    """Look at everything a check needs, in the order a check needs it; the first look may install a runtime."""
    yield Diagnostic("Python", True, f"{platform.python_version()} on {platform.platform()}")
    yield _cache()
    yield _mirror()
    for name in model_names(root):
        yield from _model(root, name)
    for pipeline, runtime in python.SCRIPTS:
        if runtime == "litert":
            yield _runtime(root, pipeline)
    yield from _android()
    yield _devices()
    yield _emulator(load_config(root).android.emulator)
    yield _swift()
    yield from _ios()


def _cache() -> Diagnostic:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free_gb = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return Diagnostic(
            "cache", False, f"{folder}: {error.strerror}", "GOLDMASK_CACHE=<a folder you own> ./goldmask doctor"
        )
    if not os.access(folder, os.W_OK):
        return Diagnostic(
            "cache", False, f"{folder} is not writable", "GOLDMASK_CACHE=<a folder you own> ./goldmask doctor"
        )
    return Diagnostic(
        "cache", free_gb > 1, f"{folder}, {free_gb:.0f} GB free", "" if free_gb > 1 else "free some disk space"
    )


def _mirror() -> Diagnostic:
    mirror = os.environ.get("GOLDMASK_MIRROR", "")
    if not mirror or mirror.startswith(("http://", "https://")):
        return Diagnostic("mirror", True, mirror.split("?")[0] or "none (GOLDMASK_MIRROR is not set)")
    there = Path(mirror).is_dir()
    return Diagnostic(
        "mirror", there, mirror if there else f"{mirror} is no folder", "" if there else "unset GOLDMASK_MIRROR"
    )


def _model(root: Path, name: str) -> Iterator[Diagnostic]:
    try:
        spec = load_spec(root, name)
    except GoldmaskError as error:
        yield Diagnostic(f"model {name}", False, error.what, error.fix)
        return
    sources = [spec.model, *spec.cases]
    here = sum(bool(source.file or cached_file(source)) for source in sources)
    whole = here == len(sources)
    detail = f"{here} of {len(sources)} files here"
    yield Diagnostic(f"model {name}", whole, detail, "" if whole else f"./goldmask models.fetch --model {name}")


def _runtime(root: Path, pipeline: str) -> Diagnostic:
    with tempfile.TemporaryDirectory(prefix="goldmask-") as logs:
        try:
            python.prepare(pipeline, Setup(root, Path(logs)))
        except GoldmaskError as error:
            return Diagnostic(
                f"python {pipeline}",
                False,
                error.what,
                "connect to PyPI or your mirror of it (UV_DEFAULT_INDEX), and try again",
            )
    return Diagnostic(f"python {pipeline}", True, "the reference runtime is installed")


def _devices() -> Diagnostic:
    """What android-device would run on; a machine without a device misses nothing."""
    with tempfile.TemporaryDirectory(prefix="goldmask-") as logs:
        try:
            with devices.chosen(Path(logs), "", all_devices=True) as found:
                return Diagnostic("adb", True, f"devices: {', '.join(device.serial for device in found)}")
        except GoldmaskError as error:
            return Diagnostic("adb", True, f"{error.what}; only --target android-device needs one: {error.fix}")


def _emulator(settings: Emulator) -> Diagnostic:
    """What an emulator of ours needs; it is missed only where checks are to start one."""
    try:
        found = avd.check_machine(settings)
    except EnvironmentMissing as error:
        if settings.start:
            return Diagnostic("emulator", False, error.what, error.fix)
        return Diagnostic("emulator", True, f"none; a phone does as well: {error.what}")
    return Diagnostic("emulator", True, f"{found.emulator}, for ./goldmask android.emulator.up")


def _android() -> Iterator[Diagnostic]:
    """What android-jvm needs; where no Android library could load, it is not missed."""
    try:
        host = bionic.loadable_abi()
    except GoldmaskError as error:
        yield Diagnostic(android_jvm.NAME, True, f"not on this machine: {error.what}")
        return
    try:
        jdk = find_jdk()
        yield Diagnostic("JDK", True, f"Java {jdk.version} in {jdk.home}")
    except GoldmaskError as error:
        yield Diagnostic("JDK", False, error.what, error.fix)
    there = shutil.which("mvn")
    yield Diagnostic("Maven", bool(there), there or "mvn is not on PATH", "" if there else maven.INSTALL)
    yield Diagnostic("C compiler", True, bionic.compiler_of(host))
    if host != "arm64-v8a":
        try:
            android_jvm.find_emulator()
            yield Diagnostic("arm64 emulation", True, "qemu-user, for --abi arm64-v8a")
        except GoldmaskError as error:
            yield Diagnostic("arm64 emulation", True, f"none; only --abi arm64-v8a needs it: {error.fix}")


def _swift() -> Diagnostic:
    """What ios-host needs, and nothing else does."""
    try:
        swift = find_swift()
        return Diagnostic("Swift", True, f"{swift.version}, {swift.program}")
    except GoldmaskError as error:
        return Diagnostic("Swift", True, f"none that will do; only {ios_host.NAME} needs it: {error.what}; {error.fix}")


def _ios() -> Iterator[Diagnostic]:
    """What ios-simulator needs; where there can be no Xcode, it is not missed."""
    with tempfile.TemporaryDirectory(prefix="goldmask-") as logs:
        try:
            found = xcode.find_xcode(Path(logs))
        except GoldmaskError as error:
            mac = platform.system() == "Darwin"
            yield Diagnostic(
                "Xcode", not mac, f"{'' if mac else 'not on this machine: '}{error.what}", error.fix if mac else ""
            )
            return
        yield Diagnostic("Xcode", True, f"{found.version} ({found.build})")
        try:
            known = simctl.simulators(simctl.list_simulators(Path(logs)))
            detail = f"{len(known)} simulators, the newest of {known[0].os}" if known else "none yet"
            yield Diagnostic("simulators", True, detail)
        except GoldmaskError as error:
            yield Diagnostic("simulators", False, error.what, error.fix)
    pod = shutil.which("pod")
    yield Diagnostic("CocoaPods", bool(pod), pod or "pod is not on PATH", "" if pod else "brew install cocoapods")
