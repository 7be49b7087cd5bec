"""Single keys out of the bytes of a terminal: what it sends by itself presses none."""

import pytest

from goldmask.cli.keys import keys


@pytest.mark.parametrize(
    ("typed", "pressed"),
    [
        (b"ar", "ar"),
        (b"\x1b[A\x1b[1;5Cs", "s"),  # arrows
        (b"\x1bOPs", "s"),  # F1
        (b"\x1b[?62;4;22cs", "s"),  # what a terminal can do
        (b"\x1b_Gi=31;ENOTSUPPORTED:a\x1b\\s", "s"),  # kitty's reply
        (b"\x1b]11;rgb:aaaa/aaaa/aaaa\x07s", "s"),
        (b"\x1bP>|term\x1b\\s", "s"),
        (b"\x1bas", "s"),  # Alt
        ("фa".encode(), "Ñ\x84a"),  # keys that none asks for
        (b"\ra", "\ra"),
        (b"a\x04r", "a"),
        (b"\x1b[", ""),
        (b"\x1b_a", ""),
        (b"\x1b", ""),
        (b"", ""),
    ],
)
def test_what_is_a_key(typed, pressed):
    rest = iter([typed[index : index + 1] for index in range(len(typed))])
    assert "".join(keys(lambda: next(rest, b""))) == pressed
