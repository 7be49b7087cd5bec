"""What expressions of Gradle files stand for: strings with templates, variables, properties, versions of catalogues."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .catalogue import Catalogue
from .gradle_dsl import Argument, Call, Chain, Listing, Member, Name, Node, Statement, Text

MAX_STEPS = 20  # of variables that name each other
_SCOPES = re.compile(r"^(?:(?:rootProject|project|settings|gradle|ext|extra|extensions|this|it)\.)+")
_CONVERSIONS = frozenset(("get", "toString", "toInt", "toInteger", "trim", "asProvider", "orNull", "getOrNull"))
_PROPERTIES = ("property", "findProperty", "extra.get", "ext.get", "providers.gradleProperty", "get")
_LISTS = ("listOf", "setOf", "mutableListOf", "mutableSetOf", "arrayOf", "arrayListOf", "files", "uri", "file")


@dataclass(frozen=True)
class Scope:
    """What names mean in a file: its variables, and the catalogues of the project."""

    variables: Mapping[str, Node | str] = field(default_factory=dict)
    catalogues: Mapping[str, Catalogue] = field(default_factory=dict)

    def with_variables(self, found: Mapping[str, Node | str]) -> "Scope":
        """The same with more variables, which win."""
        return replace(self, variables={**self.variables, **found})

    def text(self, node: Node | None, steps: int = 0) -> str | None:
        """The string that an expression is; None where goldmask cannot know. Raises ConfigError of a catalogue."""
        if node is None or steps > MAX_STEPS:
            return None
        if isinstance(node, Text):
            parts = [part if isinstance(part, str) else self.text(part, steps + 1) for part in node.parts]
            return None if None in parts else "".join(part for part in parts if part is not None)
        if isinstance(node, Name):
            return self._named(node.path, steps)
        if isinstance(node, Call):
            return self._called(node, steps)
        if isinstance(node, Member) and node.name in _CONVERSIONS:
            return self.text(node.on, steps + 1)
        return None

    def texts(self, node: Node | None) -> list[str] | None:
        """The strings of a list, or of one string; None where goldmask cannot know one of them."""
        if isinstance(node, Listing) or (isinstance(node, Call) and node.name in _LISTS):
            values = [item.value for item in node.items] if isinstance(node, Listing) else node.values
            lists = [self.texts(value) for value in values]
            return None if None in lists else [text for texts in lists if texts is not None for text in texts]
        found = self.text(node)
        return None if found is None else [found]

    def _named(self, path: str, steps: int) -> str | None:
        if re.fullmatch(r"\d[\d._]*|true|false", path):
            return path
        name = _SCOPES.sub("", path)
        if name in self.variables:
            value = self.variables[name]
            return value if isinstance(value, str) else self.text(value, steps + 1)
        if (version := self.version(path)) is not None:
            return version
        # The entry of a map: versions.core of `versions = [core: "1.0"]`.
        head, _, key = name.partition(".")
        held = self.variables.get(head)
        if isinstance(held, Listing):
            entry = next((item.value for item in held.items if item.name == key), None)
            return self.text(entry, steps + 1)
        last = name.rpartition(".")
        return self._named(last[0], steps + 1) if last[2] in _CONVERSIONS and last[0] else None

    def _called(self, call: Call, steps: int) -> str | None:
        if call.on is not None:
            return self.text(call.on, steps + 1) if call.name in _CONVERSIONS and not call.arguments else None
        name = _SCOPES.sub("", call.name) if call.name not in _PROPERTIES else call.name
        if name in (*_PROPERTIES, "uri", "file") and len(call.values) == 1:
            key = self.text(call.values[0], steps + 1)
            if name in ("uri", "file"):
                return key
            return None if key is None else self._named(key, steps + 1)
        head, _, method = call.name.rpartition(".")
        if method in _CONVERSIONS and head and not call.arguments:
            return self._named(head, steps + 1)
        if method == "get" and len(call.values) == 1:  # versions["core"]
            key = self.text(call.values[0], steps + 1)
            return None if key is None else self._named(f"{_SCOPES.sub('', head)}.{key}", steps + 1)
        return None

    def version(self, path: str) -> str | None:
        """The version of `libs.versions.a.b`; None for any other name. Raises ConfigError where there is none."""
        catalogue, _, rest = path.partition(".")
        if catalogue not in self.catalogues or not rest.startswith("versions."):
            return None
        accessor = rest.removeprefix("versions.")
        while accessor.rpartition(".")[2] in _CONVERSIONS:
            accessor = accessor.rpartition(".")[0]
        return self.catalogues[catalogue].version(accessor)


def variables_of(statements: Sequence[Statement]) -> dict[str, Node | str]:
    """The variables that statements set, wherever they are in them: `val a = …`, `ext.a = …`, `ext { a = … }`."""
    found: dict[str, Node | str] = {}
    for statement in walk(
        statements, ("buildscript", "ext", "allprojects", "subprojects", "extra.apply", "apply", "dependencies")
    ):
        node, value = statement.node, statement.value
        if isinstance(node, Name) and value is not None and statement.operator != "+=":
            name = _SCOPES.sub("", node.path)
            if isinstance(value, Call) and value.name == "extra" and value.values:  # val a by extra("…")
                value = value.values[0]
            found.setdefault(name, value)
        elif isinstance(node, Call) and value is not None and node.name in ("extra.get", "ext.get"):
            _keep(found, node.arguments, value)
        elif isinstance(node, Call) and _SCOPES.sub("", node.name) == "set" and len(node.values) == 2:
            _keep(found, node.arguments[:1], node.values[1])
    return found


def _keep(found: dict[str, Node | str], key: tuple[Argument, ...], value: Node) -> None:
    if key and isinstance(key[0].value, Text) and all(isinstance(part, str) for part in key[0].value.parts):
        found.setdefault("".join(str(part) for part in key[0].value.parts), value)


def walk(statements: Sequence[Statement], into: Sequence[str]) -> Iterator[Statement]:
    """Statements, and those in blocks of the names `into`."""
    for statement in statements:
        yield statement
        node = statement.node
        if isinstance(node, Call) and node.block and _SCOPES.sub("", node.name) in into:
            yield from walk(node.block, into)


def blocks(statements: Sequence[Statement], *names: str) -> list[Statement]:
    """The statements in all blocks `a { b { … } }` of the names; without names these statements themselves."""
    for name in names:
        inner: list[Statement] = []
        for statement in statements:
            node = statement.node
            if isinstance(node, Call) and node.block is not None and node.name == name and node.on is None:
                inner += node.block
        statements = inner
    return list(statements)


def head(node: Node) -> Node:
    """An expression without the words that follow it."""
    return node.head if isinstance(node, Chain) else node


def word(node: Node, name: str) -> Node | None:
    """The operand of a word: of `version` in `id("a") version "1"`."""
    return dict(node.words).get(name) if isinstance(node, Chain) else None
