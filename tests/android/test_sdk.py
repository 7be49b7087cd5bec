"""The Android SDK by the real sdkmanager, on a signed log and packages of this test's own; only gpgv stands in."""

import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest
from conftest import REPO, run_program

from goldmask.android import sdk
from goldmask.contract.errors import EnvironmentMissing, RunError

ABI = "x86_64"
# Where packages are in the log; nothing answers at this address.
REPOSITORY = "http://127.0.0.1:9/android/repository"
LOG = {
    "platform-tools_r36.0.0-linux.zip": ("platform-tools", {"Pkg.Revision": "36.0.0", "Pkg.Path": "platform-tools"}),
    "emulator-linux_x64-9.zip": ("emulator", {"Pkg.Revision": "9.0.0", "Pkg.Path": "emulator"}),
    "emulator-linux_x64-36.zip": ("emulator", {"Pkg.Revision": "36.1.9", "Pkg.Path": "emulator"}),
    "sys-img/aosp_atd/x86_64-34_r02.zip": (
        "x86_64",
        {
            "Pkg.Revision": "2",
            "AndroidVersion.ApiLevel": "34",
            "SystemImage.Abi": "x86_64",
            "SystemImage.TagId": "aosp_atd",
        },
    ),
}


@pytest.fixture
def world(tmp_path, monkeypatch) -> Path:
    """A cache with a log, a mirror with packages, and a gpgv that finds the signature good."""
    mirror, tools = tmp_path / "mirror", tmp_path / "tools"
    mirror.mkdir()
    tools.mkdir()
    (tools / "gpgv").write_text("#!/bin/sh\nexit 0\n")
    (tools / "gpgv").chmod(0o755)
    kept = tmp_path / "cache/sdkmanager/.cache/sdkmanager"
    kept.mkdir(parents=True)
    log = {}
    for name, (folder, properties) in LOG.items():
        text = "".join(f"{key}={value}\n" for key, value in properties.items())
        path = mirror / Path(name).name
        with zipfile.ZipFile(path, "w") as package:
            package.writestr(f"{folder}/source.properties", text)
            program = zipfile.ZipInfo(f"{folder}/{folder}")
            program.external_attr = 0o755 << 16
            package.writestr(program, f"#!/bin/sh\n# {name}\n")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        # What was published before under the same name comes first.
        log[f"{REPOSITORY}/{name}"] = [
            {"sha256": "0" * 64, "source.properties": text},
            {"sha256": digest, "source.properties": text},
        ]
    (kept / "checksums.json").write_text(json.dumps(log, sort_keys=True))
    (kept / "checksums.json.asc").write_text("")
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GOLDMASK_MIRROR", str(mirror))
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path / "sdk"))
    return tmp_path


def install(world: Path, **choices) -> tuple[str, ...]:
    """Install all that an emulator needs into the world's SDK."""
    return sdk.install_packages(sdk.find_sdk(), sdk.packages(34, ABI), **{"accept": True, **choices})


def test_packages_are_installed_once_and_the_newest(world):
    found = sdk.find_sdk()
    assert install(world) == sdk.packages(34, ABI)
    assert "emulator-linux_x64-36.zip" in found.emulator.read_text()
    assert os.access(found.emulator, os.X_OK)
    assert (world / "sdk/system-images/android-34/aosp_atd/x86_64/source.properties").is_file()
    assert sdk.lacking(found, sdk.packages(34, ABI)) == ()
    (world / "cache/sdkmanager/.cache/sdkmanager/checksums.json").unlink()
    assert install(world) == ()  # no log is asked for what is there


def test_nothing_is_fetched_before_the_licence_is_accepted(world):
    with pytest.raises(EnvironmentMissing, match=r"android-sdk-license, https://developer.android.com") as caught:
        install(world, accept=False)
    assert "--accept-licences" in caught.value.fix and "system-images;android-34;aosp_atd;x86_64" in caught.value.what
    assert not (world / "sdk").exists()


def test_the_consent_is_kept_where_the_sdk_keeps_it(world):
    install(world)
    assert (world / "sdk/licenses/android-sdk-license").read_text().split() == [sdk.LICENCE_MARK]
    found = sdk.Sdk(world / "sdk")
    for path in sorted((world / "sdk/emulator").iterdir()):
        path.unlink()
    (world / "sdk/emulator").rmdir()
    assert install(world, accept=False) == ("emulator",)
    assert found.has("emulator")


def test_bytes_that_the_log_does_not_have_are_refused(world):
    path = world / "mirror/x86_64-34_r02.zip"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(EnvironmentMissing, match="cannot fetch x86_64-34_r02.zip.*has sha256"):
        install(world)
    assert not (world / "sdk/system-images").exists()


def test_a_package_that_the_log_does_not_have(world):
    with pytest.raises(EnvironmentMissing, match="knows no package system-images;android-99;aosp_atd;x86_64"):
        sdk.install_packages(sdk.find_sdk(), sdk.packages(99, ABI), accept=True)


def test_a_log_with_a_bad_signature_is_not_believed(world):
    (world / "tools/gpgv").write_text("#!/bin/sh\necho BAD signature\nexit 1\n")
    with pytest.raises(EnvironmentMissing, match="sdkmanager failed .*failed to verify") as caught:
        install(world)
    assert f"cat {world}/cache/sdkmanager/list.log" in caught.value.fix and not (world / "sdk/emulator").exists()


def test_an_archive_that_is_none(world):
    path = world / "mirror/emulator-linux_x64-36.zip"
    path.write_bytes(b"no archive")
    kept = world / "cache/sdkmanager/.cache/sdkmanager/checksums.json"
    log = json.loads(kept.read_text())
    log[f"{REPOSITORY}/{path.name}"][-1]["sha256"] = hashlib.sha256(b"no archive").hexdigest()
    kept.write_text(json.dumps(log))
    with pytest.raises(RunError, match="sdkmanager failed"):
        install(world)


def test_a_log_that_sdkmanager_cannot_read(world):
    (world / "cache/sdkmanager/.cache/sdkmanager/checksums.json").write_text("no log")
    with pytest.raises(EnvironmentMissing, match="sdkmanager"):
        install(world)


def test_without_gpgv(world, monkeypatch):
    monkeypatch.setattr(sdk.shutil, "which", lambda name: None)
    with pytest.raises(EnvironmentMissing, match="gpgv"):
        install(world)


def test_where_the_sdk_is(monkeypatch, tmp_path):
    monkeypatch.delenv("ANDROID_HOME", raising=False)
    monkeypatch.setenv("ANDROID_SDK_ROOT", str(tmp_path / "root"))
    assert sdk.find_sdk().folder == tmp_path / "root"
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path / "home"))
    assert sdk.find_sdk().folder == tmp_path / "home"
    monkeypatch.delenv("ANDROID_HOME")
    monkeypatch.delenv("ANDROID_SDK_ROOT")
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    assert sdk.find_sdk().folder == tmp_path / "cache/android-sdk"


@pytest.mark.parametrize(("system", "machine"), [("linux", "riscv64"), ("linux", "aarch64"), ("darwin", "ppc")])
def test_a_machine_that_no_emulator_is_for(system, machine, monkeypatch):
    monkeypatch.setattr(sdk.platform, "machine", lambda: machine)
    monkeypatch.setattr(sdk.sys, "platform", system)
    with pytest.raises(EnvironmentMissing, match=f"there is no Android emulator for .* on {machine}"):
        sdk.emulator_abi()


def test_the_newest_emulator_is_the_one_with_the_highest_version():
    places = dict.fromkeys(["emulator", "emulator;9.0.0", "emulator;36.1.9", "emulator;36.10.2", "emulator;99 rc1"], "")
    assert sdk.newest("emulator", places) == "emulator;36.10.2"
    assert sdk.newest("emulator", {"emulator": ""}) == "emulator"


def test_a_log_without_a_hash(world):
    kept = world / "cache/sdkmanager/.cache/sdkmanager/checksums.json"
    log = json.loads(kept.read_text())
    log[f"{REPOSITORY}/emulator-linux_x64-36.zip"][-1]["sha256"] = "none"
    kept.write_text(json.dumps(log))
    with pytest.raises(EnvironmentMissing, match="the log has no sha256 of .*emulator-linux_x64-36.zip"):
        install(world)


def test_the_program_names_the_licence_and_installs_by_flag(world):
    ran = run_program(REPO, "android.sdk")
    assert ran.code == 3 and "licence: android-sdk-license, https://developer.android.com" in ran.text
    assert "./goldmask android.sdk --accept-licences" in ran.text and not (world / "sdk").exists()
    for word in ("installed", "there"):
        ran = run_program(REPO, "android.sdk", "--accept-licences")
        assert ran.code == 0 and f"{word}: emulator" in ran.text, ran.text
