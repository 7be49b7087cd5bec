"""The Swift tests of the iOS package, on this machine; and what keeps the Swift in shape."""

import re
import shutil
from pathlib import Path

import pytest
from bmps import bmp_files
from conftest import REPO, edited_samples
from swift_package import APPLE, GRID, swift_test, swift_test_module

from goldmask.machine import shell

TESTS = {"SegmentationCoreTests": 26, "LibInterpreterTests": 8, "GoldenTestKitTests": 22}


@pytest.mark.parametrize("module", TESTS)
def test_the_packages_own_tests(swift, module, tmp_path):
    done = swift_test_module(swift, tmp_path, module, GOLDMASK_TESTS=str(REPO / "tests"))
    assert done.code == 0, done.stdout + done.log_tail(40)
    ran = max(int(count) for count in re.findall(r"Executed (\d+) tests?, with 0 failures", done.stdout))
    assert ran >= TESTS[module]


@pytest.mark.parametrize(
    ("module", "name", "old", "new"),
    [
        ("GoldenTestKitTests", "samples/request.json", '"threads": 2', '"threads": 0'),
        ("GoldenTestKitTests", "samples/bundle.json", '"kind": "device"', '"kindd": "device"'),
        ("SegmentationCoreTests", "vectors/preprocess.json", '"orientation":3', '"orientation":4'),
        ("SegmentationCoreTests", "vectors/preprocess.json", "[0,0,0,30,61,47", "[0,0,0,31,61,47"),
        ("SegmentationCoreTests", "vectors/images.json", '"orientation": 8', '"orientation": 7'),
        ("SegmentationCoreTests", "vectors/preprocess.json", '"zero_point":-14', '"zero_point":-13'),
        ("SegmentationCoreTests", "vectors/tensors.json", '"layout":"nchw"', '"layout":"nhwc"'),
    ],
)
def test_an_edited_sample_breaks_them(swift, module, name, old, new, tmp_path):
    tests = edited_samples(tmp_path / "tests", name, old, new)
    done = swift_test_module(swift, tmp_path, module, GOLDMASK_TESTS=str(tests))
    assert done.code == 1 and re.search(r"with [1-9]\d* failure", done.stdout), done.stdout + done.log_tail(40)


def test_the_code_for_apples_platforms(swift, tmp_path):
    """Compiled and run against handwritten stand-ins of Apple's modules (tests/ios/apple/Package.swift)."""
    done = swift_test(swift, tmp_path, package=APPLE)
    assert done.code == 0, done.stdout + done.log_tail(40)
    assert "Executed 9 tests, with 0 failures" in done.stdout


def test_what_does_not_compile_for_apple_is_seen(swift, tmp_path):
    """Its twin: a name that ImageIO does not have, behind #if."""
    package = tmp_path / "apple"
    shutil.copytree(APPLE, package, ignore=shutil.ignore_patterns(".build"))
    source = package / "Sources/SegmentationCore/ImageFile.swift"
    source.write_text(
        source.read_text("utf-8").replace("CGImageSourceGetStatusAtIndex", "CGImageSourceGetState"), "utf-8"
    )
    words = ("build", "--package-path", package, "--scratch-path", tmp_path / "build", "--target", "SegmentationCore")
    done = shell.run([swift.program, *words], log=tmp_path / "swift.log", deadline_s=300)
    assert done.code == 1 and "cannot find 'CGImageSourceGetState' in scope" in done.stdout


def test_the_grid_of_images_sees_a_wrong_pixel(swift, tmp_path):
    """The program that the workflow runs on a Mac, on the one format that Linux can decode."""
    name, data, pixels = next(iter(bmp_files()))
    folder, wrong = tmp_path / "images", pixels.copy()
    folder.mkdir()
    (folder / name).write_bytes(data)
    wrong[0, 0, 0] ^= 1
    scratch = REPO / "build/swift/grid"
    words = ("build", "--package-path", GRID, "--scratch-path", scratch)
    done = shell.run([swift.program, *words], log=tmp_path / "swift.log", deadline_s=300)
    assert done.code == 0, done.stdout + done.log_tail(40)
    for right, code, line in (
        (pixels, 0, "1 of 1 images are right"),
        (wrong, 1, f"{name}: 0.00"),
        (pixels[:-1], 1, f"{name}: inf levels"),
        (None, 1, f"{name}: decoded, and it is to be refused"),
    ):
        beside = folder / f"{name}.rgb"
        beside.unlink(missing_ok=True) if right is None else beside.write_bytes(right.tobytes())
        done = shell.run([scratch / "debug/image-grid", folder], log=tmp_path / "grid.log", deadline_s=60)
        assert done.code == code and line in done.stdout, done.stdout + done.log_tail(40)


def swift_files(tmp_path) -> list[Path]:
    """Every Swift file of the repository, those of the app too, which only a Mac can compile."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.swift"]
    done = shell.run(words, log=tmp_path / "git.log", deadline_s=60, cwd=REPO)
    files = [REPO / name for name in done.stdout.splitlines()]
    return files or [path for path in REPO.glob("*ios/**/*.swift") if ".build" not in path.parts]


def lint(swift, tmp_path, *files) -> shell.Finished:
    """swift-format's verdict on files, each by the nearest .swift-format above it."""
    argv = [swift.program, "format", "lint", "--strict", *files]
    return shell.run(argv, log=tmp_path / "format.log", deadline_s=300, cwd=REPO)


def test_swift_format_has_nothing_to_say(swift, tmp_path):
    files = swift_files(tmp_path)
    assert len(files) > 20
    done = lint(swift, tmp_path, *files)
    assert done.code == 0, done.stdout + done.log_tail(40)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("func x( ){ }\n", "Spacing"),
        ("let x = try! y()\n", "NeverUseForceTry"),
        ("public func x() {}\n", "AllPublicDeclarationsHaveDocumentation"),
        ("func x( {\n", "error"),
    ],
)
def test_swift_format_would_say_something(swift, tmp_path, text, complaint):
    shutil.copy(REPO / "ios/.swift-format", tmp_path)
    bad = tmp_path / "Bad.swift"
    bad.write_text(text, "utf-8")
    done = lint(swift, tmp_path, bad)
    assert done.code == 1 and complaint in done.log_tail(20)


def test_the_core_knows_no_uikit():
    sources = [path for path in (REPO / "ios/Sources").rglob("*.swift")]
    imported = {found for path in sources for found in re.findall(r"^\s*import (\w+)", path.read_text("utf-8"), re.M)}
    allowed = {"CoreGraphics", "CryptoKit", "Darwin", "Foundation", "Glibc", "ImageIO"}
    allowed |= {"TensorFlowLiteC", "TensorFlowLiteCCoreML", "TensorFlowLiteCMetal"}
    assert imported <= allowed | {"GoldenTestKit", "LibInterpreter", "SegmentationCore"}
