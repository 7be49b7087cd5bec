"""JSON of strangers: each key once, numbers that are numbers, and bounds on how much of it there is."""

from enum import IntEnum
from typing import Annotated, Literal

import pytest

from goldmask.contract.schema import MAX_KEYS, MAX_VALUES, WHOLE, Count, InvalidJson, Many, Strict, Text, parse_json


class Code(IntEnum):
    """An enumeration of numbers."""

    GOOD = 0
    BAD = 10


class Inner(Strict):
    """A table within."""

    size: tuple[int, int] = (1, 1)


class Thing(Strict):
    """A little of everything."""

    schema_: Annotated[Literal[1], WHOLE] = 1
    code: Annotated[Code, WHOLE] = Code.GOOD
    count: Count = 0
    share: float = 0
    flag: bool = False
    name: Text = ""
    words: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    list: Many[Inner] = ()
    loose: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", Thing()),
        ('{"schema_": 1, "code": 10, "count": 7, "flag": true}', Thing(code=Code.BAD, count=7, flag=True)),
        ('{"share": 1}', Thing(share=1.0)),
        ('{"list": [{"size": [2, 3]}, {"size": [2, 3]}]}', Thing(list=(Inner(size=(2, 3)),) * 2)),
        ('{"words": {"list": "a", "name": "b"}, "name": "c"}', Thing(words={"list": "a", "name": "b"}, name="c")),
        ('{"name": "\\u001b[31m \\ud83d\\ude00 \\t\\n\\u202e"}', Thing(name="\\x1b[31m 😀  \n\\u202e")),
    ],
)
def test_what_it_says_is_what_is_read(text, value):
    assert parse_json(text.encode(), Thing) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"count": 1, "count": 1}', "the key 'count' is there twice"),
        ('{"list": [{"size": [1, 1], "size": [2, 2]}]}', "the key 'size' is there twice"),
        ('{"words": {"a": "", "b": "", "a": ""}}', "the key 'a' is there twice"),
        ('{"count": true}', "count"),
        ('{"count": "1"}', "count"),
        ('{"count": 1.0}', "count"),
        ('{"count": -1}', "count"),
        ('{"count": 9007199254740992}', "count"),
        ('{"count": %s}' % ("9" * 4300), "a number has 4,300 digits"),
        ('{"count": %s}' % ("9" * 5000), "a number has 5,000 digits"),
        ('{"list": [{"size": [true, 1]}]}', "list.0.size.0"),
        ('{"schema_": true}', "schema_: must be a whole number"),
        ('{"schema_": 1.0}', "schema_: must be a whole number"),
        ('{"schema_": "1"}', "schema_"),
        ('{"code": false}', "code: must be a whole number"),
        ('{"code": 0.0}', "code: must be a whole number"),
        ('{"code": 7}', "code"),
        ('{"share": true}', "share"),
        ('{"share": "0.5"}', "share"),
        ('{"share": NaN}', "share"),
        ('{"share": -Infinity}', "share"),
        ('{"share": 1e999}', "share"),
        ('{"flag": 1}', "flag"),
        ('{"flag": "true"}', "flag"),
        ('{"name": 1}', "name"),
        ('{"name": "\\ud800"}', "Invalid JSON"),
        ('{"other": 1}', "other"),
        ("[" * 200_000, "nested too deeply"),
        ('{"other": ' + "[" * 200_000, "nested too deeply"),
        ("[]", "object"),
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("{}{}", "Invalid JSON"),
        ("\ufeff{}", "Invalid JSON"),
    ],
)
def test_what_it_might_mean_is_an_error(text, why):
    with pytest.raises(InvalidJson, match=why) as caught:
        parse_json(text.encode(), Thing)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


@pytest.mark.parametrize("data", [b'{"name": "\xff"}', '{"name": ""}'.encode("utf-16")])
def test_it_is_utf_8(data):
    with pytest.raises(InvalidJson):
        parse_json(data, Thing)


def words(count: int) -> bytes:
    return b'{"words": {' + b", ".join(b'"%d": ""' % index for index in range(count)) + b"}}"


def test_an_object_has_not_more_keys_than_can_be_meant():
    assert len(parse_json(words(MAX_KEYS), Thing).words) == MAX_KEYS
    with pytest.raises(InvalidJson, match="an object has 65,537 keys"):
        parse_json(words(MAX_KEYS + 1), Thing)


def test_a_list_that_takes_a_gigabyte_is_not_begun():
    with pytest.raises(InvalidJson, match="more than 2,097,152 values"):
        parse_json(b"[" + b"0," * MAX_VALUES + b"0]", Thing)


def test_a_list_ends_at_its_first_wrong_item():
    """Of two million wrong ones pydantic would make 1.6 GB of errors."""
    with pytest.raises(InvalidJson, match=r"list\.0\.size\.1") as caught:
        parse_json(b'{"list": [{"size": [1, "2"]}' + b", 0" * 1000 + b"]}", Thing)
    assert caught.value.__cause__.error_count() == 1
    with pytest.raises(InvalidJson) as twin:
        parse_json(b'{"loose": [true' + b", true" * 1000 + b"]}", Thing)
    assert twin.value.__cause__.error_count() == 1001
