"""What an error shows of an output that nobody knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldmask.contract.errors import excerpt


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ([], ""),
        (["one", "", "two"], "one | two"),
        ([*"abcdef"], "a | b | c | d | e | f"),
        ([*"abcdefg"], "a | b | c | d | e | f | g"),
        ([*"abcdefgh"], "a | b | c | … 2 lines … | f | g | h"),
        (["\x1b[31mred", "\x07"], "red"),
        (["turned \u202e around", "hid\u200bden"], "turned around | hid den"),
    ],
)
def test_its_first_and_last_lines(lines, shown):
    assert excerpt("\n".join(lines)) == shown


@given(st.text())
def test_it_fits_a_sentence(text):
    assert excerpt(text).isprintable() and len(excerpt(text)) < 1500
