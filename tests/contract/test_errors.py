"""What an error shows of the text of strangers: a name, a reason, an output that nobody knows, a system's refusal."""

import errno
import os
import xml.dom.minidom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldmask.contract.errors import ExitCode, GoldmaskError, excerpt, meant, nearest, of_system, printable


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("é 猫 😀 ×", "é 猫 😀 ×"),
        ("two\nlines", "two\nlines"),
        ("tab\there\r", "tab here "),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("nul\0 bell\x07 del\x7f", "nul\\x00 bell\\x07 del\\x7f"),
        ("\u202eturned", "\\u202eturned"),
        ("\u2066isolated\u2069", "\\u2066isolated\\u2069"),
        ("\ufffe \uffff \U0001fffe", "\\ufffe \\uffff \\U0001fffe"),
        ("\udcff", "\\udcff"),
        ("line\u2028break", "line\\u2028break"),
        ("a\u00a0space", "a space"),
    ],
)
def test_text_of_strangers_is_shown_and_not_obeyed(text, shown):
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_any_text_is_fit_for_a_terminal_and_for_xml(text):
    shown = printable(text)
    assert shown.replace("\n", "").isprintable() and printable(shown) == shown
    escaped = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    xml.dom.minidom.parseString(f"<text>{escaped}</text>")


def test_text_has_an_end():
    assert printable("x" * 3000) == "x" * 1999 + "…"
    assert printable("x" * 10, 10) == "x" * 10 and printable("x" * 11, 10) == "x" * 9 + "…"
    assert len(printable("\0" * 3000)) == 2000


def test_an_error_is_one_printable_line_and_its_fix_another():
    error = GoldmaskError("input \x1b]0;x\x07\nPASS  all is bad", fix="rm 'a  b'\n\x1b[2J")
    assert str(error) == "input \\x1b]0;x\\x07 PASS all is bad\n  try: rm 'a  b' \\x1b[2J"


@pytest.mark.parametrize(
    ("number", "paths", "sentence", "code"),
    [
        (errno.EACCES, ("a",), "a: Permission denied", ExitCode.USAGE),
        (errno.ENOENT, (b"a\xff",), "a\\udcff: No such file or directory", ExitCode.USAGE),
        (errno.EXDEV, ("a", None, "b"), "a -> b: Invalid cross-device link", ExitCode.USAGE),
        (errno.ENOSPC, ("a",), "a cannot be written: No space left on device", ExitCode.RUN),
        (errno.EFBIG, (), "a file cannot be written: File too large", ExitCode.RUN),
        (errno.EIO, (), "Input/output error", ExitCode.USAGE),
    ],
)
def test_what_the_system_refuses_is_a_sentence(number, paths, sentence, code):
    error = of_system(OSError(number, os.strerror(number), *paths))
    assert (error.what, error.exit_code) == (sentence, code)


@pytest.mark.parametrize(
    ("word", "near"),
    [("--modle", "--model"), ("--modl", "--model"), ("tyni", "tiny"), ("toaster", ""), ("", ""), ("x" * 10**6, "")],
)
def test_the_word_that_was_meant(word, near):
    known = ("--mode", "--model", "tiny")
    assert nearest(word, known) == near
    assert meant(word, known) == (f" (did you mean {near}?)" if near else "")
