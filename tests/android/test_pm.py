"""What `pm install` answers."""

import pytest
from test_instrumentation import TRANSCRIPTS

from goldmask.android import pm

ANSWERS = [line.split(" => ") for line in (TRANSCRIPTS / "pm-install.txt").read_text("utf-8").splitlines()[1:]]


@pytest.mark.parametrize(("said", "reason"), ANSWERS, ids=[said[:50] for said, _ in ANSWERS])
def test_what_pm_install_says(said, reason):
    assert pm.refusal(said) == reason.strip()


def test_pm_install_without_a_word_is_no_success():
    assert pm.refusal("") == "pm install said nothing"
    assert pm.refusal("not a Success") == "not a Success"
