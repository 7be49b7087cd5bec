"""What the Swift tests share: the package's own tests run by `swift test`, in a build folder that is kept."""

import functools
import sys
import tempfile
from pathlib import Path

from conftest import REPO
from running import context_of

from goldmask.apple.swift import Swift
from goldmask.machine import shell
from goldmask.targets import ios_host
from goldmask.targets.target import Context

DEADLINE_S = 600
FOREIGN = REPO / "tests/ios/foreign"
APPLE = REPO / "tests/ios/apple"
GRID = REPO / "tests/ios/grid"


def host_context(folder: Path, **choices) -> Context:
    """What a target is given in tests."""
    return context_of(REPO, folder / "logs", **choices)


def swift_test(swift: Swift, logs: Path, *words: str, package: Path = ios_host.PACKAGE, **env: str) -> shell.Finished:
    """`swift test` in a package of this repository; stdout and the log have what it said."""
    return _swift(swift, logs, "test", package, *words, **env)


def swift_test_module(swift: Swift, logs: Path, module: str, **env: str) -> shell.Finished:
    """The tests of one module of the iOS package, as `swift test --filter`.

    On Linux the program that SwiftPM has built is run itself: SwiftPM plans again for two seconds, and lets nobody else
    in meanwhile.
    """
    if sys.platform != "linux":
        return swift_test(swift, logs, "--filter", f"^{module}\\.", **env)
    program = _build_tests(swift)
    listed = shell.run([program, "--list-tests"], log=logs / "list-tests.log", deadline_s=60).stdout.split()
    names = ",".join(name for name in listed if name.startswith(f"{module}."))
    assert names, f"{module} has no tests"
    return shell.run([program, names], log=logs / "swift-test.log", deadline_s=DEADLINE_S, env=env)


@functools.cache
def _build_tests(swift: Swift) -> Path:
    """The program with the iOS package's tests, which says what failed as `swift test` does."""
    with tempfile.TemporaryDirectory() as logs:
        done = _swift(swift, Path(logs), "build", ios_host.PACKAGE, "--build-tests")
        assert done.code == 0, done.stdout + done.log_tail(40)
    (program,) = (_scratch(ios_host.PACKAGE) / "debug").glob("*PackageTests.xctest")
    return program


def _scratch(package: Path) -> Path:
    # Of the path's own: two checkouts must not share what was built.
    return REPO / "build/swift" / package.relative_to(REPO)


def _swift(swift: Swift, logs: Path, command: str, package: Path, *words: str, **env: str) -> shell.Finished:
    library = ios_host.find_library(host_context(logs))
    argv = [swift.program, command, "--package-path", package, "--scratch-path", _scratch(package), *words]
    argv += library.flags
    return shell.run(argv, log=logs / f"swift-{command}.log", deadline_s=DEADLINE_S, env={"GOLDMASK_HOST": "1", **env})
