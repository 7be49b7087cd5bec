"""Lines of values: tables, arrays of tables, dotted keys, lists over several lines; and what has no line."""

import tomllib

import pytest

from goldmask.project import toml_lines
from goldmask.project.toml_lines import line_of, lines_of

TEXT = '''# A comment with threads = 1 in it.
schema = 1

[options]
threads = 2
  delegate="cpu" # behind it
labels = [
  "a",  # threads = 3
  """
[options]
""",
]
android-jvm.threads = 4
[[cases]]
id = "a"
inline = { file = "x", size = [1, 2] }
[cases.truth]
file = "t"

[[cases.notes]]
text = "one"
[[cases.notes]]
text = "two"
[[cases]]
id = "b"
[cases.truth]
file = "u"
["odd key"]
'a.b' = 1
'''


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("schema",), 2),
        (("options",), 4),
        (("options", "threads"), 5),
        (("options", "delegate"), 6),
        (("options", "labels", 0), 7),
        (("options", "android-jvm", "threads"), 13),
        (("cases", 0), 14),
        (("cases", 0, "id"), 15),
        (("cases", 0, "inline", "size", 1), 16),
        (("cases", 0, "truth", "file"), 18),
        (("cases", 0, "notes", 1, "text"), 23),
        (("cases", 1, "id"), 25),
        (("cases", 1, "truth", "file"), 27),
        (("odd key", "a.b"), 29),
        (("cases", 1, "sha256"), 24),  # lacking: the table's header
        (("options", "runs", "deeper"), 4),
        (("nowhere",), None),
    ],
)
def test_each_value_has_the_line_of_its_statement(path, line, ending):
    assert tomllib.loads(TEXT)
    assert line_of(path, lines_of(TEXT.replace("\n", ending))) == line


def test_another_line_before_it_moves_all():
    moved = lines_of("\n" + TEXT)
    assert moved == {path: line + 1 for path, line in lines_of(TEXT).items()}


def test_a_very_long_list_ends_the_search(monkeypatch):
    text = "first = 1\nlong = [\n" + "1,\n" * 1000 + "]\nlast = 1\n"
    assert lines_of(text)["last",] == 1004
    monkeypatch.setattr(toml_lines, "MAX_PARSED", 100_000)
    assert lines_of(text) == {("first",): 1}


@pytest.mark.parametrize("text", ["", "\n\n", "[", "x = [1,", "a" * 100, "[[a]]\n[a]\n", "[" * 5000])
def test_what_is_no_toml_has_few_lines_or_none(text):
    assert set(lines_of(text).values()) <= {1, 2}
