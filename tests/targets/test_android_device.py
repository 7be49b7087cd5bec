"""The `android-device` target over the real adb protocol, on devices made of Linux (tests/rig/README.md)."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from conftest import REPO, Project, run_program
from needs import need
from phones import APP, as_new, connect, folder_of_device, reasons, run_check, runs, times_run, verdicts
from processes import wait_until
from rig import device as rig
from running import figures_without

from goldmask.android import adb, bundle_tar
from goldmask.contract.bundle import load_bundle, load_request
from goldmask.contract.errors import ExitCode, RunError
from goldmask.contract.files import sha256_of
from goldmask.contract.mask import encode_mask
from goldmask.targets import android_device
from goldmask.targets.host import checked

pytestmark = pytest.mark.rig

APK_STEPS = "nothing was built: the APKs were there"


@pytest.fixture
def project(phone_project):
    """With four cases, so that some of them can be done and some not."""
    return phone_project


# The happy path: real JVM, real native library, real masks.


def test_tensorflows_test_image_through_both_flavours(devices, server, tmp_path, starter_model):
    """As a user types it; and again, when nothing is built, installed or pushed any more."""
    phone = as_new(devices[0], None)
    phone.erase()
    words = ("check", "--target", "android-device", "--model", "deeplabv3", "--device", phone.serial, "--out", tmp_path)
    ran = run_program(REPO, *words)
    assert ran.code == 0, ran.text
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    found = {each["pipeline"]: each for each in report["comparisons"] if each["case"] == "rotation0"}
    assert set(found) == {"lib_interpreter", "lib_task_api"}
    for comparison in found.values():
        assert comparison["verdict"] == "PASS" and comparison["stages"]["first_difference"] is None
        assert (comparison["metrics"]["pixels"], comparison["metrics"]["differing"]) == (66_049, 0)
    for pipeline, package in (("lib_interpreter", APP), ("lib_task_api", "org.goldmask.app.task")):
        bundle = load_bundle(tmp_path / "bundles/android-device" / pipeline / "deeplabv3")
        assert (bundle.target.name, bundle.target.kind) == ("android-device", "emulator")
        assert not figures_without(bundle) and bundle.conditions.debuggable is False
        assert bundle.environment["serial"] == phone.serial and bundle.environment["abis"] == "x86_64"
        assert f"{phone.serial} · {pipeline} · deeplabv3: installed {package}, {package}.test, pushed" in ran.text
        assert bundle.environment["debuggable app"] == "no"
    assert "latency is advice only: EMULATOR" in ran.text and "DEBUGGABLE" not in ran.text


def test_a_second_check_moves_nothing_and_says_so(project, phone, server):
    phone.erase()
    first = run_check(project, device=phone.serial)
    assert first.exit_code is ExitCode.OK and f"installed {APP}, {APP}.test, pushed 6 files" in reasons(first)
    before = len(phone.commands())
    ran = project.run("check", "--target", "android-device", "--device", phone.serial)
    assert ran.code == 0, ran.text
    assert APK_STEPS in ran.text and "nothing was installed or pushed: all of it was there" in ran.text
    assert not [line for line in phone.commands()[before:] if line.startswith("pm install")]
    assert runs(server), "a server that was there already is not ours to end"
    (stored,) = [path for path in phone.data.rglob("*.tflite") if sha256_of(path) == path.stem]
    stored.write_bytes(b"other bytes under the same name")
    assert "pushed 1 files" in reasons(run_check(project, device=phone.serial))


def test_run_makes_a_bundle_of_any_images(project, phone):
    words = ("--model", "tiny", "--image", project.model / "a.png", "--device", phone.serial, "--out", "mine")
    ran = project.run("run", "--target", "android-device", *words)
    assert ran.code == 0 and "latency is advice only" in ran.text, ran.text
    assert load_bundle(project.folder / "mine").results[0].status == "ok"


# What is wrong with masks stays a fact.


def test_a_wrong_mask_is_exit_10_and_never_tried_again(project, phone):
    recorded = phone.folder / "recorded"
    bundle = json.loads((recorded / "bundle.json").read_text("utf-8"))
    result = next(each for each in bundle["results"] if each["case"] == "b")
    (recorded / result["mask"]).write_bytes(encode_mask(np.zeros((8, 8), np.uint8)))
    result["mask_sha256"] = sha256_of(recorded / result["mask"])
    (recorded / "bundle.json").write_text(json.dumps(bundle), "utf-8")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.MASKS_DIFFER and verdicts(report) == ["PASS", "FAIL", "PASS", "PASS"]
    assert times_run(phone) == 1 and "attempt" not in reasons(report)


def test_tampered_masks_are_errors_of_their_cases(project, phone):
    phone.faults(tamper="mask")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and sorted(verdicts(report)) == ["ERROR", "PASS", "PASS", "PASS"]
    assert "pull: " in reasons(report) and "sha256 differs" in reasons(report)


@pytest.mark.parametrize(
    ("tamper", "words"), [("bundle", "breaks the bundle contract"), ("link", "which belongs to no bundle")]
)
def test_damaged_bundles_are_refused(project, phone, tamper, words):
    phone.faults(tamper=tamper)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["ERROR"] * 4
    assert words in reasons(report)


def archive(folder: Path, *members: tuple[str, bytes, bytes]) -> str:
    """A tar file with (name, content, type) in a device's folder."""
    with tarfile.open(folder / "evil.tar", "w") as tar:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(content), "/etc/passwd"
            tar.addfile(info, io.BytesIO(content))
    return "evil.tar"


@pytest.mark.parametrize("name", ["../../../escaped", "/tmp/escaped", "goldmask/masks/../../escaped.png", "goldmask/x"])
def test_a_device_writes_nothing_outside_of_its_bundle(project, phone, name):
    phone.faults(tar_bytes=archive(phone.folder, (name, b"evil", tarfile.REGTYPE)))
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and "which belongs to no bundle" in reasons(report)
    assert not list(project.folder.rglob("escaped*")) and not Path("/tmp/escaped").exists()


def test_a_device_fills_no_disk(project, phone, monkeypatch):
    monkeypatch.setattr(android_device, "MAX_BUNDLE_BYTES", 1000)
    monkeypatch.setattr(android_device, "MAX_CASE_BYTES", 0)
    phone.faults(tar_bytes=archive(phone.folder, ("goldmask/masks/a.png", bytes(100_000), tarfile.REGTYPE)))
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and "sends more than 1,000 bytes" in reasons(report)


def test_half_a_tar_is_damaged(project, phone):
    name = archive(phone.folder, ("goldmask/bundle.json", b"{}" * 5000, tarfile.REGTYPE))
    (phone.folder / name).write_bytes((phone.folder / name).read_bytes()[:3000])
    phone.faults(tar_bytes=name)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and "is damaged" in reasons(report)


def test_an_old_bundle_on_the_device_does_not_pass(project, phone):
    assert run_check(project, device=phone.serial).exit_code is ExitCode.OK
    phone.faults(crash_at="a")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["ERROR"] * 4


# Which device.


def test_a_device_is_chosen(project, phones, monkeypatch):
    connect(phones)
    report = run_check(project)
    assert report.exit_code is ExitCode.USAGE and "several devices are connected" in reasons(report)
    phones[1].write("properties.json", rig.PROPERTIES | {"ro.product.model": "Pixel 6"})
    for choice in ("model=Pixel 6", "ro.product.model=Pixel 6"):
        assert run_check(project, device=choice).exit_code is ExitCode.OK
    monkeypatch.setenv("ANDROID_SERIAL", phones[1].serial)
    assert run_check(project).exit_code is ExitCode.OK
    assert (times_run(phones[0]), times_run(phones[1])) == (0, 3)
    report = run_check(project, device="colour=red")
    assert report.exit_code is ExitCode.USAGE and "names no property" in reasons(report)
    report = run_check(project, device="abi=mips")
    assert report.exit_code is ExitCode.ENVIRONMENT and "no device 'abi=mips' is connected" in reasons(report)


def test_one_phone_over_two_addresses_counts_once(project, phone):
    server = adb.Server(Path("/nowhere"))
    with server.open("host:disconnect:"):  # whatever another test connected
        pass
    for host in ("127.0.0.1", "localhost"):
        server.connect(f"{host}:{phone.port}")
        wait_until(lambda host=host: server.states().get(f"{host}:{phone.port}") == "device", "not connected")
    try:
        report = run_check(project, all_devices=True)
        assert report.exit_code is ExitCode.OK and verdicts(report) == ["PASS"] * 4, reasons(report)
        assert times_run(phone) == 1
        assert run_check(project).exit_code is ExitCode.OK
    finally:
        with server.open(f"host:disconnect:localhost:{phone.port}"):
            pass


def test_without_a_device_the_target_is_skipped_or_an_error_where_it_was_named(project, tmp_path):
    need("rig", "jdk")
    nobody = {"ANDROID_ADB_SERVER_PORT": str(rig.free_port()), "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553", "ADB_USB": "0"}
    project.edit(
        "goldmask.toml",
        'pipelines = ["lib_interpreter"]',
        'pipelines = ["lib_interpreter"]\ntargets = ["python", "android-device"]',
    )
    ran = project.run("check", **nobody)
    assert ran.code == 0 and "SKIP 4 cases of tiny on android-device" in ran.text, ran.text
    assert "no Android device is connected" in ran.text and "android.emulator.up" in ran.text
    named = project.run("check", "--target", "android-device", **nobody)
    assert named.code == 3 and "ERROR" in named.stdout and "android.emulator.up" in named.text
    assert not runs(int(nobody["ANDROID_ADB_SERVER_PORT"]))


# Latency.


def measured(project: Project) -> None:
    """Let the project's runs measure."""
    text = (project.folder / "goldmask.toml").read_text("utf-8")
    (project.folder / "goldmask.toml").write_text(
        text.replace("schema = 1\n", "schema = 1\n[options]\nruns = 3\n"), "utf-8"
    )


def environment_of(project: Project) -> dict[str, str]:
    """What the bundle says of the device."""
    return load_bundle(project.folder / "out/bundles/android-device/lib_interpreter/tiny").environment


def test_performance_mode_is_always_put_back(project, phone):
    measured(project)
    for faults in ({}, {"crash_at": "b"}, {"no_fixed_performance": True}):
        phone.faults(**faults)
        report = run_check(project, device=phone.serial)
        assert not phone.read("state.json").get("fixed_performance")
        assert ("has no fixed-performance mode" in reasons(report)) == ("no_fixed_performance" in faults)
    modes = [line.split()[-1] for line in phone.commands() if line.startswith("cmd power")]
    assert modes == ["true", "false"] * 3 and phone.read("state.json")["screen_on"]


def test_flags_say_why_a_latency_is_advice(project, phone):
    phone.write("state.json", {"battery": {"AC powered": "false", "level": 20}, "thermal": 2})
    run_check(project, device=phone.serial)
    assert environment_of(project)["latency"] == "advice only: EMULATOR LOW-BATTERY THERMAL"
    assert environment_of(project)["thermal"] == "moderate before, moderate after"


PIXEL_6 = {"ro.kernel.qemu": "0", "ro.hardware": "oriole", "ro.product.model": "Pixel 6"}


def test_a_phone_is_valid_by_default(project, phone):
    phone.write("properties.json", rig.PROPERTIES | PIXEL_6)
    report = run_check(project, device=phone.serial)
    said = environment_of(project)
    assert (said["latency"], said["latency flags"], said["debuggable app"]) == ("valid", "none", "no")
    assert report.exit_code is ExitCode.OK


def test_without_shared_storage_only_a_debuggable_app_hands_its_bundle_on(project, phone):
    phone.faults(no_shared_storage=True, debuggable=True)
    assert run_check(project, device=phone.serial).exit_code is ExitCode.OK
    assert environment_of(project)["debuggable app"] == "yes"
    phone.faults(no_shared_storage=True)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["ERROR"] * 4
    assert f"run-as: package not debuggable: {APP}" in reasons(report)


def test_a_bundle_is_not_fetched_from_where_it_cannot_be(project, phone):
    phone.faults(says_out="/data/data/other.app/files/goldmask")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.RUN and verdicts(report) == ["ERROR"] * 4
    assert "that its bundle is in /data/data/other.app/files/goldmask, no folder of its own" in reasons(report)


@pytest.mark.parametrize(
    ("out", "first"),
    [
        ("/storage/emulated/0/Android/media/my.app/goldmask", "tar"),
        ("/storage/1A2B-3C4D/Android/media/my.app/goldmask", "tar"),
        ("/data/user/0/my.app/files/goldmask", "run-as"),
        ("/storage/emulated/0/Android/media/myxapp/goldmask", None),
        ("/storage/emulated/0/Android/media/my.app/../goldmask", None),
        ("/data/user/0/my.app/files/goldmask\n", None),
        ("", None),
    ],
)
def test_only_an_apps_own_folders_are_packed(out, first):
    assert next(iter(bundle_tar.pack_argv(out, "my.app")), None) == first


def test_a_phone_with_suppressed_flags_is_valid(project, phone):
    phone.write("properties.json", rig.PROPERTIES | PIXEL_6)
    phone.faults(debuggable=True)
    with (project.folder / "goldmask.toml").open("a", encoding="utf-8") as stream:
        stream.write('[device]\nsuppress = ["DEBUGGABLE"]\n')
    report = run_check(project, device=phone.serial)
    said = environment_of(project)
    assert (said["latency"], said["latency flags"], said["emulator"]) == ("valid", "DEBUGGABLE", "no")
    assert "(Debian Pixel 6): latency is valid" in reasons(report)
    assert load_bundle(project.folder / "out/bundles/android-device/lib_interpreter/tiny").target.kind == "device"


def test_a_runtime_cannot_be_chosen(project, phone):
    ran = project.run(
        "run",
        "--target",
        "android-device",
        "--runtime",
        "2.14.0",
        "--model",
        "tiny",
        "--image",
        project.model / "a.png",
    )
    assert ran.code == 1 and "--runtime has no effect on android-device" in ran.text


def test_a_bundle_of_another_request_is_refused(project, phone, tmp_path):
    assert run_check(project, device=phone.serial).exit_code is ExitCode.OK
    folder = project.folder / "out/bundles/android-device/lib_interpreter/tiny"
    bundle = load_bundle(folder)
    request = load_request(folder_of_device(project) / "request.json")
    good = (bundle, request, request.cases, folder, android_device.NAME)
    assert checked(*good).results == bundle.results
    for change, words in (
        ({"pipeline": "lib_task_api"}, "is of pipeline lib_task_api"),
        ({"model": bundle.model.model_copy(update={"sha256": "0" * 64})}, "is of another model"),
        ({"target": bundle.target.model_copy(update={"name": "python"})}, "is of target python"),
        ({"results": (bundle.results[0].model_copy(update={"case": "x"}),)}, "has case x"),
        ({"results": (bundle.results[0].model_copy(update={"image_sha256": "0" * 64}),)}, "has another image for a"),
    ):
        with pytest.raises(RunError, match=words):
            checked(bundle.model_copy(update=change), *good[1:])
