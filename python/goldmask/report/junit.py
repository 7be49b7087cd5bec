"""The report as JUnit XML: a suite for each target, pipeline and model, a test for each case."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import PurePath

from junitparser import Error, Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite

from ..machine.resources import typed
from ..verdict.compare import Comparison, Verdict
from .clauses import cause_of, figures
from .diagnoses import explained
from .report import Report

OUTCOMES = {Verdict.FAIL: Failure, Verdict.ERROR: Error, Verdict.SKIP: Skipped}


def to_junit(report: Report, folder: PurePath = PurePath()) -> bytes:
    """The XML document. `folder` is that of the report, from where CI reads paths: GitLab's from the project's folder.

    A test has its figures and what ran as properties; a failure the cause as its message, and as its text also the
    figures, the diagnosis and what to type; a picture is an attachment, `[[ATTACHMENT|path]]` in system-out, as
    Jenkins and GitLab read it.
    """

    def group(comparison: Comparison) -> str:
        return f"{comparison.target}.{comparison.pipeline}.{comparison.model}"

    cures = {each.reason: each.fix for each in report.skipped}
    document = JUnitXml("goldmask")
    for name, comparisons in groupby(sorted(report.comparisons, key=group), key=group):
        suite = TestSuite(name)
        # All at once: junitparser counts a whole suite again after every single one.
        suite.add_testcases([_test(name, comparison, folder, cures) for comparison in comparisons])
        document.add_testsuite(suite)
    document.update_statistics()
    xml: bytes = document.tostring()
    return xml


def _test(suite: str, row: Comparison, folder: PurePath, cures: dict[str, str]) -> TestCase:
    test = TestCase(row.case, suite, row.latency.first_ms / 1e3 if row.latency else 0)
    properties = Properties()
    for name, value in _properties(row):
        properties.append(Property(name, value))
    test.append(properties)
    if row.verdict in OUTCOMES:
        result = OUTCOMES[row.verdict](cause_of(row), row.verdict.value)
        result.text = "\n".join(_body(row, folder, cures))
        test.append(result)
    if row.picture:
        test.system_out = f"[[ATTACHMENT|{(folder / row.picture).as_posix()}]]"
    return test


def _properties(row: Comparison) -> Iterator[tuple[str, str]]:
    """What a CI's test view can show beside a test; nothing that is not known."""
    metrics, latency = row.metrics, row.latency
    known = {
        "model": row.model,
        "target": row.target,
        "pipeline": row.pipeline,
        "verdict": row.verdict.value,
        "runtime": row.runtime,
        "golden_runtime": row.golden_runtime,
        "delegate": row.delegate.ran,
        "delegate_asked": row.delegate.asked,
        "threads": row.threads.ran,
        "threads_asked": row.threads.asked,
        "agreement": metrics and f"{metrics.agreement:.6f}",
        "miou": metrics and f"{metrics.miou:.6f}",
        "pixels": metrics and metrics.pixels,
        "differing": metrics and metrics.differing,
        "confident_flips": metrics and metrics.confident_flips,
        "tie_flips": metrics and metrics.tie_flips,
        "first_difference": row.stages.first_difference,
        "cause": row.diagnosis and row.diagnosis.cause,
        "inference_ms": latency and latency.inference and f"{latency.inference.median_ms:.3f}",
    }
    return ((name, str(value)) for name, value in known.items() if value not in (None, ""))


def _body(row: Comparison, folder: PurePath, cures: dict[str, str]) -> Iterator[str]:
    """Everything that is known of a row that did not pass, a line each."""
    yield cause_of(row)
    if row.metrics:
        yield figures(row)
    for found in explained([row]):
        yield f"why: {found.title}"
        yield from found.lines
    if cure := row.reason.partition("\n  try: ")[2] or cures.get(row.reason, ""):
        yield f"try: {typed(cure)}"
    if row.picture:
        yield f"look: {(folder / row.picture).as_posix()}"
