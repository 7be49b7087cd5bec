"""JUnit XML: properties, message and text of each test, and pictures as attachments."""

from pathlib import PurePath
from xml.etree import ElementTree

from pages import failing, passing, skipping
from test_markdown import HOSTILE, hostile

from goldmask.report.junit import to_junit
from goldmask.report.report import Report


def cases_of(report: Report, folder: str = "build/check") -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(to_junit(report, PurePath(folder))).iter("testcase"))


def properties_of(test: ElementTree.Element) -> dict[str, str]:
    return {each.get("name"): each.get("value") for each in test.iter("property")}


def test_a_test_has_what_ran_and_its_figures_as_properties():
    known = properties_of(cases_of(passing())[0])
    assert (
        known.items()
        >= {
            "model": "shapes",
            "target": "android-jvm",
            "pipeline": "lib_interpreter",
            "verdict": "PASS",
            "runtime": "tensorflow-lite 2.16.1, xnnpack, 1 threads",
            "delegate": "xnnpack",
            "threads": "1",
            "threads_asked": "4",
            "agreement": "1.000000",
            "confident_flips": "0",
        }.items()
    )
    assert "cause" not in known and "None" not in known.values()


def test_a_failure_has_a_message_of_one_cause_and_a_text_that_says_what_to_type():
    (stale, *_) = (test for test in cases_of(failing()) if test.find("error") is not None and "stale" in test[1].text)
    error = stale.find("error")
    assert error.get("message").startswith("stale: recorded of model") and "try:" not in error.get("message")
    assert error.get("type") == "ERROR" and "golden.record --mode all" in error.text.splitlines()[-1]
    skipped = [test.findtext("skipped") or "" for test in cases_of(skipping())]
    assert any(text.endswith("\ntry: sudo apt-get install openjdk-17-jdk-headless") for text in skipped)


def test_the_picture_of_a_failure_is_an_attachment():
    attached = [test.findtext("system-out") for test in cases_of(failing()) if test.find("system-out") is not None]
    assert attached == [
        "[[ATTACHMENT|build/check/diffs/android-jvm.lib_interpreter.shapes.coffee.png]]",
        "[[ATTACHMENT|build/check/diffs/python.lib_interpreter.shapes.rocket.png]]",
    ]
    assert not any(test.find("system-out") is not None for test in cases_of(passing()))


def test_no_text_of_strangers_becomes_an_element_or_an_attachment():
    tags = [[each.tag for each in test.iter()] for test in cases_of(hostile("harmless"))]
    for text in (*HOSTILE, "]]> <system-out>[[ATTACHMENT|/etc/passwd]]</system-out>"):
        tests = cases_of(hostile(text))
        assert [[each.tag for each in test.iter()] for test in tests] == tags
        assert not any(test.find("system-out") is not None for test in tests)
