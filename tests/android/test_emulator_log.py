"""Why an emulator ended, by its own log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcript import TRANSCRIPTS, Answer, answers

from goldmask.android import emulator_log
from goldmask.contract.errors import EnvironmentMissing

ANSWERS = answers(TRANSCRIPTS / "emulator")


@pytest.mark.parametrize("answer", ANSWERS, ids=[each.sentence[:50] for each in ANSWERS])
def test_why_it_ended(answer: Answer):
    error = emulator_log.error(answer.output)
    assert (error.what, error.fix) == (answer.sentence, answer.fix)
    # What nobody on this machine can change is tried a second time.
    assert isinstance(error, EnvironmentMissing) is bool(answer.fix)


LINES = [line for answer in ANSWERS for line in answer.output.splitlines()]


@given(st.lists(st.sampled_from(LINES) | st.text()))
def test_anything_is_a_sentence(lines):
    error = emulator_log.error("\n".join(lines))
    assert error.what.isprintable() and 0 < len(error.what) < 2500
