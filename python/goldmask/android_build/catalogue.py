"""Gradle's version catalogues: what `libs.a.b`, `libs.bundles.a` and `libs.plugins.a` stand for.

https://docs.gradle.org/current/userguide/version_catalogs.html has the format: a library is `"group:name:version"`, or
a table with `module` or `group` and `name`; a version is a string, a reference, or rich (`strictly`, `prefer`, …).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..contract.errors import ConfigError

CATALOGUE = "gradle/libs.versions.toml"
_COORDINATE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
# A lock needs versions that mean one thing for ever.
_DYNAMIC = re.compile(r"[\[\](),+]|^latest\.")


@dataclass(frozen=True, order=True)
class Library:
    """A library that a build file asks for; without a version where a platform has it.

    `excluded` are `group:name`, with `*` for any; `platforms` are those that its version may come from.
    """

    group: str
    name: str
    version: str = ""
    excluded: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Library":
        """From `group:name` or `group:name:version`, with Gradle's `@aar`. Raises ValueError that says why not."""
        pieces = text.partition("@")[0].split(":")
        if len(pieces) == 4:
            raise ValueError(f"{text!r} has a classifier, which goldmask does not resolve")
        if len(pieces) not in (2, 3):
            raise ValueError(f"{text!r} is not group:name:version")
        return cls.of(*pieces)

    @classmethod
    def of(cls, group: str, name: str, version: str = "") -> "Library":
        """From its coordinates. Raises ValueError."""
        if _DYNAMIC.search(version):
            raise ValueError(f"{group}:{name}:{version} has no exact version, and a lock needs one")
        pieces = (group, name, *([version] if version else []))
        if not all(_COORDINATE.fullmatch(piece) for piece in pieces):
            raise ValueError(f"{':'.join(pieces)!r} is not group:name:version")
        return cls(group, name, version)

    def without(self, excluded: tuple[str, ...]) -> "Library":
        """The same without some of what it needs."""
        return replace(self, excluded=tuple(sorted({*self.excluded, *excluded})))

    def __str__(self) -> str:
        coordinates = ":".join(filter(None, (self.group, self.name, self.version)))
        return " ".join(
            (coordinates, *(f"by {name}" for name in self.platforms), *(f"! {name}" for name in self.excluded))
        )


@dataclass(frozen=True)
class Catalogue:
    """A version catalogue; all names as accessors have them, `a.b.c`. What a library is, is read when it is asked."""

    path: Path
    data: Mapping[str, Mapping[str, object]]
    names: Mapping[str, Mapping[str, str]]  # of each table, by accessor

    def library(self, accessor: str) -> Library:
        """The library of `libs.<accessor>`. Raises ConfigError."""
        alias = self._alias("libraries", accessor)
        try:
            return self._library(self.data["libraries"][alias])
        except ValueError as error:
            raise self._error(f"library {alias!r}: {error}") from None

    def bundle(self, accessor: str) -> tuple[Library, ...]:
        """The libraries of `libs.bundles.<accessor>`; an empty bundle has none. Raises ConfigError."""
        alias = self._alias("bundles", accessor)
        aliases = self.data["bundles"][alias]
        if not isinstance(aliases, list) or not all(isinstance(each, str) for each in aliases):
            raise self._error(f"bundle {alias!r} is not a list of libraries")
        known = self.names.get("libraries", {})
        if missing := [each for each in aliases if normalised(each) not in known]:
            raise self._error(f"bundle {alias!r} names {missing[0]!r}, which [libraries] does not have")
        return tuple(self.library(normalised(each)) for each in aliases)

    def bundles(self) -> tuple[str, ...]:
        """The names of its bundles, as they are written."""
        return tuple(self.data.get("bundles", {}))

    def version(self, accessor: str) -> str:
        """The version of `libs.versions.<accessor>`. Raises ConfigError."""
        alias = self._alias("versions", accessor)
        try:
            return self._version(self.data["versions"][alias])
        except ValueError as error:
            raise self._error(f"version {alias!r}: {error}") from None

    def plugin(self, accessor: str) -> tuple[str, str]:
        """(id, version) of `libs.plugins.<accessor>`; the version may be empty. Raises ConfigError."""
        alias = self._alias("plugins", accessor)
        entry = self.data["plugins"][alias]
        try:
            if isinstance(entry, str):
                name, _, version = entry.partition(":")
                return name, version
            if isinstance(entry, dict) and isinstance(entry.get("id"), str):
                return entry["id"], self._version(entry.get("version", ""))
        except ValueError as error:
            raise self._error(f"plugin {alias!r}: {error}") from None
        raise self._error(f"plugin {alias!r} has no id")

    def _alias(self, table: str, accessor: str) -> str:
        found = self.names.get(table, {}).get(accessor)
        if found is None:
            raise self._error(f"it has no {accessor!r} in [{table}]")
        return found

    def _library(self, entry: object) -> Library:
        if isinstance(entry, str):
            return Library.parse(entry)
        if not isinstance(entry, dict):
            raise ValueError("it is neither a string nor a table")
        group, name, module = (entry.get(key) for key in ("group", "name", "module"))
        if isinstance(module, str) and module.count(":") == 1:
            group, name = module.split(":")
        if not isinstance(group, str) or not isinstance(name, str):
            raise ValueError('it needs module = "group:name", or group and name')
        return Library.of(group, name, self._version(entry.get("version", "")))

    def _version(self, entry: object) -> str:
        if isinstance(entry, dict) and isinstance(entry.get("ref"), str):
            versions = self.data.get("versions", {})
            if entry["ref"] not in versions:
                raise ValueError(f"[versions] has no {entry['ref']!r}")
            entry = versions[entry["ref"]]
        if isinstance(entry, dict):  # rich: what is preferred comes first
            found = [entry.get(key) for key in ("prefer", "strictly", "require")]
            exact = [each for each in found if isinstance(each, str) and not _DYNAMIC.search(each)]
            entry = exact[0] if exact else next((each for each in found if each), "")
        if not isinstance(entry, str):
            raise ValueError(f"{entry!r} is no version")
        return entry

    def _error(self, reason: str) -> ConfigError:
        return ConfigError(f"{self.path}: {reason}", fix=f"edit {self.path}")


def load_catalogue(path: Path) -> Catalogue:
    """Read a version catalogue. Raises ConfigError."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix=f"edit {path}") from error
    except ValueError as error:  # tomllib's, and of the encoding
        raise ConfigError(f"{path} is not a version catalogue: {error}", fix=f"edit {path}") from error
    tables = {name: table for name, table in data.items() if isinstance(table, dict)}
    if strange := sorted(set(data) - set(tables)):
        raise ConfigError(f"{path} is not a version catalogue: {strange[0]!r} is no table", fix=f"edit {path}")
    names = {name: {normalised(alias): alias for alias in table} for name, table in tables.items()}
    return Catalogue(path, tables, names)


def normalised(alias: str) -> str:
    """An alias as Gradle's accessors spell it: `a-b_c` is `a.b.c`."""
    return re.sub(r"[-_]", ".", alias)
