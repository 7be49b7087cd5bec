"""Many cases of a bundle against a golden: in order, on all cores, and no mask outlives its comparison."""

import hashlib
import json
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from bundles import host_bundle

from goldmask.contract.bundle import Bundle, Tap
from goldmask.contract.mask import encode_margin, encode_mask
from goldmask.machine import cores
from goldmask.project.config import Config, Override
from goldmask.report.report import REPORT_FILE
from goldmask.report.write import write_report
from goldmask.verdict.compare import Comparison, Pair, Verdict
from goldmask.workflows import compare
from goldmask.workflows.compare import compare_bundle

CONFIG = Config.model_validate({"schema": 1, "suites": {"default": {"models": ["model"]}}})
LABELS = ("background", "thing", "other")
SIZE = 32
WRONG = 7


def write_bundle(folder: Path, cases: int, wrong: int | None = None) -> Bundle:
    """A bundle whose masks have a square at another position each; `wrong` is the case with a block of a new class."""

    def put(name: str, data: bytes) -> str:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    results = []
    for index in range(cases):
        mask = np.zeros((SIZE, SIZE), np.uint8)
        mask[index % 16 : index % 16 + 8, 4:12] = 1
        if index == wrong:
            mask[:4, :4] = 2
        margins = put(f"taps/{index}.png", encode_margin(np.full((SIZE, SIZE), 5, np.float32)))
        results.append(
            {
                "case": f"case-{index:03d}",
                "image_sha256": "a" * 64,
                "status": "ok",
                "mask": f"masks/{index}.png",
                "mask_sha256": put(f"masks/{index}.png", encode_mask(mask)),
                "mask_size": (SIZE, SIZE),
                "taps": {"margin": Tap(file=f"taps/{index}.png", sha256=margins, unit="score")},
            }
        )
    return host_bundle(results)


def compared(folder: Path, cases: int, config: Config | None = None) -> list[Comparison]:
    """The rows of as many cases, of which WRONG differs."""
    golden, bundle = write_bundle(folder / "golden", cases), write_bundle(folder / "bundle", cases, WRONG)
    return compare_bundle(
        [result.case for result in golden.results],
        config=config or CONFIG,
        model="model",
        target="python",
        golden_folder=folder / "golden",
        golden=golden,
        folder=folder / "bundle",
        bundle=bundle,
        labels=LABELS,
        out=folder / "out",
    )


def test_rows_come_in_the_order_of_the_cases_and_a_failure_has_its_picture(tmp_path):
    rows = compared(tmp_path, 40)
    assert [row.case for row in rows] == [f"case-{index:03d}" for index in range(40)]
    assert [index for index, row in enumerate(rows) if row.verdict is not Verdict.PASS] == [WRONG]
    assert rows[WRONG].verdict is Verdict.FAIL and (tmp_path / "out" / rows[WRONG].picture).is_file()
    assert len(list((tmp_path / "out/diffs").iterdir())) == 1


def test_as_many_threads_make_the_same_report(tmp_path, monkeypatch):
    texts = []
    for count in (1, 2, 8):
        monkeypatch.setattr(cores, "cores", lambda count=count: count)
        write_report(compared(tmp_path, 40), (), {}, tmp_path / "out")
        texts.append((tmp_path / "out" / REPORT_FILE).read_bytes())
    assert len(set(texts)) == 1 and len(json.loads(texts[0])["comparisons"]) == 40


def test_two_cases_are_compared_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: 2)
    both, really = threading.Barrier(2, timeout=10), compare.compare_case
    monkeypatch.setattr(compare, "compare_case", lambda **sides: (both.wait(), really(**sides))[1])
    assert len(compared(tmp_path, 2)) == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_masks_are_held_than_threads_compare(tmp_path, monkeypatch, threads):
    monkeypatch.setattr(cores, "cores", lambda: threads)
    alive, most, really = weakref.WeakSet(), 0, compare.compare_case

    class Held:
        """Counts as the masks do; an array of NumPy's cannot be looked for."""

    def counted(**sides: object) -> Pair:
        nonlocal most
        pair = really(**sides)
        held = Held()
        object.__setattr__(pair, "held", held)
        alive.add(held)
        most = max(most, len(alive))
        return pair

    monkeypatch.setattr(compare, "compare_case", counted)
    rows = compared(tmp_path, 60)
    assert len(rows) == 60 and not alive and 1 <= most <= threads + 1


def test_each_case_has_its_own_tolerances(tmp_path):
    override = Override(case=f"case-{WRONG:03d}", reason="a new class", tolerances={"confident_flips_max": 16})
    rows = compared(tmp_path, 10, CONFIG.model_copy(update={"overrides": (override,)}))
    assert rows[WRONG].metrics.confident_flips == 16 and "tolerances changed: a new class" not in rows[0].reason
