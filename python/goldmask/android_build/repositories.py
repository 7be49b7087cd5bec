"""Maven repositories: Central, Google's, and those that a project's Gradle files name, in that order."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .gradle_dsl import Call, Name, Node, Statement
from .gradle_values import Scope

_INSIDE = (
    "dependencyResolutionManagement",
    "repositories",
    "allprojects",
    "subprojects",
    "exclusiveContent",
    "forRepository",
    "forRepositories",
)


@dataclass(frozen=True)
class Repository:
    """A repository by its id, which Maven's settings.xml refers to in mirrors and passwords, and its address."""

    id: str
    url: str


CENTRAL = Repository("central", "")  # Maven itself knows where it is
GOOGLE = Repository("google", "https://maven.google.com")  # what Gradle calls google()
OWN = (CENTRAL, GOOGLE)


@dataclass(frozen=True)
class Repositories:
    """All to ask, in their order; `unread` are lines of Gradle files whose address goldmask cannot know."""

    all: tuple[Repository, ...] = OWN
    unread: tuple[str, ...] = ()

    def __add__(self, other: "Repositories") -> "Repositories":
        known = {repository.url for repository in self.all}
        ids = {repository.id for repository in self.all}
        more = [repository for repository in other.all if repository.url not in known]
        renamed = [_unique(repository, ids) for repository in more]
        return Repositories((*self.all, *renamed), tuple(dict.fromkeys((*self.unread, *other.unread))))


def read_repositories(statements: Sequence[Statement], scope: Scope, folder: Path) -> Repositories:
    """The `maven` repositories in the blocks `repositories` of a Gradle file; addresses may be relative to `folder`."""
    found, unread = [], []
    for statement in _declared(statements, inside=False):
        assert isinstance(statement.node, Call)
        url, name = _address(statement.node, scope), _property(statement.node, "name", scope)
        if url is None:
            unread.append(statement.source)
            continue
        if "://" not in url:
            url = (folder / url.removeprefix("file:")).resolve().as_uri()
        name = re.sub(r"[^\w.-]+", "-", name or re.sub(r"^\w+:/+|/+$", "", url))
        found.append(Repository(name, url))
    return Repositories(tuple(found), tuple(unread))


def _declared(statements: Sequence[Statement], inside: bool) -> Iterator[Statement]:
    for statement in statements:
        node = statement.node
        if isinstance(node, Call) and inside and node.name == "maven":
            yield statement
        elif isinstance(node, Call) and node.block and node.name in _INSIDE:
            yield from _declared(node.block, inside or node.name == "repositories")


def _address(call: Call, scope: Scope) -> str | None:
    given = call.named("url") or (call.values[0] if call.values else None)
    return scope.text(given) if given else _property(call, "url", scope)


def _property(call: Call, name: str, scope: Scope) -> str | None:
    """The property of a repository's block: `url = uri("…")`, `url "…"`, `setUrl("…")`."""
    for statement in call.block or ():
        node: Node | None = statement.node
        if isinstance(node, Name) and node.path == name and statement.value is not None:
            return scope.text(statement.value)
        if isinstance(node, Call) and node.name in (name, f"set{name.title()}") and node.values:
            return scope.text(node.values[0])
    return None


def _unique(repository: Repository, ids: set[str]) -> Repository:
    name, number = repository.id, 2
    while name in ids:
        name, number = f"{repository.id}-{number}", number + 1
    ids.add(name)
    return Repository(name, repository.url)
