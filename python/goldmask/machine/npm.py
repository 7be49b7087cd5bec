"""One file out of an npm package: npm brings the archive, its sha256 is held, and no code of it is run."""

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import StringConstraints

from ..contract.errors import EnvironmentMissing
from ..contract.files import sha256_of
from . import shell

# NAME@VERSION with an exact version; the pattern also keeps options, tags, URLs and folders out of npm's argv.
NpmPackage = Annotated[
    str,
    StringConstraints(pattern=r"^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*@[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+-]*$"),
]
PACK_DEADLINE_S = 300
PIECE_BYTES = 1 << 20


def unpack(package: str, archive_sha256: str, path: str, most_bytes: int, folder: Path) -> Path:
    """The file `path` of a package, unpacked into `folder`, where its archive has the declared sha256.

    npm asks the registry that its own configuration names (.npmrc, NPM_CONFIG_REGISTRY), checks what the registry says
    of the archive, and runs no script. Raises EnvironmentMissing where npm is not there, cannot get the package, gets
    another one, or where the package has no such file of at most `most_bytes`.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise EnvironmentMissing("npm is not on PATH", fix="install Node.js with npm, or use GOLDMASK_MIRROR")
    # In a folder of its own: npm would follow an .npmrc of the one it is started in.
    packed, log = folder / "packed", folder / "npm.log"
    packed.mkdir()
    options = ("--ignore-scripts", "--silent", "--pack-destination", packed)
    done = shell.run([npm, "pack", *options, package], log=log, deadline_s=PACK_DEADLINE_S, cwd=packed)
    archives = sorted(packed.glob("*.tgz"))
    if done.code or len(archives) != 1:
        why = " ".join(done.log_tail(2).split()) or f"npm ended with {done.code}"
        raise EnvironmentMissing(f"npm could not pack it: {why}")
    actual = sha256_of(archives[0])
    if actual != archive_sha256:
        raise EnvironmentMissing(f"its archive has sha256 {actual}, declared is {archive_sha256}")
    return _member(archives[0], path, most_bytes, folder)


def _member(archive: Path, path: str, most_bytes: int, folder: Path) -> Path:
    """A regular file of an archive, whose first folder npm names as it likes."""
    found = folder / PurePosixPath(path).name
    try:
        with tarfile.open(archive, "r:gz") as content:
            for member in content:
                if PurePosixPath(*PurePosixPath(member.name).parts[1:]) != PurePosixPath(path) or not member.isfile():
                    continue
                stream = content.extractfile(member)
                if stream is None or member.size > most_bytes:
                    raise EnvironmentMissing(f"its {path} has {member.size:,} bytes")
                with stream, found.open("wb") as out:
                    shutil.copyfileobj(stream, out, PIECE_BYTES)
                return found
    except (tarfile.TarError, EOFError, OSError) as error:
        raise EnvironmentMissing(f"its archive is damaged: {error}") from error
    raise EnvironmentMissing(f"the package has no {path}")
