"""What `pm install` answers, and the sentence that a user reads of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcript import TRANSCRIPTS, Answer, answers

from goldmask.android.adb import Device
from goldmask.android.pm import refusal

PHONE = Device(server=None, serial="X1")
ANSWERS = answers(TRANSCRIPTS / "pm")


@pytest.mark.parametrize("answer", ANSWERS, ids=[each.output.strip()[:60] for each in ANSWERS])
def test_what_pm_install_says(answer: Answer):
    refused = refusal(answer.output)
    if not answer.sentence:
        assert refused is None
        return
    error = refused.error(PHONE, "org.goldmask.app", Path("x.apk"))
    assert error.what == f"X1 refuses org.goldmask.app: {answer.sentence}"
    assert error.fix == answer.fix


@pytest.mark.parametrize("output", ["not a Success", "Success: almost", "Failure [X]\nSuccess"])
def test_only_success_alone_is_success(output):
    assert refusal(output)


@given(st.lists(st.sampled_from([each.output for each in ANSWERS if each.sentence]) | st.text(), min_size=1))
def test_anything_is_a_sentence(texts):
    refused = refusal("\n".join(texts))
    if refused is None:
        assert "Success" in "\n".join(texts)
    else:
        error = refused.error(PHONE, "org.goldmask.app", Path("x.apk"))
        assert error.what.isprintable() and len(error.what) < 2500 and "{" not in error.fix


def test_a_serial_with_spaces_is_quoted():
    phone = Device(server=None, serial="adb-X1 (2)._adb-tls-connect._tcp")
    error = refusal("Failure [INSTALL_FAILED_VERSION_DOWNGRADE]").error(phone, "org.goldmask.app", Path("x.apk"))
    assert error.fix.startswith("adb -s 'adb-X1 (2)._adb-tls-connect._tcp' uninstall org.goldmask.app")
