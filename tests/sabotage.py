"""Many deliberate bugs of an Android app in one session of its golden test, and each as a bundle of its own."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conftest import REPO

from goldmask.contract.bundle import Bundle, Predicted, Request
from goldmask.project.config import Android, Config, GoldenTest
from goldmask.project.golden import Golden
from goldmask.project.model import Model
from goldmask.verdict.compare import Comparison
from goldmask.workflows.compare import compare_bundle
from goldmask.workflows.diagnose import diagnose_rows, materials_of
from goldmask.workflows.failed_case import Sides

SABOTAGE = Android(
    folder=str(REPO / "tests/android/sabotage"),
    lib_interpreter=GoldenTest(module="sabotage", test="org.goldmask.sabotage.SabotagedGoldenTest"),
)
# What Kotlin and Pixels.kt and Classes.kt beside it can do wrong, by the names of hypotheses.
BUGS = (
    "exif-ignored", "exif-twice", "rotated-90", "rotated-180", "rotated-270", "mirrored", "upside-down",
    "nearest", "centre-crop",
    "bgr", "grb", "rbg", "nchw", "signed-bytes",
    "zero-to-one", "raw", "by-256", "minus-128", "minus-half-to-half", "imagenet",
    "mask-transposed", "mask-mirrored", "mask-upside-down", "mask-rotated-180",
    "labels-shifted-up", "labels-shifted-down", "labels-from-255", "labels-reversed", "all-one-class",
)  # fmt: skip
# No bug, and one that is no hypothesis.
OTHERS = ("none", "other-rounding", "checkered")


def with_bugs(request: Request, bugs: Sequence[str], folder: Path) -> Request:
    """The request whose cases are those of `request` once for each bug, which the file's name begins with."""
    folder.mkdir(parents=True)
    cases = []
    for bug in bugs:
        for case in request.cases:
            file = folder / f"{bug}--{Path(case.file).name}"
            shutil.copyfile(case.file, file)
            cases.append(case.model_copy(update={"id": f"{bug}--{case.id}", "file": str(file)}))
    return request.model_copy(update={"cases": tuple(cases)})


@dataclass(frozen=True)
class Session:
    """A bundle of `with_bugs`, in its folder, of a request without bugs and its golden."""

    request: Request
    model: Model
    golden: Golden
    folder: Path
    bundle: Bundle

    def of(self, bug: str) -> Bundle:
        """The bundle of one bug, with the cases' own names."""
        results = [
            result.model_copy(update={"case": result.case.partition("--")[2]})
            for result in self.bundle.results
            if result.case.partition("--")[0] == bug
        ]
        assert results and all(isinstance(each, Predicted) for each in results), results
        return self.bundle.model_copy(update={"results": tuple(results)})

    def rows(self, bug: str, config: Config, out: Path, predicting: bool = False) -> dict[str, Comparison]:
        """The rows of one bug, with their diagnoses, by case; the reference is a process for each of some cases."""
        bundle = self.of(bug)
        rows = compare_bundle(
            [case.id for case in self.request.cases],
            config=config,
            model=self.request.model.name,
            target="android-jvm",
            golden_folder=self.golden.folder,
            golden=self.golden,
            folder=self.folder,
            bundle=bundle,
            labels=self.request.model.labels,
            out=out,
        )
        sides = Sides(self.golden.folder, self.golden, self.folder, bundle)
        materials = materials_of(self.request, self.model, out / "logs")
        if not predicting:
            materials = replace(materials, reference=None)
        return {row.case: row for row in diagnose_rows(rows, sides, materials)}
