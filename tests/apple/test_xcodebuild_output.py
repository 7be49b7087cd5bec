"""Why an xcodebuild failed: the sentence that a user reads, for what Xcode 9 to 26 print."""

import dataclasses

import pytest
from mac import TRANSCRIPTS

from goldmask.apple import xcode
from goldmask.apple.xcodebuild_output import SIGNING, UNLOCK, cause_of, device_name, failed_on, failed_tests
from goldmask.contract.errors import EnvironmentMissing, RunError
from goldmask.machine.shell import Finished

SOMEWHERE = "(in target 'GoldmaskApp' from project 'GoldmaskApp')"
NO_DESTINATION = "xcodebuild: error: Unable to find a destination matching the provided destination specifier:"
SENTENCES = {
    # A compiler's first error.
    "build-error.txt": "/App/CameraController.swift:41:9: error: cannot find 'sesion' in scope",
    # Several destinations: the test, and where.
    "destinations-failed.log": "Test case 'InterpreterGoldenTests.testGoldens()' failed on "
    "'iPhone 15 - GoldmaskApp (4711)' (0.474 seconds)",
    "objc-failed.log": "Test case '-[GoldenTests testGoldens]' failed on 'Jane's iPhone - GoldmaskApp (99082)' "
    "(0.974 seconds)",
    "fastlane-scan-parallel_testing_failure.log": "Test case 'TestingTestTests.testFailure()' failed on "
    "'Clone 1 of iPad Air 2 - TestingTest.app (20698)' (0.000 seconds)",
    "fastlane-scan-xcode26_testing_failure.log": "Test case 'ExampleTestTests.testExample()' failed on "
    "'Clone 1 of iPhone 17 Pro - ExampleTest (96789)' (0.474 seconds); and 1 more",
    # The destination, and why there is none.
    "platform-26.log": f"{NO_DESTINATION} {{ generic:1, platform:iOS }}: iOS 26.0 is not installed. Please download "
    "and install the platform from Xcode > Settings > Components.",
    "platform-18.log": f"{NO_DESTINATION} {{ generic:1, platform:iOS }}: iOS 18.2 is not installed. To use with "
    "Xcode, first download and install the platform",
    "no-such-simulator.log": f"{NO_DESTINATION} {{ platform:iOS Simulator, OS:26.1, name:iPhone 17 Pro }}",
    "test-no-destination.txt": "xcodebuild: error: Unable to find a device matching the provided destination "
    "specifier: { platform:iOS Simulator, arch:x86_64, id:00000000-0000-4000-8000-000000000261 }",
    "build-only-device.log": "xcodebuild: error: Failed to build project SpeedLog with scheme SpeedLog. "
    "Reason: A build only device cannot be used to run this target.",
    # The linker before clang's last word.
    "undefined-symbols.log": 'Undefined symbols for architecture arm64: "_ReloadPage", referenced from: '
    "_QuitApp_ReloadPage in libGameAssembly.a[3](quit.o); and 1 more",
    "framework-not-found.log": "ld: framework not found SCLAlertView_Objective_C",
    "library-not-found.log": "ld: library not found for -lPods",
    "duplicate-symbol.log": "duplicate symbol _OBJC_IVAR_$Class._ivar in: /DerivedData/App.build/Class.o, "
    "/DerivedData/Products/libPods.a(Class.o)",
    "build-no-slice.txt": "ld: building for 'iOS-simulator', but linking in object file (/Pods/TensorFlowLiteTaskVision"
    "/Frameworks/TensorFlowLiteTaskVision.framework/TensorFlowLiteTaskVision[arm64][3](TFLImageSegmenter.o)) built for "
    "'iOS'",
    # `Testing failed:`, and the lines that follow.
    "fastlane-scan-early_testing_failure.log": "Testing failed: TestingTest.app (30007) encountered an error (Early "
    "unexpected exit, operation never finished bootstrapping - no restart will be attempted. (Underlying error: Test "
    "runner exited before starting test execution.)); the app's last words: Precondition failed: : file "
    "/Users/someone/Code/TestingTest/TestingTest/AppDelegate.swift, line 19",
    "test-runner-never-began.log": "Testing failed: Organic Maps (Debug) (28351) encountered an error (Test runner "
    "never began executing tests after launching)",
    "test-launchd.log": "Testing failed: xctest encountered an error (Failed to prepare device 'iPhone 15' for "
    "impending launch. (Underlying Error: Unable to boot the Simulator. launchd failed to respond. (Underlying Error: "
    "Failed to start launchd_sim: could not bind to session, launchd_sim may have crashed or quit responding)))",
    # A script phase, and what it printed.
    "script-phase.log": "the script phase '[CP] Embed Pods Frameworks' failed: sent 376109 bytes received 106 bytes "
    "752430.00 bytes/sec | total size is 375660 speedup is 1.00 | /Pods/Target Support Files/Pods-SwiftAI/"
    "Pods-SwiftAI-frameworks.sh: line 104: EXPANDED_CODE_SIGN_IDENTITY: unbound variable",
    "script-sandbox.log": "error: Sandbox: rsync.samba(3410) deny(1) file-write-create /DerivedData/Build/Products/"
    "ReactNitro.app/Frameworks/NitroModules.framework/_CodeSignature (in target 'ReactNitro' "
    "from project 'ReactNitro')",
    "script-podfile-lock.log": "error: The sandbox is not in sync with the Podfile.lock. Run 'pod install' or update "
    "your CocoaPods installation.",
    # Code signing in all its wordings.
    "xcpretty-codesign.log": "CodeSign error: code signing is required for product type 'Application' in SDK 'iOS 7.0'",
    "signing-xcode-8.log": 'Signing for "Responder" requires a development team. Select a development team in the '
    "project editor.",
    "signing-xcode-9.log": "Code Signing Error: No profile for team 'PZYM8XX95Q' matching 'WPiOS Development Profile' "
    "found: Xcode couldn't find any provisioning profiles matching 'PZYM8XX95Q/WPiOS Development Profile'. Install the "
    "profile (by dragging and dropping it onto Xcode's dock item) or select a different one in the General tab of the "
    "target editor.",
    "signing-xcode-10.log": 'error: No account for team "XXXXXXXXXX". Add a new account in the Accounts preference '
    "pane or verify that your accounts have valid credentials. (in target 'DEV')",
    "signing-xcode-12.log": 'error: Signing for "my_project" requires a development team. Select a development team '
    'in the Signing & Capabilities editor that matches the selected profile "my provisioning". (in target '
    "'my_project' from project 'my_project')",
    "signing-xcode-26.log": '/App/GoldmaskApp.xcodeproj: error: No Account for Team "ABCDE12345". Add a new account in '
    f"Accounts settings or verify that your accounts have valid credentials. {SOMEWHERE}",
    "keychain-locked.log": "CodeSign failed: /DerivedData/Build/Products/Debug/Launcher.app: errSecInternalComponent",
    # The app's own log does not win.
    "app-log.log": "/App/GoldenTests/InterpreterGoldenTests.swift:9: error: -[GoldenTests.InterpreterGoldenTests "
    "testGoldens] : failed - no request in Documents/goldmask",
    "app-log-only.log": "Test Case '-[GoldenTests.InterpreterGoldenTests testGoldens]' failed (0.474 seconds)",
    "xcbeautify-TestLog.txt": "/Users/someone/Git/xcbeautify/Tests/XcbeautifyLibTests/XcbeautifyLibTests.swift:13: "
    'error: -[XcbeautifyLibTests.XcbeautifyLibTests testAggregateTarget] : XCTAssertEqual failed: ("Optional("'
    'Aggregate target Be Aggro of project AggregateExample with configuration Debug")") is not equal to ("'
    'Optional("failing Aggregate target Be Aggro of project AggregateExample with configuration Debug")")',
    "swift-testing.log": "✘ Test goldens() recorded an issue at GoldenTests.swift:5:5: Expectation failed: "
    "agreement == 1",
    # A crash, of the app and of the compiler.
    "test-crash.txt": "Restarting after unexpected exit, crash, or test timeout in "
    "InterpreterGoldenTests.testGoldens()",
    "fastlane-scan-non_parallel_testing_failure.log": "Restarting after unexpected exit or crash in "
    "TestingTestTests/testFailure(); the app's last words: Fatal error: Unexpectedly found nil while unwrapping an "
    "Optional value",
    "compiler-crash.log": 'the compiler crashed: While evaluating request TypeCheckSourceFileRequest(source_file "'
    'TheView.swift")',
    # The machine.
    "first-launch.log": "A required plugin failed to load. Please ensure system content is up-to-date — try running "
    "'xcodebuild -runFirstLaunch'.",
    "command-line-tools.txt": "xcode-select: error: tool 'xcodebuild' requires Xcode, but active developer directory "
    "'/Library/Developer/CommandLineTools' is a command line tools instance",
    "licence.txt": "You have not agreed to the Xcode license agreements. Please run 'sudo xcodebuild -license' from "
    "within a Terminal window to review and agree to the Xcode and Apple SDKs license.",
    # No more than a list of what failed.
    "scheme.log": "The following build commands failed: CompileAssetCatalog /DerivedData/App.app /App/Assets.xcassets "
    "(in target 'App' from project 'App')",
}
SUCCEEDED = {"fastlane-scan-boring.log"}
FIXES = {
    "platform-26.log": ("xcodebuild -downloadPlatform iOS", EnvironmentMissing),
    "platform-18.log": ("xcodebuild -downloadPlatform iOS", EnvironmentMissing),
    "first-launch.log": ("sudo xcodebuild -runFirstLaunch", EnvironmentMissing),
    "licence.txt": ("sudo xcodebuild -license accept", EnvironmentMissing),
    "command-line-tools.txt": ("sudo xcode-select --switch /Applications/Xcode.app", EnvironmentMissing),
    "keychain-locked.log": (UNLOCK, RunError),
    "xcpretty-codesign.log": (SIGNING, RunError),
    **{f"signing-xcode-{version}.log": (SIGNING, RunError) for version in (8, 9, 10, 12, 26)},
}


def text_of(name: str) -> str:
    """What a transcript has."""
    return (TRANSCRIPTS / "xcodebuild" / name).read_text("utf-8")


def finished(text: str, folder) -> Finished:
    """A failed xcodebuild that printed `text`."""
    log = folder / "stderr.log"
    log.write_text("", "utf-8")
    return Finished(("xcodebuild",), 65, 1.0, text, log)


@pytest.mark.parametrize(("name", "sentence"), SENTENCES.items(), ids=SENTENCES)
def test_the_sentence(name, sentence, tmp_path):
    assert xcode.first_error(finished(text_of(name), tmp_path)) == sentence


def test_every_transcript_has_its_sentence():
    names = {path.name for path in (TRANSCRIPTS / "xcodebuild").iterdir()} - {"origins.toml"}
    assert names == set(SENTENCES) | SUCCEEDED
    assert [name for name in SUCCEEDED if cause_of(text_of(name))] == []


@pytest.mark.parametrize("name", SENTENCES)
def test_the_command_that_helps(name, tmp_path):
    fix, kind = FIXES.get(name, ("cat xcodebuild.log", RunError))
    error = cause_of(text_of(name)).error("GoldmaskApp does not build", "xcodebuild.log")
    assert (error.fix, type(error)) == (fix, kind)


def test_where_nothing_was_built_a_compilers_words_are_the_apps(tmp_path):
    text = "error: no camera on this device\nCamera.swift:12: error: interrupted\n" + text_of("test-crash.txt")
    done = finished(text, tmp_path)
    assert xcode.first_error(done) == "error: no camera on this device"
    tested = dataclasses.replace(done, argv=("xcodebuild", "test-without-building", "-xctestrun", "App.xctestrun"))
    assert xcode.first_error(tested) == SENTENCES["test-crash.txt"]
    unknown = dataclasses.replace(tested, stdout="error: no camera on this device\n")
    assert xcode.first_error(unknown) == "error: no camera on this device"  # shown, not judged


def test_output_that_nobody_understands_is_shown_with_both_ends(tmp_path):
    text = "\n".join(f"\x1b[31mline {number}\x1b[0m" for number in range(1, 21))
    sentence = "line 1 | line 2 | line 3 | … 14 lines … | line 18 | line 19 | line 20"
    assert xcode.first_error(finished(text, tmp_path)) == sentence
    assert xcode.first_error(finished("", tmp_path)) == "exit code 65"


def test_the_colours_of_a_terminal_hide_nothing(tmp_path):
    text = text_of("build-error.txt").replace("error:", "\x1b[1;31merror:\x1b[0m").replace("\n", "\r\n")
    assert xcode.first_error(finished(text, tmp_path)) == SENTENCES["build-error.txt"]


def test_of_several_reasons_it_is_that_of_the_destination_asked_for():
    text = (
        "xcodebuild: error: Unable to find a destination matching the provided destination specifier:\n"
        "\t\t{ platform:iOS, id:00008130-000000000000001C }\n\n"
        '\tIneligible destinations for the "App" scheme:\n'
        "\t\t{ platform:tvOS, id:dvtdevice, name:Any tvOS Device, error:tvOS 26.0 is not installed. }\n"
        "\t\t{ platform:iOS, id:00008130-000000000000001C, name:Test iPhone, error:Test iPhone is locked }\n"
    )
    cause = cause_of(text)
    assert cause.what.endswith("{ platform:iOS, id:00008130-000000000000001C }: Test iPhone is locked")
    assert not cause.missing


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "xcodebuild: error: Timed out waiting for all destinations matching the provided destination specifier to "
            'become available\n\n\tIneligible destinations for the "App" scheme:\n'
            "\t\t{ platform:iOS, id:00008130, name:P, error:Developer Mode disabled }\n",
            "specifier to become available: Developer Mode disabled",
        ),
        (
            "xcodebuild: error: Unable to find a device matching the provided destination specifier:\n"
            "\t\t{ platform:iOS Simulator, id:A }\n\n"
            "\tThe requested device could not be found because no available devices matched the request.\n",
            "id:A }: The requested device could not be found because no available devices matched the request.",
        ),
    ],
    ids=["timed out", "a sentence"],
)
def test_other_reasons_why_there_is_no_destination(text, sentence):
    assert cause_of(text).what.endswith(sentence)


def test_an_error_of_the_build_comes_before_that_of_the_tests():
    text = text_of("build-error.txt") + text_of("destinations-failed.log")
    assert cause_of(text).what == SENTENCES["build-error.txt"]


def test_a_build_that_is_told_as_a_failed_test_run():
    text = "Testing failed:\n\tCannot find 'x' in scope\n\tTesting cancelled because the build failed.\n\n"
    assert cause_of(text).what == (
        "Testing failed: Cannot find 'x' in scope; Testing cancelled because the build failed."
    )


def test_a_command_whose_words_come_after_it():
    text = "Command PhaseScriptExecution failed with a nonzero exit code\nrealpath: illegal option -- m\n\n"
    assert cause_of(text).what == "a script phase failed: realpath: illegal option -- m"


def test_which_test_failed_where():
    failed = failed_tests(text_of("destinations-failed.log"))
    assert [(each.test, each.device) for each in failed] == [("InterpreterGoldenTests.testGoldens()", "iPhone 15")]
    assert [each.device for each in failed_tests(text_of("fastlane-scan-xcode26_testing_failure.log"))] == [
        "iPhone 17 Pro",
        "iPhone 17 Pro",
    ]
    assert [each.device for each in failed_tests(text_of("app-log.log"))] == [""]
    assert device_name("iPad Air 11-inch (M2) - GoldenTests-Runner (97123)") == "iPad Air 11-inch (M2)"
    assert device_name("Jane - home - GoldmaskApp (12)") == "Jane - home"


def test_of_several_destinations_each_has_its_own_failure():
    text, two = text_of("destinations-failed.log"), ["iPhone 15", "iPad Air 11-inch (M2)"]
    assert failed_on(text, two) == {"iPhone 15": SENTENCES["destinations-failed.log"]}
    # The log does not tell apart two of one name, names none where there is one, and another's is not theirs.
    assert failed_on(text, ["iPhone 15", "iPhone 15"]) == failed_on(text, ["iPhone 15"]) == {}
    assert failed_on(text, ["iPhone 16", "iPad Air 11-inch (M2)"]) == failed_on(text_of("app-log.log"), two) == {}


def test_a_missing_slice_is_recognised_and_another_error_is_not():
    assert xcode.NO_SLICE.search(text_of("build-no-slice.txt"))
    assert not xcode.NO_SLICE.search(text_of("build-error.txt"))
