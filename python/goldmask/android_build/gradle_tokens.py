"""The tokens of Gradle files: words, strings with their templates, and marks; comments are left out."""

import re
from dataclasses import dataclass

_SPACE = re.compile(r"[ \t\r\n\f]+|//[^\n]*|#![^\n]*")
_WORD = re.compile(r"[^\W\d]\w*|`[^`\n]+`|\d[\w.]*\b|\$\w+")
_MARK = re.compile(r"\+=|-=|->|==~|=~|===?|!==?|<=|>=|&&|\|\||\?\.|\?:|!!|::|\.\.|\*\.|.", re.DOTALL)
_TEMPLATE = re.compile(r"\$(\w+(?:\.[^\W\d]\w*)*)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b"}


class GradleSyntaxError(ValueError):
    """A line of a Gradle file that cannot be read, and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True, eq=False)
class Token:
    """`kind` is word, text, mark or template; `first` says that it begins a line, `spaced` that a space is before."""

    kind: str
    text: str
    line: int
    start: int
    end: int
    first: bool = False
    spaced: bool = False
    parts: tuple["str | Token", ...] = ()  # of a text: pieces, and templates


END = Token("end", "", 0, 0, 0, first=True)


def tokens_of(text: str, *, groovy: bool) -> list[Token]:
    """All tokens of a text, and END. Raises GradleSyntaxError."""
    found: list[Token] = []
    position, line, line_start = 0, 1, True
    while position < len(text):
        before = position
        position = _after_space(text, position)
        if newlines := text.count("\n", before, position):
            line, line_start = line + newlines, True
        if position >= len(text):
            break
        spaced = position > before
        if text[position] in "\"'" or (groovy and text[position] == "/" and _is_slashy(text, position, found)):
            end, parts = _string(text, position, line, groovy)
            plain = "".join(part for part in parts if isinstance(part, str))
            token = Token("text", plain, line, position, end, line_start, spaced, parts)
        elif word := _WORD.match(text, position):
            end = word.end()
            token = Token("word", word[0].strip("`"), line, position, end, line_start, spaced)
        else:
            mark = _MARK.match(text, position)
            assert mark  # any character is one
            end = mark.end()
            token = Token("mark", mark[0], line, position, end, line_start, spaced)
        found.append(token)
        line, line_start, position = line + text.count("\n", position, end), False, end
    return [*found, END]


def _after_space(text: str, position: int) -> int:
    """The position after blanks and comments; those of Kotlin may be nested."""
    while True:
        if space := _SPACE.match(text, position):
            position = space.end()
        elif text.startswith("/*", position):
            line, depth = text.count("\n", 0, position) + 1, 0
            for mark in re.finditer(r"/\*|\*/", text[position:]):
                depth += 1 if mark[0] == "/*" else -1
                if not depth:
                    position += mark.end()
                    break
            else:
                raise GradleSyntaxError(line, "a comment is not closed")
        else:
            return position


def _is_slashy(text: str, position: int, found: list[Token]) -> bool:
    """Whether a slash begins one of Groovy's strings: after what no operand ends, and closed on its line."""
    if found and not (found[-1].kind == "mark" and found[-1].text in ("=", "(", ",", "~", "==~", "=~", ":")):
        return False
    return "/" in text[position + 1 :].partition("\n")[0]


def _string(text: str, start: int, line: int, groovy: bool) -> tuple[int, tuple[str | Token, ...]]:
    """(its end, its pieces and templates) of the string that begins at `start`."""
    quote = text[start]
    fence = quote * 3 if quote != "/" and text.startswith(quote * 3, start) else quote
    raw = len(fence) == 3 and not groovy
    position = start + len(fence)
    parts: list[str | Token] = [""]
    while not text.startswith(fence, position):
        if position >= len(text) or (len(fence) == 1 and text[position] == "\n"):
            raise GradleSyntaxError(line, "a string is not closed")
        if text[position] == "\\" and not raw:
            escaped = text[position + 1 : position + 2]
            parts.append(_ESCAPES.get(escaped, escaped))
            position += 2
        elif quote == '"' and text.startswith("${", position):
            end = _template_end(text, position + 2, line, groovy)
            parts.append(Token("template", text[position + 2 : end], line, position, end + 1))
            position = end + 1
        elif quote == '"' and (template := _TEMPLATE.match(text, position)):
            # "$a.b" is the property b of a in Groovy, and a followed by ".b" in Kotlin.
            name = template[1] if groovy else template[1].partition(".")[0]
            parts.append(Token("template", name, line, position, position + 1 + len(name)))
            position += 1 + len(name)
        else:
            parts.append(text[position])
            position += 1
    return position + len(fence), _joined(parts)


def _template_end(text: str, position: int, line: int, groovy: bool) -> int:
    """The brace that closes a template, past the strings and braces inside of it."""
    depth = 1
    while position < len(text):
        if text[position] in "\"'":
            position, _ = _string(text, position, line, groovy)
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if not depth:
            return position
        position += 1
    raise GradleSyntaxError(line, "a template is not closed")


def _joined(parts: list[str | Token]) -> tuple[str | Token, ...]:
    found: list[str | Token] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found) or ("",)
