"""[android.NAME]: an app with a runtime of its own has rows of its own, held against goldmask's goldens."""

import json

import pytest
from conftest import REPO, run_program
from needs import need

pytestmark = pytest.mark.rig


def test_a_pipeline_of_the_app_has_rows_of_its_own(tmp_path):
    """It runs on Android's targets; where it cannot run it is skipped and said so, and where it was named an error."""
    need("jdk")
    (tmp_path / "models").mkdir()
    (tmp_path / "models/shapes").symlink_to(REPO / "models/shapes")
    (tmp_path / "goldmask.toml").write_text(
        'schema = 1\n[suites.default]\nmodels = ["shapes"]\npipelines = ["lib_interpreter", "mediapipe"]\n'
        'targets = ["python", "android-jvm"]\n'
        '[[overrides]]\nreason = "it scales as Android does"\npipeline = "mediapipe"\n'
        'tolerances = { scaling = "own" }\n'
        f'[android]\nfolder = "{REPO / "tests/android/foreign"}"\n'
        '[android.mediapipe]\nmodule = "camera_app"\ntest = "com.example.camera.CameraGoldenTest"\n'
        'golden = "lib_interpreter"\n',
        "utf-8",
    )
    ran = run_program(tmp_path, "check", "--case", "wide", "--case", "model-size", "--out", tmp_path / "out")
    report = json.loads((tmp_path / "out/report.json").read_text("utf-8"))
    rows = {(row["target"], row["pipeline"], row["case"]): row for row in report["comparisons"]}
    assert ran.code == 0 and len(rows) == 8, ran.text
    jvm = rows["android-jvm", "mediapipe", "wide"]
    assert jvm["verdict"] == "PASS" and "camera app 1.0" in jvm["runtime"]
    assert jvm["reason"].startswith("your scaling (platform bilinear) differs from ours")
    assert rows["android-jvm", "mediapipe", "model-size"]["verdict"] == "PASS"
    assert rows["python", "lib_interpreter", "wide"]["verdict"] == "PASS"
    skipped = {key: row["reason"] for key, row in rows.items() if row["verdict"] == "SKIP"}
    assert "python has no mediapipe" in skipped["python", "mediapipe", "wide"]
    assert "names no golden test of lib_interpreter" in skipped["android-jvm", "lib_interpreter", "wide"]
    assert len(skipped) == 4
    named = run_program(tmp_path, "check", "--target", "python", "--pipeline", "mediapipe", "--out", tmp_path / "named")
    assert named.code == 3 and "python has no mediapipe" in named.text and "android-jvm" in named.text
