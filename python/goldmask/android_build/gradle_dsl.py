"""The text of Gradle files as statements: the forms that the Kotlin and the Groovy DSL have in common.

Blocks, calls, Groovy's calls without parentheses, assignments, strings with templates, lists and maps. What is none of
these becomes `Opaque`, with its source, so that whoever needs it can refuse it by its own words.
"""

from dataclasses import dataclass

from .gradle_tokens import END, GradleSyntaxError, Token, tokens_of

MAX_DEPTH = 60
_MODIFIERS = frozenset(("val", "var", "def", "const", "private", "internal", "final", "lateinit", "override", "String"))
_CONTINUES = frozenset((".", "?.", "?:", "&&", "||", "::"))
_OPENING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Text:
    """A string: pieces as they are, and the expressions of its templates."""

    parts: tuple["str | Node", ...]


@dataclass(frozen=True)
class Name:
    """`a.b.c`; also a number, `true` and `false`."""

    path: str


@dataclass(frozen=True)
class Argument:
    """Of a call, a list or a map; `name` is empty without one."""

    name: str
    value: "Node"


@dataclass(frozen=True)
class Listing:
    """Groovy's `[a, b]` and `[a: 1]`."""

    items: tuple[Argument, ...]


@dataclass(frozen=True)
class Call:
    """`a.b(…) { … }`; `on` is what it is called on, where that is more than a name."""

    name: str
    arguments: tuple[Argument, ...] = ()
    block: "tuple[Statement, ...] | None" = None
    on: "Node | None" = None

    @property
    def values(self) -> "tuple[Node, ...]":
        """Its arguments without names."""
        return tuple(argument.value for argument in self.arguments if not argument.name)

    def named(self, name: str) -> "Node | None":
        """Its argument of a name."""
        return next((argument.value for argument in self.arguments if argument.name == name), None)


@dataclass(frozen=True)
class Member:
    """`project(":a").projectDir`: a property of something that is no name."""

    on: "Node"
    name: str


@dataclass(frozen=True)
class Chain:
    """`id("a") version "1" apply false`: an expression and the words that follow, each with its operand."""

    head: "Node"
    words: "tuple[tuple[str, Node], ...]"


@dataclass(frozen=True)
class Opaque:
    """Source text that is none of the above."""

    source: str


Node = Text | Name | Listing | Call | Member | Chain | Opaque


@dataclass(frozen=True)
class Statement:
    """`node`, or `node operator value` with `=`, `+=` or `by`; `source` is its first line."""

    line: int
    source: str
    node: Node
    operator: str = ""
    value: Node | None = None


def parse(text: str, *, groovy: bool) -> tuple[Statement, ...]:
    """The statements of a Gradle file. Raises GradleSyntaxError for a string or a bracket that is not closed."""
    return _Reader(text, groovy).block("")


class _Reader:
    """Reads forward through the tokens of one text."""

    def __init__(self, text: str, groovy: bool) -> None:
        self.text, self.groovy = text, groovy
        self.tokens = tokens_of(text, groovy=groovy)
        self.position = 0
        self.depth = 0
        self.by_lines = True  # a new line ends a statement, but not inside of parentheses

    @property
    def next(self) -> Token:
        """The token that is not read yet."""
        return self.tokens[self.position]

    def take(self) -> Token:
        """Read a token."""
        token = self.next
        if token is not END:
            self.position += 1
        return token

    def block(self, closing: str) -> tuple[Statement, ...]:
        """Statements up to `closing`, which is taken."""
        outside, self.by_lines = self.by_lines, True
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise GradleSyntaxError(self.next.line, "blocks are nested too deeply")
        if closing:
            self._skip_parameters()
        found = []
        while self.next.text != closing or self.next.kind != "mark":
            if self.next is END:
                if closing:
                    raise GradleSyntaxError(self.tokens[-2].line if len(self.tokens) > 1 else 1, "a { is not closed")
                break
            if self.next.kind == "mark" and self.next.text in ";,":
                self.take()
            else:
                found.append(self.statement())
        if closing:
            self.take()
        self.by_lines = outside
        self.depth -= 1
        return tuple(found)

    def statement(self) -> Statement:
        """Read a statement; `Opaque` where something is left of its line."""
        start = self.position
        first = self.next
        line, source = first.line, self._line_of(first)
        if first.text == "@" and first.kind == "mark":
            self.take()
        node, operator, value = self._declaration() or self._command()
        if not operator and self.next.kind == "mark" and self.next.text in ("=", "+=") and not self._ends():
            operator = self.take().text
            value = self.expression()
        if not self._ends():
            self._skip_line()
            node, operator, value = Opaque(self._source(start)), "", None
        return Statement(line, source, node, operator, value)

    def _declaration(self) -> tuple[Node, str, Node] | None:
        """`val a = …`, `def a = …`, `val a by …`; None, with nothing taken, where there is none."""
        start = self.position
        while self.next.kind == "word" and self.next.text in _MODIFIERS:
            self.take()
        if start == self.position:
            return None
        if self.next.kind == "word":
            name = self.take().text
            if self.next.text == ":" and self.next.kind == "mark":
                while self.next is not END and not self.next.first and self.next.text not in ("=", "by"):
                    self.take()
            if self.next.text in ("=", "by"):
                return Name(name), self.take().text, self.expression()
        self.position = start
        return None

    def _command(self) -> tuple[Node, str, Node | None]:
        """An expression, with the arguments that Groovy allows it without parentheses, and words that follow."""
        node = self.postfix()
        if isinstance(node, Name) and self._begins_argument():
            arguments = self._arguments("")
            block = None
            if self.next.text == "{" and self.next.kind == "mark" and not self._ends():
                self.take()
                block = self.block("}")
            node = Call(node.path, arguments, block)
        return self._chained(node), "", None

    def _begins_argument(self) -> bool:
        if self._ends():
            return False
        if self.next.kind in ("word", "text"):
            return self.next.text not in ("in", "is", "as", "by")
        return self.next.kind == "mark" and self.next.text == "[" and self.next.spaced

    def expression(self) -> Node:
        """Read an expression, with the words that follow it."""
        start = self.position
        node = self._sum(self._chained(self.postfix()))
        if self._ends() or (self.next.kind == "mark" and self.next.text in ",)]}=:+="):
            return node
        self._skip_expression()
        return Opaque(self._source(start))

    def _sum(self, node: Node) -> Node:
        """Strings put together with `+`."""
        while not self._ends() and self.next.kind == "mark" and self.next.text == "+":
            self.take()
            node = Text((*_pieces(node), *_pieces(self.postfix())))
        return node

    def _chained(self, node: Node) -> Node:
        words = []
        while not self._ends() and self.next.kind == "word":
            word = self.take().text
            if self._ends():
                return Opaque(f"… {word}")
            words.append((word, self.postfix()))
        return Chain(node, tuple(words)) if words else node

    def postfix(self) -> Node:
        """Read a name, a literal, or brackets, with the calls and properties on it."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise GradleSyntaxError(self.next.line, "expressions are nested too deeply")
        node = self._primary()
        while self.next.kind == "mark":
            mark = self.next.text
            if mark in (".", "?.", "::"):
                self.take()
                if self.next.kind not in ("word", "text"):
                    break
                word = self.take().text
                node = Name(f"{node.path}.{word}") if isinstance(node, Name) else Member(node, word)
            elif mark == "!!" and not self._ends():
                self.take()
            elif mark == "<" and self._skip_types():
                continue
            elif mark in "([" and not self._ends() and not (mark == "[" and self.next.spaced):
                self.take()
                arguments = self._arguments(_OPENING[mark])
                node = _called(node, arguments, "get" if mark == "[" else "")
            elif mark == "{" and not self._ends() and isinstance(node, Name | Call | Member | Text):
                self.take()
                block = self.block("}")
                if isinstance(node, Call) and node.block is None:
                    node = Call(node.name, node.arguments, block, node.on)
                else:
                    called = _called(node, (), "")
                    node = Call(called.name, (), block, called.on)
            else:
                break
        self.depth -= 1
        return node

    def _primary(self) -> Node:
        token = self.take()
        if token.kind == "text":
            return Text(tuple(piece if isinstance(piece, str) else self._template(piece) for piece in token.parts))
        if token.kind == "word":
            return Name(token.text)
        if token.text == "[":
            return Listing(self._arguments("]"))
        if token.text == "(":
            arguments = self._arguments(")")
            return arguments[0].value if len(arguments) == 1 else Listing(arguments)
        if token.text == "{":
            return Call("", (), self.block("}"))
        return Opaque(token.text)

    def _template(self, piece: Token) -> Node:
        """The expression of a template."""
        if self.depth > MAX_DEPTH // 4:
            return Opaque(piece.text)
        inner = _Reader(piece.text, self.groovy)
        inner.depth = self.depth * 4
        node = inner.expression() if inner.tokens[0] is not END else Opaque("")
        return node if inner.next is END else Opaque(piece.text)

    def _arguments(self, closing: str) -> tuple[Argument, ...]:
        """Arguments up to `closing`, which is taken; without one, up to the end of a line or what is no argument."""
        outside = self.by_lines
        self.by_lines = outside and not closing
        found: list[Argument] = []
        while True:
            if closing and self.next.text == closing and self.next.kind == "mark":
                self.take()
                break
            if self.next is END:
                if closing:
                    raise GradleSyntaxError(self.tokens[self.position - 1].line, f"a {closing} is missing")
                break
            if self.next.text == "," and self.next.kind == "mark":
                self.take()
                continue
            found.append(self._argument(bool(closing)))
            comma = self.next.kind == "mark" and self.next.text == ","
            if not closing and not comma:
                break
            if closing and not comma and not (self.next.kind == "mark" and self.next.text == closing):
                start = self.position
                self._skip_expression()
                if start == self.position:  # a bracket of another kind
                    raise GradleSyntaxError(self.tokens[self.position - 1].line, f"a {closing} is missing")
        self.by_lines = outside
        return tuple(found)

    def _argument(self, inside: bool) -> Argument:
        after = self.tokens[min(self.position + 1, len(self.tokens) - 1)]
        if self.next.kind in ("word", "text") and after.kind == "mark" and after.text in ("=", ":"):
            name = self.take().text
            self.take()
            return Argument(name, self.expression() if inside else self._sum(self.postfix()))
        return Argument("", self.expression() if inside else self._sum(self.postfix()))

    def _ends(self) -> bool:
        """Whether a statement ends before the next token."""
        token = self.next
        if token is END or (token.kind == "mark" and token.text in ("}", ";")):
            return True
        return self.by_lines and token.first and not (token.kind == "mark" and token.text in _CONTINUES)

    def _skip_types(self) -> bool:
        """Skip `<A, B<*>>` before a call; False, with nothing skipped, for a comparison."""
        depth = 0
        for position in range(self.position, len(self.tokens)):
            token = self.tokens[position]
            depth += {"<": 1, ">": -1}.get(token.text, 0) if token.kind == "mark" else 0
            if not depth:
                after = self.tokens[min(position + 1, len(self.tokens) - 1)]
                if after.kind == "mark" and after.text in ("(", "{"):
                    self.position = position + 1
                    return True
                return False
            if token.kind == "mark" and token.text not in ("<", ">", ",", ".", "*", "?"):
                return False
        return False

    def _skip_parameters(self) -> None:
        """The `a, b ->` of a lambda."""
        for position in range(self.position, min(self.position + 12, len(self.tokens))):
            token = self.tokens[position]
            if token.kind == "mark" and token.text == "->":
                self.position = position + 1
                return
            if (token.first and position > self.position) or token.kind == "text":
                return
            if token.kind == "mark" and token.text not in (",", ":", ".", "?", "(", ")"):
                return

    def _skip_line(self) -> None:
        """To the end of the statement, with the brackets that begin in it."""
        while not self._ends():
            self._skip_one()

    def _skip_expression(self) -> None:
        while not self._ends() and not (self.next.kind == "mark" and self.next.text in (",", ")", "]")):
            self._skip_one()

    def _skip_one(self) -> None:
        token = self.take()
        if token.kind != "mark" or token.text not in _OPENING:
            return
        closing, line = [_OPENING[token.text]], token.line
        while closing:
            token = self.take()
            if token is END:
                raise GradleSyntaxError(line, f"a {closing[0]} is missing")
            if token.kind == "mark" and token.text in _OPENING:
                closing.append(_OPENING[token.text])
            elif token.kind == "mark" and token.text == closing[-1]:
                closing.pop()

    def _source(self, start: int) -> str:
        end = self.tokens[max(start, self.position - 1)].end
        return self.text[self.tokens[start].start : end]

    def _line_of(self, token: Token) -> str:
        return self.text[token.start :].partition("\n")[0].strip()


def _called(node: Node, arguments: tuple[Argument, ...], method: str) -> Call:
    if isinstance(node, Name):
        return Call(f"{node.path}.{method}" if method else node.path, arguments)
    if isinstance(node, Text) and not method:  # "freeImplementation"(…)
        return Call("".join(part for part in node.parts if isinstance(part, str)), arguments)
    if isinstance(node, Member) and not method:
        return Call(node.name, arguments, None, node.on)
    return Call(method, arguments, None, node)


def _pieces(node: Node) -> tuple[str | Node, ...]:
    return node.parts if isinstance(node, Text) else (node,)
