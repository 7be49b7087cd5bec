"""Xcode of this machine: what it is, the app and its golden test built once for their content, and the test run.

`xcodebuild` explains itself on stdout, so all of it goes to a log while it comes; a failed build is told by the
compiler's own first error.
"""

import hashlib
import json
import os
import platform
import plistlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import EnvironmentMissing, RunError, excerpt
from ..contract.files import sha256_of, write_atomically
from ..machine import shell
from ..machine.cache import cache_folder
from ..project.config import Ios
from .xcodebuild_output import Cause, cause_of

OLDEST = 16
VERSION_DEADLINE_S = 120
BUILD_DEADLINE_S = 3600
PODS_DEADLINE_S = 1800
# What decides about products besides sources and Xcode; another number where the words of `build` change.
RECIPE = 1
NOT_SOURCES = {"Pods", "build", "DerivedData", "xcuserdata"}
MARKER = "goldmask.json"
ELSEWHERE = "run this on a Mac with Xcode 16 or later (docs/ios-simulator.md has a CI job), or use --target ios-host"
# What the linker says where a pod's binary lacks the slice; the text is ld's and ld_prime's of Xcode 12 to 16.
NO_SLICE = re.compile(r"[Bb]uilding for '?iOS[- ][Ss]imulator'?, but linking in", re.MULTILINE)
SLICES = (
    "TensorFlowLiteTaskVision's pod has no arm64 slice for simulators, so the app is built for x86_64 there, which "
    "Apple silicon runs under Rosetta"
)


@dataclass(frozen=True)
class Xcode:
    """An installed Xcode: `16.2` and `16C5032a`."""

    version: str
    build: str


@dataclass(frozen=True)
class Product:
    """What `build` made: the description of the test run, beside the app and the tests."""

    xctestrun: Path

    def apps(self, sdk: str) -> list[Path]:
        """The apps that were built for an SDK."""
        return sorted(self.xctestrun.parent.glob(f"*-{sdk}/*.app"))

    def host_of(self, test: str) -> tuple[Path, str]:
        """The app that hosts `Target/Class`, and its bundle identifier. Raises RunError."""
        target = test.split("/")[0]
        for entry in _test_targets(plistlib.loads(self.xctestrun.read_bytes())):
            if target in (entry.get("BlueprintName"), entry.get("ProductModuleName")) and "TestHostPath" in entry:
                root = str(self.xctestrun.parent)
                return Path(entry["TestHostPath"].replace("__TESTROOT__", root)), entry["TestHostBundleIdentifier"]
        raise RunError(
            f"the scheme's test action has no target {target} that an app hosts", fix=f"plutil -p {self.xctestrun}"
        )


def find_xcode(logs: Path) -> Xcode:
    """The selected Xcode. Raises EnvironmentMissing where there is none of 16 or later, or it is not set up."""
    if not shutil.which("xcodebuild") or not shutil.which("xcrun"):
        where = "" if platform.system() == "Darwin" else f", which runs on macOS; this is {platform.system()}"
        raise EnvironmentMissing(f"Xcode is needed{where}", fix=ELSEWHERE)
    log = logs / "xcodebuild-version.log"
    done = shell.run(["xcodebuild", "-version"], log=log, deadline_s=VERSION_DEADLINE_S)
    versions = re.search(r"^Xcode (\S+)\nBuild version (\S+)", done.stdout, re.MULTILINE)
    if done.code or not versions:
        failure = failure_of(done)
        fix = failure.fix or "sudo xcode-select --switch /Applications/Xcode.app"
        raise EnvironmentMissing(f"xcodebuild does not work: {failure.what}", fix=fix)
    xcode = Xcode(*versions.groups())
    if int(xcode.version.split(".")[0]) < OLDEST:
        raise EnvironmentMissing(
            f"this is Xcode {xcode.version}; {OLDEST} or later is needed for folders that the project is in step with",
            fix="install a newer Xcode and xcode-select it",
        )
    return xcode


def build(
    folder: Path,
    ios: Ios,
    sdk: str,
    arch: str,
    xcode: Xcode,
    logs: Path,
    on_step: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Product:
    """`build-for-testing` of a project's scheme for `iphonesimulator` or `iphoneos`; nothing where nothing changed.

    Pods are installed first where the Podfile or the project is not what it was then. Raises EnvironmentMissing
    without CocoaPods, RunError with the compiler's first error.
    """
    install_pods(folder, logs, on_step)
    derived = cache_folder() / "xcode" / f"{ios.scheme}-{_short(str(folder.resolve()))}" / f"{sdk}-{arch}"
    marker = derived / MARKER
    digest = _digest(folder, ios, sdk, arch, xcode)
    if (built := _built(marker, digest)) is not None:
        return built
    marker.unlink(missing_ok=True)
    what = f"build {ios.scheme}"
    on_step(what, 0, 1)
    products = derived / "Build/Products"
    for old in products.glob("*.xctestrun"):
        old.unlink()
    argv: list[str | Path] = [
        *("xcodebuild", "build-for-testing", *_project_words(folder, ios), "-scheme", ios.scheme),
        *("-sdk", sdk, "-destination", f"generic/platform={'iOS' if sdk == 'iphoneos' else 'iOS Simulator'}"),
        *("-derivedDataPath", derived),
        f"ARCHS={arch}",
        "ONLY_ACTIVE_ARCH=NO",
        *([f"DEVELOPMENT_TEAM={ios.team}", "-allowProvisioningUpdates"] if ios.team and sdk == "iphoneos" else []),
    ]
    log = logs / f"xcodebuild-build-{sdk}.log"
    done = run_xcodebuild(argv, log, BUILD_DEADLINE_S, cwd=folder)
    if done.code:
        raise failure_of(done).error(f"{ios.scheme} does not build", log, _slice_hint(done.stdout))
    made = sorted(products.glob("*.xctestrun"))
    if len(made) != 1:
        raise RunError(f"the build of {ios.scheme} left {len(made)} .xctestrun files in {products}", fix=f"cat {log}")
    write_atomically(marker, json.dumps({"digest": digest, "xctestrun": made[0].name}).encode())
    on_step(what, 1, 1)
    return Product(made[0])


def install_pods(
    folder: Path, logs: Path, on_step: Callable[[str, int, int], None] = lambda what, done, total: None
) -> None:
    """`pod install` where it was not the last to change Podfile and project. Raises EnvironmentMissing, RunError."""
    podfile, stamp = folder / "Podfile", folder / "Pods/goldmask.sha256"
    if not podfile.is_file():
        return
    if stamp.is_file() and stamp.read_text("ascii") == _pods_digest(folder):
        return
    if not shutil.which("pod"):
        raise EnvironmentMissing(f"{podfile} needs CocoaPods, and pod is not on PATH", fix="brew install cocoapods")
    on_step("pod install", 0, 1)
    log = logs / "pod-install.log"
    # CocoaPods refuses to work where the terminal's encoding is not UTF-8.
    done = run_xcodebuild(["pod", "install"], log, PODS_DEADLINE_S, cwd=folder, env={"LANG": "en_US.UTF-8"})
    if done.code:
        reason = next((line for line in done.stdout.splitlines() if line.startswith("[!]")), "") or first_error(done)
        raise RunError(f"pod install failed: {reason}", fix=f"cat {log}")
    # It has written itself into the project: the digest is of what it left.
    write_atomically(stamp, _pods_digest(folder).encode())
    on_step("pod install", 1, 1)


def test(
    product: Product,
    test_id: str,
    destinations: Sequence[str],
    *,
    result: Path,
    log: Path,
    deadline_s: float,
    env: Mapping[str, str],
    on_line: Callable[[str], None],
) -> shell.Finished:
    """`test-without-building` of one test class on `destinations` at once; the .xcresult is kept as `result`.

    `env` reaches the test: xcodebuild hands on what is prefixed TEST_RUNNER_ (its manual page). Raises RunError
    when the deadline has passed.
    """
    if result.exists():  # xcodebuild writes over nothing
        shutil.rmtree(result)
    argv: list[str | Path] = [
        *("xcodebuild", "test-without-building", "-xctestrun", product.xctestrun),
        *(word for destination in destinations for word in ("-destination", destination)),
        f"-only-testing:{test_id}",
        *("-resultBundlePath", result),
        # Parallel testing runs in clones of the simulator, and a clone's container is gone with it.
        *("-parallel-testing-enabled", "NO"),
        # Else a crash is followed by ten minutes of sysdiagnose.
        *("-collect-test-diagnostics", "never"),
    ]
    prefixed = {f"TEST_RUNNER_{key}": value for key, value in env.items()}
    return run_xcodebuild(argv, log, deadline_s, env=prefixed, on_line=on_line)


def run_xcodebuild(
    argv: Sequence[str | Path],
    log: Path,
    deadline_s: float,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
) -> shell.Finished:
    """Run a tool that explains itself on stdout; `log` has both streams, stdout while it comes."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as stream:

        def tell(line: str) -> None:
            stream.write(line + "\n")
            stream.flush()
            on_line(line)

        errors = log.with_suffix(".stderr.log")
        done = shell.run(argv, log=errors, deadline_s=deadline_s, cwd=cwd, env=env, on_line=tell)
        stream.write(errors.read_text("utf-8", "replace"))
    return done


def first_error(done: shell.Finished) -> str:
    """Why an xcodebuild failed, in one sentence; where that is not known, the first and last lines that it printed."""
    return failure_of(done).what


def failure_of(done: shell.Finished) -> Cause:
    """The same with the command that helps, where there is one."""
    text = done.stdout + "\n" + done.log.read_text("utf-8", "replace")
    return cause_of(text, "test-without-building" in done.argv) or Cause(excerpt(text) or done.ending)


def _pods_digest(folder: Path) -> str:
    return " ".join(map(sha256_of, [folder / "Podfile", *sorted(folder.glob("*.xcodeproj/project.pbxproj"))]))


def _slice_hint(text: str) -> str:
    return f"; {SLICES}" if NO_SLICE.search(text) else ""


def _project_words(folder: Path, ios: Ios) -> tuple[str, Path]:
    return ("-project" if ios.workspace.endswith(".xcodeproj") else "-workspace", folder / ios.workspace)


def _built(marker: Path, digest: str) -> Product | None:
    """The product of an earlier build of the same content."""
    try:
        versions = json.loads(marker.read_text("utf-8"))
        path = marker.parent / "Build/Products" / versions["xctestrun"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Product(path) if versions.get("digest") == digest and path.is_file() else None


def _digest(folder: Path, ios: Ios, sdk: str, arch: str, xcode: Xcode) -> str:
    """The hash of all that decides about the products."""
    ingredients = (RECIPE, xcode.version, xcode.build, sdk, arch, ios.workspace, ios.scheme, ios.team)
    digest = hashlib.sha256(repr(ingredients).encode())
    for path in _sources(folder):
        digest.update(f"\n{path.relative_to(folder).as_posix()} {sha256_of(path)}".encode())
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    """The files of a project, without what tools put among them."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES and not name.startswith("."))
        # `pod install` makes the workspace and the lock.
        folders[:] = [name for name in folders if not name.endswith(".xcworkspace") or parent.endswith(".xcodeproj")]
        yield from (Path(parent) / name for name in sorted(names) if not name.startswith("."))


def _test_targets(plist: dict) -> Iterator[dict]:
    """The test targets of an .xctestrun, of format 1 (Xcode 10) or 2 (with test plans)."""
    for configuration in plist.get("TestConfigurations", ()):
        yield from configuration.get("TestTargets", ())
    for name, entry in plist.items():
        if isinstance(entry, dict) and not name.startswith("__"):
            yield {"BlueprintName": name, **entry}


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
