"""The report as JUnit XML: a suite for each target, pipeline and model, a test for each case."""

from itertools import groupby

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from ..verdict.compare import Comparison, Verdict
from .report import Report

OUTCOMES = {Verdict.FAIL: Failure, Verdict.ERROR: Error, Verdict.SKIP: Skipped}


def to_junit(report: Report) -> bytes:
    """The XML document."""

    def group(comparison: Comparison) -> str:
        return f"{comparison.target}.{comparison.pipeline}.{comparison.model}"

    document = JUnitXml("goldmask")
    for name, comparisons in groupby(sorted(report.comparisons, key=group), key=group):
        suite = TestSuite(name)
        # All at once: junitparser counts a whole suite again after every single one.
        suite.add_testcases([_test(name, comparison) for comparison in comparisons])
        document.add_testsuite(suite)
    document.update_statistics()
    xml: bytes = document.tostring()
    return xml


def _test(suite: str, comparison: Comparison) -> TestCase:
    latency = comparison.latency
    test = TestCase(comparison.case, suite, latency.first_ms / 1e3 if latency else 0)
    if comparison.verdict in OUTCOMES:
        test.result = [OUTCOMES[comparison.verdict](comparison.reason, comparison.verdict.value)]
    return test
