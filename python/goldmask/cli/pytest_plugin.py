"""A plugin for pytest: a test for each case of a project, and a fixture for masks of one's own Python code.

pytest loads it in every run, so whatever is not for pytest itself is imported where it is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..contract.mask import Mask
    from ..verdict.compare import Comparison

FILE_NAME = "goldmask.toml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--goldmask` and the suite that it runs."""
    group = parser.getgroup("goldmask")
    group.addoption("--goldmask", action="store_true", help=f"a test for each case of the project of a {FILE_NAME}")
    group.addoption("--goldmask-suite", default="default", help=f"the suite of {FILE_NAME} (default: default)")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The tests of a project, in place of its goldmask.toml."""
    if file_path.name == FILE_NAME and parent.config.getoption("--goldmask"):
        return ProjectFile.from_parent(parent, path=file_path)
    return None


class ProjectFile(pytest.File):
    """A goldmask.toml: one check of a suite, whose rows are tests."""

    _rows: dict[str, list[Comparison]] | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each case on each target through each pipeline: `…::road-lib_interpreter-python-dawn`."""
        from ..project.config import load_config
        from ..project.model import load_spec
        from ..workflows.selection import select

        root = self.path.parent
        selection = select(load_config(root), self.config.getoption("--goldmask-suite"))
        for model in selection.models:
            spec = load_spec(root, model)
            for pipeline in (each for each in selection.pipelines if each in spec.pipelines):
                for target in selection.targets:
                    for case in spec.cases:
                        key = (model, pipeline, target, case.id)
                        yield CaseItem.from_parent(self, name="-".join(key), key=key)

    def rows(self, key: tuple[str, str, str, str]) -> list[Comparison]:
        """The rows of a case, one for each destination of its target; the first call checks the whole suite."""
        if self._rows is None:
            from ..project.config import load_config
            from ..targets.target import target_of
            from ..workflows.check import check
            from ..workflows.selection import select

            root = self.path.parent
            config = load_config(root)
            selection = select(config, self.config.getoption("--goldmask-suite"))
            report = check(root, config, selection, self.out)
            self._rows = {}
            for row in report.comparisons:
                key_of_row = "-".join((row.model, row.pipeline, target_of(row.target), row.case))
                self._rows.setdefault(key_of_row, []).append(row)
        return self._rows.get("-".join(key), [])

    @property
    def out(self) -> Path:
        """Where results go; each process of pytest-xdist has a folder of its own."""
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        return self.path.parent / "build" / (f"pytest-{worker}" if worker else "pytest")


class MaskDiffers(AssertionError):
    """A mask that is not golden; its text is what `check` says."""


class CaseItem(pytest.Item):
    """One case on one target."""

    parent: ProjectFile

    def __init__(self, *, key: tuple[str, str, str, str], **rest: Any) -> None:
        super().__init__(**rest)
        self.key = key

    def runtest(self) -> None:
        """Fail with the row's reason and its picture; what cannot run here is skipped."""
        rows = self.parent.rows(self.key)
        if not rows:
            raise MaskDiffers("the check has no row of this case")
        wrong = [row for row in rows if row.verdict in ("FAIL", "ERROR")]
        if wrong:
            raise MaskDiffers("\n".join(_told(row, self.parent.out) for row in wrong))
        if all(row.verdict == "SKIP" for row in rows):
            pytest.skip(rows[0].reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The reason alone: where in goldmask it was raised helps nobody."""
        if isinstance(excinfo.value, MaskDiffers):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The file and the name that pytest shows."""
        return self.path, None, self.name


def _told(row: Comparison, out: Path) -> str:
    from ..machine.resources import typed

    picture = f"\n  picture: {out / row.picture}" if row.picture else ""
    return typed(f"{row.verdict} {row.target}: {row.reason}{picture}")


class GoldenMask:
    """Masks of one's own Python code against the goldens of a project."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self._root, self._scratch = root, scratch

    def assert_matches(
        self, mask: Mask, case: str, *, model: str = "", pipeline: str = "lib_interpreter", target: str = "python"
    ) -> None:
        """Raise AssertionError unless a mask, uint8 [h, w] of class indices, is the golden one within the tolerances.

        `model` may be left out in a project of one model; `target` is whose overrides of tolerances hold. Raises
        GoldmaskError where there is no such golden.
        """
        import numpy as np

        from ..contract.mask import encode_mask
        from ..project.config import Compared, load_config, tolerances_for
        from ..project.gather import find_ignored
        from ..project.golden import load_golden
        from ..project.ignored import NOTHING
        from ..project.model import golden_folder
        from ..report.write import row_of
        from ..verdict.compare import compare_case

        array = np.asarray(mask)
        if array.ndim != 2 or array.dtype != np.uint8:
            raise AssertionError(f"a mask is uint8 [h, w], this is {array.dtype} {list(array.shape)}")
        config = load_config(self._root)
        name = model or self._only_model()
        golden = load_golden(golden_folder(self._root, name, pipeline))
        bundle = self._bundle(golden.as_of(case), case, encode_mask(array), array.shape)
        compared = Compared(model=name, case=case, pipeline=golden.bundle.pipeline, target=target)
        tolerances, override = tolerances_for(config, compared)
        outcome = compare_case(
            model=name,
            case=case,
            golden_folder=golden.folder,
            golden=golden.as_of(case),
            folder=self._scratch,
            bundle=bundle,
            labels=golden.provenance.labels,
            tolerances=tolerances,
            override=override,
            ignore=find_ignored(self._root, name, [case]).get(case, NOTHING),
        )
        row = row_of(outcome, self._scratch)
        if row.verdict in ("FAIL", "ERROR"):
            raise MaskDiffers(_told(row, self._scratch))

    def _only_model(self) -> str:
        from ..contract.errors import UsageError
        from ..project.model import model_names

        names = model_names(self._root)
        if len(names) != 1:
            raise UsageError(f"the project has {len(names)} models", fix='assert_matches(mask, case, model="NAME")')
        return names[0]

    def _bundle(self, golden: Any, case: str, data: bytes, shape: tuple[int, ...]) -> Any:
        """A bundle of one mask, as if a target had written it."""
        import hashlib

        from ..contract.bundle import Predicted, StageHashes

        path = self._scratch / "masks" / f"{case}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        result = golden.result(case)
        if not isinstance(result, Predicted):
            return golden
        made = {
            "mask": f"masks/{case}.png",
            "mask_sha256": hashlib.sha256(data).hexdigest(),
            "mask_size": (shape[1], shape[0]),
            "stages": StageHashes(),
            "taps": {},
        }
        return golden.model_copy(update={"results": (result.model_copy(update=made),)})


@pytest.fixture
def golden_mask(request: pytest.FixtureRequest, tmp_path: Path) -> GoldenMask:
    """The goldens of the project that the test lies in: `golden_mask.assert_matches(mask, "crossing")`."""
    from ..project.config import find_root

    return GoldenMask(find_root(request.path.parent), tmp_path)
