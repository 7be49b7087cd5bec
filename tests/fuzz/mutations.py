"""Inputs that are nearly right: bytes flipped, cut, doubled, spliced and overwritten; JSON and TOML with odd values."""

import json
import re
from collections.abc import Sequence

from hypothesis import strategies as st

# Lengths, offsets and counts at which readers go wrong, of 1 to 8 bytes.
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
WIDE = (*NUMBERS, 1 << 62, (1 << 64) - 1)
MAX_CHANGES = 5
# What is likelier is there more than once.
CHANGES = ("flip", "flip", "flip", "number", "number", "number", "cut", "drop", "double", "splice", "bytes")
# Raw JSON of kinds that readers differ about.
ODD_JSON = (
    "null", "true", "false", "0", "-1", "1.0", "-0", "1e999", "1e-400", "NaN", "Infinity", "9007199254740993",
    "9" * 400, "9" * 4300, "-" + "9" * 5000, "0." + "3" * 4000, '""', '"1"', '"ok"', '"error"', '"\\u0000"',
    '"\\ud800"', '"\\udc00\\ud800"', '"\\u001b[31m"', '"\\u202e"', '"\\uffff"', '"../../etc/passwd"', '"/dev/zero"',
    '"~"', '"C:\\\\x"', '"%s"' % ("a" * 5000), '"%s"' % ("é" * 300), "[]", "{}", "[[]]", '[{"a":1,"a":2}]',
    "[" * 500 + "]" * 500, "[" * 20_000 + "]" * 20_000, '{"a":' * 5000 + "1" + "}" * 5000, "[" + "0," * 5000 + "0]",
    "{" + ",".join(f'"k{n}":0' for n in range(2000)) + "}", "'1'", "tru", "[1,]", "//x", "",
)  # fmt: skip
ODD_TOML = (
    "true", "0", "-1", "1.0", "inf", "-inf", "nan", "1e999", "0x10", "0o7", "1_000", "9" * 30, "9" * 4300, "9" * 5000,
    '""', '"0"', '"\\u0000"', '"\\u202e"', '"\\ud800"', '"a\\u001bb"', "'''\n\n'''", "1979-05-27", "07:32:00",
    "1979-05-27T07:32:00Z", "[]", "{}", "[1, 2]", "[[], []]", "{a = 1}", "{a.b.c = 1}", '["a", 1]',
    "[" * 300 + "]" * 300, "[" * 5000 + "]" * 5000, "{a=" * 400 + "1" + "}" * 400, "", "=", '"', "#", "\x00", "\ufeff",
    "[" + "0," * 5000 + "]", '"%s"' % ("x" * 70_000),
)  # fmt: skip
MANY_KEYS = "\n".join(f"key_{number} = {number}" for number in range(3000))
ODD_KEYS = ("", "schema", "a.b", "é", "\u202e", "A" * 300, "__proto__", "0", "x" * 70, "status", "..")
Json = None | bool | int | float | str | list


class Object(list):
    """A JSON object as pairs, so that a key can be there twice."""


class Raw(str):
    """JSON as it is to be written, valid or not."""


@st.composite
def changed(draw: st.DrawFn, seeds: Sequence[bytes], at_least: int = 0) -> bytes:
    """One of `seeds` after a few changes of its bytes."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(at_least, MAX_CHANGES))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(CHANGES)):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "number":
                size = draw(st.sampled_from((1, 2, 4, 4, 8)))
                value = draw(st.sampled_from(WIDE) | st.integers(0, len(data) + 8)) & ((1 << 8 * size) - 1)
                data[at : at + size] = value.to_bytes(size, draw(st.sampled_from(("little", "big"))))
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.integers(1, 40))]
            case "double":
                piece = data[at : at + draw(st.integers(1, 40))]
                data[at:at] = piece * draw(st.integers(1, 30))
            case "splice":
                other = draw(st.sampled_from(seeds))
                start = draw(st.integers(0, len(other)))
                data[at:at] = other[start : start + draw(st.integers(1, 200))]
            case "bytes":
                data[at:at] = draw(st.binary(max_size=20))
    return bytes(data)


@st.composite
def odd_json(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of `seeds`, JSON, with odd values, keys that are missing, misspelt or there twice, or broken bytes."""
    tree = json.loads(draw(st.sampled_from(seeds)), object_pairs_hook=Object)
    for _ in range(draw(st.integers(0, 3))):
        holder = draw(st.sampled_from(_holders(tree)))
        at = draw(st.integers(0, len(holder) - 1))
        value = holder[at][1] if isinstance(holder, Object) else holder[at]
        key = holder[at][0] if isinstance(holder, Object) else ""
        match draw(st.sampled_from(("replace", "replace", "replace", "twice", "drop", "rename", "same", "swap"))):
            case "replace":
                value = draw(st.sampled_from(ODD_JSON).map(Raw) | st.text(max_size=20) | st.integers() | st.floats())
            case "rename":
                key = draw(st.sampled_from(ODD_KEYS) | st.text(max_size=8))
            case "twice" | "same":
                holder.insert(at, (key, value) if isinstance(holder, Object) else value)
                continue
            case "drop":
                del holder[at]
                continue
            case "swap":
                other = draw(st.sampled_from(_holders(tree)))
                value = Raw(written(other))
        holder[at] = (key, value) if isinstance(holder, Object) else value
    text = written(tree)
    match draw(st.sampled_from(("whole", "whole", "whole", "whole", "whole", "bytes", "bom", "utf16", "lone", "more"))):
        case "bytes":
            return draw(changed((text.encode(),)))
        case "bom":
            return b"\xef\xbb\xbf" + text.encode()
        case "utf16":
            return text.encode("utf-16")
        case "lone":
            return text.encode().replace(b'"', b'"\xed\xa0\x80', 1)
        case "more":
            return text.encode() + b"\n" + draw(st.sampled_from((b"{}", b"\0", b" " * 5000, text.encode())))
    return text.encode()


def written(value: Json) -> str:
    """JSON of a tree of `odd_json`."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Object):
        return "{" + ",".join(f"{json.dumps(key)}:{written(each)}" for key, each in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


def _holders(value: Json) -> list[list]:
    """Every object and list in a tree that has something in it, or the tree in a list of its own."""
    found = []

    def walk(value: Json) -> None:
        if isinstance(value, list) and value:
            found.append(value)
            for each in value:
                walk(each[1] if isinstance(value, Object) else each)

    walk(value)
    return found or [[value]]


@st.composite
def odd_toml(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of `seeds`, TOML, with odd values, lines that are missing, misplaced or there twice, or broken bytes."""
    lines = draw(st.sampled_from(seeds)).decode().splitlines()
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        if not lines:
            break
        key = lines[at].partition("=")[0]
        odd_key = draw(st.sampled_from((*ODD_KEYS, "a" + ".a" * 3000, '"' + "q" * 300 + '"')) | st.text(max_size=8))
        match draw(st.sampled_from(("value", "value", "value", "value", "twice", "drop", "swap", "key", "table"))):
            case "value":
                lines[at] = f"{key}= {draw(st.sampled_from(ODD_TOML) | st.integers().map(str))}"
            case "twice":
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
            case "drop":
                del lines[at]
            case "swap":
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "key":
                lines[at] = re.sub(r"[A-Za-z0-9_]+", lambda _: odd_key, lines[at], count=1)  # noqa: B023 - called here
            case "table":
                lines.insert(at, draw(st.sampled_from((f"[{odd_key}]", f"[[{odd_key}]]", MANY_KEYS))))
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    match draw(st.sampled_from(("whole", "whole", "whole", "whole", "bytes", "bom", "crlf"))):
        case "bytes":
            return draw(changed((text,)))
        case "bom":
            return b"\xef\xbb\xbf" + text
        case "crlf":
            return text.replace(b"\n", b"\r\n")
    return text
