"""What `aapt2 dump badging` says of an APK."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcript import TRANSCRIPTS, transcript

from goldmask.android_build import badging


@pytest.mark.parametrize(
    ("name", "ok", "detail"),
    [
        ("example-app", True, "org.goldmask.app.interpreter 0.1 (1), API 26 and later, made for 34, debuggable"),
        ("min-sdk", True, "org.goldmask.app 0.4.0 (17), API 29 and later, made for 35"),
        (
            "codename",
            True,
            "org.goldmask.app (1), API VanillaIceCream and later, made for VanillaIceCream, debuggable",
        ),
        ("no-apk.stderr", False, "the manifest names no package: no.apk: error: failed opening zip: Invalid file."),
    ],
)
def test_packages(name, ok, detail):
    found = badging.package(transcript(f"aapt2/{name}.txt"))
    assert (found.ok, found.detail) == (ok, detail)


def test_what_says_no_versions_is_shown():
    said = transcript("aapt2/min-sdk.txt").replace("SdkVersion:", "Version:")
    found = badging.package(said)
    assert not found.ok and found.detail.startswith("the manifest names no SDK versions: package: name='org.goldmask")
    assert badging.package("").detail == "the manifest names no package: aapt2 says nothing"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-apk", "no.apk: error: failed opening zip: Invalid file."),
        ("bad-manifest", "bad.apk: error: could not identify format of APK."),
    ],
)
def test_an_error_comes_before_warnings(name, words):
    assert badging.complaint(transcript(f"aapt2/{name}.stderr.txt")) == words


def test_a_complaint_that_nobody_knows_is_shown():
    assert badging.complaint("one\ntwo") == "one | two" and badging.complaint("") == ""


def test_the_name_of_the_package():
    assert badging.name_of(transcript("aapt2/example-app.txt")).startswith("org.goldmask.app")
    assert badging.name_of("application: label='x'") == badging.name_of("") == ""


@pytest.mark.parametrize(
    ("name", "ok", "detail"),
    [
        ("example-app", True, "CAMERA"),
        ("min-sdk", False, "CAMERA, INTERNET: the app may use the network"),
        ("codename", True, "none"),
    ],
)
def test_permissions(name, ok, detail):
    found = badging.permissions(transcript(f"aapt2/{name}.txt"))
    assert (found.ok, found.detail) == (ok, detail)


LINES = [
    line for path in (TRANSCRIPTS / "aapt2").glob("*.txt") for line in transcript(f"aapt2/{path.name}").splitlines()
]


@given(st.lists(st.sampled_from(LINES) | st.text()))
def test_anything_is_a_diagnostic(lines):
    text = "\n".join(lines)
    assert badging.package(text).detail.isprintable() and badging.permissions(text).detail.isprintable()
    assert badging.complaint(text).isprintable()
