"""What a golden run prints while it runs: each case, among whatever else."""

import pytest

from goldmask.targets.host import case_listener


@pytest.mark.parametrize(
    ("line", "cases"),
    [
        ('{"case": "flag"}', ["flag"]),
        ('.{"case": "flag"}', ["flag"]),  # JUnit's dot for the test that runs
        ('I tflite: {"case": "flag"}', ["flag"]),
        ("", []),
        ("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.", []),
        ('{"case": "flag"', []),
        ('{"model": "tiny"}', []),
        ('["case"]', []),
        ("{" * 100_000, []),
    ],
)
def test_each_case_is_heard(line, cases):
    heard: list[str] = []
    case_listener(heard.append)(line)
    assert heard == cases
