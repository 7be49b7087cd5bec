"""`bench` with APKs of the app as its sides, over the real adb protocol: what is installed is what is measured."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import Project
from rig import device as rig

from goldmask.contract.errors import UsageError
from goldmask.contract.files import sha256_of
from goldmask.project.config import load_config
from goldmask.project.options import TargetOptions
from goldmask.targets import android_device
from goldmask.targets.target import Context
from goldmask.workflows.bench import Benched, bench, side_of

pytestmark = pytest.mark.rig
COMMON = {"model": "tiny", "target": "android-device", "pipeline": "lib_interpreter"}


@pytest.fixture
def apks(phone_project, tmp_path) -> tuple[Path, Path]:
    """Two APKs of the app: for all processors, and for one."""
    made = []
    for name, options in (("before.apk", TargetOptions()), ("after.apk", TargetOptions(abi="x86_64"))):
        apk = android_device.build("lib_interpreter", Context(phone_project.folder, tmp_path / "logs", options)).app
        made.append(Path(shutil.copyfile(apk, tmp_path / name)))
    return made[0], made[1]


def takes(phone: rig.Device, apk: Path, ms: float) -> None:
    """An APK with which each inference on this phone takes so long."""
    folder = phone.folder / f"recorded-{sha256_of(apk)}"
    shutil.copytree(phone.folder / "recorded", folder)
    bundle = json.loads((folder / "bundle.json").read_bytes())
    for result in bundle["results"]:
        result["latency"] = {"init_ms": 40.0, "first_ms": 60.0, "inference_ms": [ms, ms * 1.01, ms * 0.99] * 10}
    (folder / "bundle.json").write_text(json.dumps(bundle), "utf-8")


def benched(project: Project, phone: rig.Device, a: str, b: str) -> Benched:
    given: dict[str, object] = {"device": phone.serial}
    sides = side_of("A", a, COMMON, given), side_of("B", b, COMMON, given)
    images = [str(project.model / "a.png")]
    return bench(project.folder, load_config(project.folder), sides, images, project.folder / "out", 2, seed=1)


def test_an_apk_that_takes_a_tenth_longer_is_slower(phone_project, phone, apks):
    before, after = apks
    takes(phone, before, 20)
    takes(phone, after, 22)
    found = benched(phone_project, phone, f"apk={before}", f"apk={after}")
    assert found.change == "slower" and found.inference.value == pytest.approx(1.1)
    assert [block.inference_ms for block in found.blocks if block.side == "B"] == [22, 22]
    installs = [line for line in phone.commands() if line.startswith("pm install")]
    assert any(sha256_of(before) in line for line in installs) and any(sha256_of(after) in line for line in installs)
    shutil.rmtree(phone.folder / f"recorded-{sha256_of(after)}")
    takes(phone, after, 20)
    assert benched(phone_project, phone, f"apk={before}", f"apk={after}").change == "same"


def test_an_apk_of_another_app_or_none_is_no_side(phone_project, phone, apks, tmp_path):
    context = Context(phone_project.folder, tmp_path / "logs", TargetOptions())
    other = android_device.build("lib_task_api", context).app
    (tmp_path / "text.apk").write_text("no zip", "utf-8")
    for path, why in (
        (other, r"is of org\.goldmask\.app\.task, and the golden test is for org\.goldmask\.app\.interpreter"),
        (tmp_path / "text.apk", "is no APK, and the golden test"),
        (tmp_path / "gone.apk", "is no file"),
    ):
        with pytest.raises(UsageError, match=why):
            benched(phone_project, phone, f"apk={path}", "")
    assert not [line for line in phone.commands() if line.startswith("am instrument")]
