"""Operators that are not TensorFlow Lite's own: what is said of them, and where they are not run."""

import json

import pytest
import tiny
from conftest import REPO, make_project

from goldmask.cli.models import show_model
from goldmask.cli.own_models import AddFlags, add_model
from goldmask.contract.errors import ExitCode
from goldmask.project.custom_operators import BUILT_IN, OF_MEDIAPIPE, OF_XNNPACK, descriptions, lacking
from goldmask.project.options import TargetOptions
from goldmask.project.tflite import inspect

INTERPRETER = "lib_interpreter"
TRANSPOSED = "Convolution2DTransposeBias"


@pytest.mark.parametrize(
    ("operator", "sentence"),
    [
        ("FlexErf", "FlexErf is TensorFlow's, by TensorFlow Lite's Flex delegate: "),
        (
            "FlexErf",
            "app with org.tensorflow:tensorflow-lite-select-tf-ops has it, and no runtime that goldmask runs",
        ),
        (TRANSPOSED, f"{TRANSPOSED} is MediaPipe's: LiteRT and TensorFlow have it by XNNPACK"),
        ("TransformLandmarks", "MediaPipe's: MediaPipe has it, and no runtime that goldmask runs"),
        ("TFLite_Detection_PostProcess", "TensorFlow Lite's: it is built into the interpreter"),
        ("Blur", "Blur is of an unknown owner: no runtime that goldmask knows has it"),
        ("", "an operator without a name is of an unknown owner"),
        ("a\x1b[31m\nb", "a\\x1b[31m b is of an unknown owner"),
    ],
)
def test_an_operator_is_named_with_the_runtime_that_has_it(operator, sentence, tmp_path):
    (tmp_path / "custom.tflite").write_bytes(tiny.custom(operator))
    (told,) = descriptions(inspect(tmp_path / "custom.tflite").custom_operators)
    assert sentence in told


def test_an_operator_of_several_versions_is_named_once():
    assert len(descriptions(("FlexErf", "FlexErf", "Blur"))) == 2 and descriptions(()) == []


@pytest.mark.parametrize(
    ("operator", "target", "options", "runs"),
    [
        ("FlexErf", "python", {"runtime": "tensorflow"}, False),
        ("FlexErf", "python", {}, False),
        ("FlexErf", "python", {"runtime": "litert"}, False),
        ("FlexErf", "android-jvm", {}, False),
        ("FlexErf", "android-device", {"delegate": "gpu"}, False),
        ("FlexErf", "ios-host", {}, False),
        (TRANSPOSED, "python", {}, True),
        (TRANSPOSED, "python", {"delegate": "cpu"}, False),
        (TRANSPOSED, "python", {"runtime": "tensorflow"}, True),
        (TRANSPOSED, "android-jvm", {}, False),
        (TRANSPOSED, "android-jvm", {"runtime": "2.16.1"}, False),
        (TRANSPOSED, "android-device", {"delegate": "gpu"}, True),
        ("TransformLandmarks", "python", {}, False),
        ("TFLite_Detection_PostProcess", "android-jvm", {"delegate": "cpu"}, True),
        ("Blur", "python", {}, False),
        ("Blur", "android-device", {"delegate": "nnapi"}, True),
    ],
)
def test_what_a_runtime_lacks_is_known_before_it_runs(operator, target, options, runs):
    error = lacking((operator,), target, INTERPRETER, TargetOptions(**options))
    assert (error is None) is runs
    if error:
        assert error.exit_code == ExitCode.ENVIRONMENT and error.fix
        assert error.what.startswith(f"{target} · {INTERPRETER}") and f"{operator} is " in error.what


def test_a_model_of_built_in_operators_and_an_apps_own_pipeline_lack_nothing():
    assert lacking((), "python", INTERPRETER, TargetOptions()) is None
    assert lacking(("Blur",), "android-jvm", "my_app", TargetOptions()) is None
    assert lacking(("Blur",), "android-jvm", INTERPRETER, TargetOptions()) is not None


def test_of_several_the_others_are_counted():
    error = lacking(("Mfcc", "Blur", "FlexErf", "Blur"), "python", INTERPRETER, TargetOptions())
    assert error is not None and "Blur is of an unknown owner" in error.what and "(and 1 more" in error.what


def test_the_table_is_the_only_one_and_all_that_run_a_model_ask_it():
    sources = {path: path.read_text("utf-8") for path in (REPO / "python/goldmask").rglob("*.py")}
    names = BUILT_IN | OF_XNNPACK | OF_MEDIAPIPE
    assert [path.stem for path, text in sources.items() if any(f'"{name}"' in text for name in names)] == [
        "custom_operators"
    ]
    asking = {path.relative_to(REPO / "python/goldmask").as_posix() for path, text in sources.items() if (
        "import lacking" in text and "lacking(" in text
    )}  # fmt: skip
    assert asking == {"workflows/check.py", "workflows/record.py", "workflows/bench.py", "cli/run.py"}


def test_info_and_add_name_them(tmp_path, monkeypatch, capsys):
    project = make_project(tmp_path, tiny.custom("FlexErf"))
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("COLUMNS", "400")
    assert show_model("tiny") == ExitCode.OK
    assert "FlexErf is TensorFlow's" in capsys.readouterr().out
    (tmp_path / "blur.tflite").write_bytes(tiny.custom("Blur"))
    assert add_model(AddFlags("blur.tflite", ["models/tiny/flag.png"])) == ExitCode.OK
    assert "operator Blur is of an unknown owner" in capsys.readouterr().out
    (tmp_path / "plain.tflite").write_bytes(tiny.scores())
    assert add_model(AddFlags("plain.tflite", ["models/tiny/flag.png"])) == ExitCode.OK
    assert "operator" not in capsys.readouterr().out


@pytest.mark.project
def test_rows_and_commands_give_the_reason_and_not_the_interpreters_text(tmp_path):
    project = make_project(tmp_path, tiny.custom("Blur"))
    image = project.model / "flag.png"
    for words, verdict in ((("check",), "SKIP"), (("check", "--target", "python"), "ERROR")):
        ran = project.run(*words)
        assert ran.code == ExitCode.ENVIRONMENT and "unresolved" not in ran.text.lower(), ran.text
        rows = json.loads((tmp_path / "build/check/report.json").read_text("utf-8"))["comparisons"]
        mine = [row for row in rows if row["target"] == "python"]
        assert len(mine) == 2 and {row["verdict"] for row in mine} == {verdict}
        assert all("Blur is of an unknown owner" in row["reason"] for row in mine)
    for words in (("golden.record",), ("run", "--model", "tiny", "--image", image)):
        ran = project.run(*words)
        assert ran.code == ExitCode.ENVIRONMENT and "Blur is of an unknown owner" in ran.text, ran.text
        assert "unresolved" not in ran.text.lower()
