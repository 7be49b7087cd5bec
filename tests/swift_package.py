"""What the Swift tests share: the package's own tests run by `swift test`, in a build folder that is kept."""

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


def host_context(folder: Path, **choices) -> Context:
    """What a target is given in tests."""
    return context_of(REPO, folder / "logs", **choices)


def swift_test(swift: Swift, logs: Path, *words: str, package: Path = ios_host.PACKAGE, **env: str) -> shell.Finished:
    """`swift test` in a package of this repository; stdout and the log have what it said."""
    library = ios_host.find_library(host_context(logs))
    # Of the path's own: two checkouts must not share what was built.
    scratch = REPO / "build/swift" / package.relative_to(REPO)
    argv = [swift.program, "test", "--package-path", package, "--scratch-path", scratch, *words, *library.flags]
    return shell.run(argv, log=logs / "swift-test.log", deadline_s=DEADLINE_S, env={"GOLDMASK_HOST": "1", **env})
