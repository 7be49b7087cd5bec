"""The `ios-simulator` target on a Mac made of stand-ins: its whole life cycle, and every way in which it can break."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from conftest import REPO, Project
from mac import IPAD, IPHONE_15, IPHONE_16, RIG, Mac, add_app, interrupt, make_mac, wrong_mask
from running import context_of

from goldmask.machine.progress import Progress
from goldmask.project.config import load_config
from goldmask.project.gather import gather
from goldmask.project.model import load_spec
from goldmask.project.options import TargetOptions
from goldmask.targets import ios_host, ios_simulator
from goldmask.workflows.check import request_for

CASES = ("flag", "wide")


@pytest.fixture
def mac(project, tmp_path) -> Mac:
    """A Mac whose apps draw the project's goldens; nothing of a test may be left running on it."""
    made = make_mac(tmp_path / "mac", project.golden)
    add_app(project)
    return made


def check(project: Project, mac: Mac, *words: str, **environment: str):
    """`check --target ios-simulator`, and the report's rows by target and case."""
    ran = project.run("check", "--target", "ios-simulator", *words, "--out", "out", **(mac.environment | environment))
    report = project.folder / "out/report.json"
    rows = json.loads(report.read_text("utf-8"))["comparisons"] if report.is_file() else []
    return ran, {(row["target"], row["case"]): row for row in rows}


def test_build_boot_test_fetch_compare_shutdown(project, mac):
    ran, rows = check(project, mac)
    assert ran.code == 0, ran.text
    assert [(row["verdict"], row["metrics"]["confident_flips"]) for row in rows.values()] == [("PASS", 0)] * 2
    verbs = [" ".join(call.split()[:2]) for call in mac.state["calls"]]
    order = ["xcodebuild build-for-testing", "simctl boot", "simctl bootstatus", "simctl install",
             "xcodebuild test-without-building", "simctl get_app_container", "simctl shutdown"]  # fmt: skip
    places = [len(verbs) - 1 - verbs[::-1].index(verb) for verb in order]
    assert places == sorted(places) and mac.idle()
    # The newest iOS that runs x86_64, and a phone in it.
    assert f"platform=iOS Simulator,id={IPHONE_16},arch=x86_64" in mac.calls("xcodebuild test-without-building")[0]
    folder = project.folder / "out/bundles/ios-simulator/lib_interpreter/tiny"
    assert (folder / "run.xcresult/Info.plist").is_file() and "testGoldens]' passed" in (folder / "run.log").read_text()
    assert json.loads((folder / "bundle.json").read_text("utf-8"))["target"]["name"] == "ios-simulator"


def bundled_project(folder: Path) -> Project:
    """goldmask's own Xcode project and models; a copy, because CocoaPods writes into a project."""
    (folder / "models").mkdir(parents=True)
    (folder / "models/shapes").symlink_to(REPO / "models/shapes")
    shutil.copytree(REPO / "ios", folder / "ios", ignore=shutil.ignore_patterns(".build", "Pods"))
    (folder / "goldmask.toml").write_text(
        'schema = 1\n[suites.default]\nmodels = ["shapes", "shapes-int8"]\ntargets = ["ios-simulator"]\n'
        '[ios]\nfolder = "ios"\nlib_interpreter = "GoldenTests/InterpreterGoldenTests"\n'
        'lib_task_api = "GoldenTests/TaskGoldenTests"\n',
        "utf-8",
    )
    return Project(folder)


def test_the_real_swift_core_draws_every_bundled_case(mac, swift, tmp_path):
    """goldmask's own Xcode project and models; what is run is the app's core, as `swift build` made it."""
    context = context_of(REPO, tmp_path / "logs")
    program, environment = ios_host.program("lib_interpreter", context)
    core = {
        "GOLDMASK_RIG_APP": json.dumps([sys.executable, str(RIG / "core.py")]),
        "GOLDMASK_RIG_CORE": json.dumps([str(program), environment]),
        "PYTHONPATH": str(REPO / "python"),
    }
    ours = bundled_project(tmp_path / "shapes")
    words = ("check", "--pipeline", "lib_interpreter", "--out", tmp_path / "out")
    ran = ours.run(*words, **(mac.environment | core))
    assert ran.code == 0, ran.text
    rows = json.loads((tmp_path / "out/report.json").read_text("utf-8"))["comparisons"]
    assert len(rows) == 2 * len(load_spec(REPO, "shapes").cases) and mac.idle()
    for row in rows:
        assert row["verdict"] == "PASS" and row["metrics"]["confident_flips"] == 0
        assert row["metrics"]["agreement"] >= 0.999 and row["stages"]["first_difference"] is None


def test_each_pipeline_has_its_golden_test(mac, tmp_path):
    answers = {"GOLDMASK_RIG_ANSWERS": str(REPO / "models/shapes/goldens/lib_task_api")}
    words = ("check", "--pipeline", "lib_task_api", "--model", "shapes", "--out", tmp_path / "out")
    ran = bundled_project(tmp_path / "shapes").run(*words, **(mac.environment | answers))
    assert ran.code == 0, ran.text
    (call,) = mac.calls("xcodebuild test-without-building")
    assert "-only-testing:GoldenTests/TaskGoldenTests" in call


def test_an_app_without_a_test_of_a_pipeline(project, mac):
    project.edit("goldmask.toml", 'lib_interpreter = "GoldenTests/InterpreterGoldenTests"', "")
    project.edit("goldmask.toml", "pipelines = [", 'targets = ["python", "ios-simulator"]\npipelines = [')
    ran = project.run("check", "--out", "out", **mac.environment)
    assert ran.code == 0 and "names no golden test of lib_interpreter" in ran.text, ran.text
    ran, _ = check(project, mac, "--pipeline", "lib_interpreter")
    assert ran.code == 3 and not mac.calls("xcodebuild")


def test_a_mask_that_differs_fails(project, mac, tmp_path):
    mac.fault("wrong-mask")
    ran, rows = check(project, mac, **wrong_mask(project.golden, tmp_path / "wrong"))
    assert ran.code == 10 and {row["verdict"] for row in rows.values()} == {"FAIL"}, ran.text


def test_progress_is_told_step_by_step_and_case_by_case(project, mac, tmp_path, monkeypatch):
    for name, value in mac.environment.items():
        monkeypatch.setenv(name, value)
    config, spec = load_config(project.folder), load_spec(project.folder, "tiny")
    assets = gather(project.folder, "tiny", spec, Progress())
    request = request_for(assets.model, assets.cases, "lib_interpreter", TargetOptions())
    steps, notes, cases = [], [], []

    class Steps(Progress):
        def step(self, *step) -> None:
            steps.append(step)

    context = context_of(project.folder, tmp_path / "logs", ios=config.ios, progress=Steps(), on_note=notes.append)
    with ios_simulator.TARGET.session(context) as session:
        bundle = session.run(request, tmp_path / "bundle", cases.append)
        assert mac.up == [IPHONE_16]  # ready for the next run, until the session ends
    assert cases == [result.case for result in bundle.results] == list(CASES)
    done = [what for what, part, total in steps if part == total]
    assert done == ["boot iPhone 16", "pod install", "build GoldmaskApp"] and mac.idle()
    assert notes == ["booted iPhone 16, iOS 18.2, for this"]


def test_a_second_check_builds_nothing_and_a_changed_source_does(project, mac):
    for _ in range(2):
        assert check(project, mac)[0].code == 0
    assert len(mac.calls("xcodebuild build-for-testing")) == 1 and len(mac.calls("pod install")) == 1
    (project.folder / "ios/App/App.swift").write_text("import UIKit\n", "utf-8")
    assert check(project, mac)[0].code == 0
    assert len(mac.calls("xcodebuild build-for-testing")) == 2 and len(mac.calls("pod install")) == 1
    (project.folder / "ios/Podfile").write_text("platform :ios, '16.0'\n", "utf-8")
    assert check(project, mac)[0].code == 0
    assert len(mac.calls("xcodebuild build-for-testing")) == 3 and len(mac.calls("pod install")) == 2


def test_a_booted_simulator_is_used_and_stays_up(project, mac):
    mac.boot(IPHONE_15)
    ran, _ = check(project, mac, "--destination", "iPhone 15")
    assert ran.code == 0, ran.text
    assert mac.up == [IPHONE_15] and not mac.calls("simctl shutdown") and not mac.state["running"]


def test_several_destinations_at_once(project, mac):
    """Two simulators and a phone: one build for each processor, one test run for each build."""
    words = ("--destination", "iPhone 15", "iPad Air 11-inch (M2)", "Test iPhone")
    ran, rows = check(project, mac, *words)
    assert ran.code == 0, ran.text
    names = ("iphone-15-17.5", "ipad-air-11-inch-m2-17.5", "test-iphone-18.2")
    assert set(rows) == {(f"ios-simulator.{name}", case) for name in names for case in CASES}
    assert {row["verdict"] for row in rows.values()} == {"PASS"}
    first, second = mac.calls("xcodebuild test-without-building")
    assert IPHONE_15 in first and IPAD in first and "platform=iOS,id=00008130-000000000000001C" in second
    assert ["-sdk iphonesimulator" in call for call in mac.calls("xcodebuild build")] == [True, False]
    assert mac.up == [] and "--remove-existing-content false" in mac.calls("devicectl device copy to")[0]


def test_a_destination_that_does_not_boot_does_not_stop_another(project, mac):
    project.edit("goldmask.toml", 'folder = "ios"', 'folder = "ios"\nboot_deadline_s = 5')
    mac.fault(f"boot-hangs {IPHONE_15}")
    ran, rows = check(project, mac, "--destination", "iPhone 15", "iPad Air 11-inch (M2)")
    assert ran.code == 4 and f"simulator {IPHONE_15} was not up within 5 s" in ran.text, ran.text
    verdicts = {target: {row["verdict"] for (name, _), row in rows.items() if name == target} for target, _ in rows}
    assert verdicts == {"ios-simulator.iphone-15-17.5": {"ERROR"}, "ios-simulator.ipad-air-11-inch-m2-17.5": {"PASS"}}
    assert mac.idle()


def test_a_simulator_is_created_where_there_is_none(project, mac):
    project.edit("goldmask.toml", 'folder = "ios"', 'folder = "ios"\nruntime = "17.5"\ndevice_type = "iPhone 15"')
    with_none = mac.state
    with_none["listing"]["devices"]["com.apple.CoreSimulator.SimRuntime.iOS-17-5"] = []
    (mac.folder / "state.json").write_text(json.dumps(with_none), "utf-8")
    for _ in range(2):
        assert check(project, mac)[0].code == 0
    assert len(mac.calls("simctl create goldmask iPhone 15")) == 1 and mac.idle()


FAULTS = [
    # fault, exit code, words, cases that pass all the same
    ("no-runtime", 3, "no iOS simulator runtime is installed", ()),
    ("command-line-tools", 3, "is a command line tools instance", ()),
    ("licence", 3, "have not agreed to the Xcode license", ()),
    ("old-xcode", 3, "this is Xcode 14.3; 16 or later is needed", ()),
    ("pod-error", 4, "pod install failed: [!] CocoaPods could not find compatible versions", ()),
    ("build-error.txt", 4, "CameraController.swift:41:9: error: cannot find 'sesion' in scope", ()),
    ("build-no-slice.txt", 4, "TensorFlowLiteTaskVision's pod has no arm64 slice for simulators", ()),
    ("first-launch.log", 3, "sudo xcodebuild -runFirstLaunch", ()),
    ("signing-xcode-26.log", 4, 'No Account for Team "ABCDE12345"', ()),
    ("platform-26.log", 3, "xcodebuild -downloadPlatform iOS", ()),
    ("boot-hangs", 4, "was not up within 1 s", ()),
    ("test-no-destination.txt", 4, "which Apple silicon runs under Rosetta", ()),
    ("crash", 4, "the app ended before this case was done (exit code 65: Restarting after unexpected exit", ("flag",)),
    ("missing-bundle", 4, "ended without a bundle: the app left no plain file bundle.json", ()),
    ("not-json", 4, "breaks the bundle contract", ()),
    ("other-pipeline", 4, "bundle is of pipeline lib_task_api, which was not asked for", ()),
    ("other-model", 4, "bundle is of another model, which was not asked for", ()),
    ("tampered-mask", 4, "pull: out/bundles/ios-simulator/lib_interpreter/tiny/masks/flag.png is not what its", ()),
    ("link", 4, "pull: the app left no plain file masks/flag.png", ()),
    ("pipe", 4, "pull: the app left no plain file masks/flag.png", ()),
    ("huge-mask", 4, "pull: the app left masks/flag.png of 65 MB", ()),
    ("escape", 4, "leads out of the bundle", ()),
]


@pytest.mark.parametrize(("fault", "code", "words", "passing"), FAULTS, ids=[row[0] for row in FAULTS])
def test_every_fault_is_told_and_leaves_nothing_running(project, mac, fault, code, words, passing):
    if fault == "boot-hangs":
        project.edit("goldmask.toml", 'folder = "ios"', 'folder = "ios"\nboot_deadline_s = 1')
    mac.fault(fault)
    ran, rows = check(project, mac)
    assert ran.code == code and words in ran.text, ran.text
    assert {case for (_, case), row in rows.items() if row["verdict"] == "PASS"} == set(passing)
    assert all(row["verdict"] in ("PASS", "ERROR") for row in rows.values())
    assert mac.idle(), mac.state


def test_without_xcode_it_is_skipped_and_an_error_where_it_is_named(project, mac):
    project.edit(
        "goldmask.toml",
        'pipelines = ["lib_interpreter"]',
        'pipelines = ["lib_interpreter"]\ntargets = ["python", "ios-simulator"]',
    )
    path = {"PATH": os.environ["PATH"]}
    ran = project.run("check", "--out", "out", **path)
    assert ran.code == 0 and "SKIP 2 cases of tiny on ios-simulator (lib_interpreter): Xcode is needed" in ran.text, (
        ran.text
    )
    ran, rows = check(project, mac, **path)
    assert ran.code == 3 and {row["verdict"] for row in rows.values()} == {"ERROR"}


def test_a_pod_tool_that_is_not_there(project, mac, tmp_path):
    for name in ("xcrun", "xcodebuild"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(shutil.which(name, path=mac.environment["PATH"]))
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    ran, _ = check(project, mac, PATH=str(tmp_path / "bin"))
    assert ran.code == 3 and "pod is not on PATH" in ran.text, ran.text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--destination", "iPhone 3G"), "no simulator and no paired phone is called 'iPhone 3G'"),
        (("--destination", "A stranger's iPhone"), "cannot be used: devicectl lists it as unpaired"),
        (("--destination", "Lent iPad"), "Lent iPad is not in developer mode"),
        (("--destination", "00000000-0000-4000-8000-000000000261"), "iOS 26.1 runs arm64 only, and the app is x86_64"),
    ],
)
def test_a_destination_that_cannot_be(project, mac, words, sentence):
    ran, _ = check(project, mac, *words)
    assert ran.code == 3 and sentence in ran.text, ran.text


def test_arm64_is_for_apps_whose_pods_have_it(project, mac):
    ran, _ = check(project, mac, "--abi", "arm64")
    assert ran.code == 0 and "000000000261,arch=arm64" in mac.calls("xcodebuild test")[0], ran.text
    assert check(project, mac, "--abi", "mips")[0].code == 1


@pytest.mark.parametrize(
    ("fault", "when"),
    [
        ("hang-build", "xcodebuild build-for-testing"),
        ("hang-boot", "simctl boot "),
        ("hang-bootstatus", "simctl bootstatus"),
        ("hang-install", "simctl install"),
        ("hang-test", "xcodebuild test-without-building"),
    ],
)
def test_ctrl_c_leaves_nothing_booted_and_nothing_running(project, mac, fault, when):
    mac.fault(fault)
    ran = interrupt(project, mac, "check", "--target", "ios-simulator", "--out", "out")
    assert mac.calls(when), mac.state
    assert ran.code == 130 and "interrupted" in ran.text, ran.text
    assert mac.idle(), mac.state


def test_ctrl_c_leaves_anothers_simulator_up_without_our_app(project, mac):
    mac.boot(IPHONE_16)
    mac.fault("hang-test")
    interrupt(project, mac, "check", "--target", "ios-simulator", "--out", "out")
    assert mac.up == [IPHONE_16] and not mac.state["running"]


def test_the_tasks(project, mac):
    ran = project.run("ios.simulator.list", **mac.environment)
    assert ran.code == 0 and "iPhone 16" in ran.stdout and "Test iPhone" in ran.stdout, ran.text
    assert "not usable: A stranger's iPhone: devicectl lists it as unpaired" in ran.text
    assert "watch" not in ran.stdout.lower() and "000000000164" not in ran.stdout
    ran = project.run("ios.build", **mac.environment)
    assert ran.code == 0 and ".xctestrun" in ran.stdout and not mac.calls("simctl boot"), ran.text
    (app,) = (project.folder / "build/ios").glob("*/GoldmaskApp.app")
    assert f"app: build/ios/{app.parent.name}/GoldmaskApp.app" in ran.text
    ran = project.run("doctor", **mac.environment)
    assert "Xcode: 16.2 (16C5032a)" in ran.text and "4 simulators, the newest of iOS 26.1" in ran.text


def test_run_goes_to_one_destination(project, mac):
    image = project.model / "flag.png"
    words = ("run", "--target", "ios-simulator", "--model", "tiny", "--image", image, "--destination", "iPhone 15")
    ran = project.run(*words, "--out", "bundle", **mac.environment)
    assert ran.code == 0 and mac.idle(), ran.text
    assert IPHONE_15 in mac.calls("xcodebuild test")[0]
