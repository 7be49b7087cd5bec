"""The bundle of an app on a device: from which of its folders `tar` packs it, and what of the archive is taken."""

import io
import re
import tarfile
from pathlib import Path, PurePosixPath

from ..contract.errors import RunError

FOLDER = "goldmask"
# Nothing else of what a device packs is written to this machine's disk.
CASE = r"[a-z0-9][a-z0-9._-]{0,63}"
WANTED = re.compile(rf"^{FOLDER}/(bundle\.json|masks/{CASE}\.png|taps/{CASE}\.(resized|tensor)\.bin)$")


def shared_folder(application_id: str) -> str:
    """Where an app writes its bundle, unless it says otherwise: below its folder for shared media."""
    return f"/storage/emulated/0/Android/media/{application_id}/{FOLDER}"


def pack_argv(out: str, application_id: str) -> list[str]:
    """What packs the bundle in `out` on a device; empty where the app may not be believed that it is there.

    The app's folder for shared media is open to adb's shell, as its own files are only where it is debuggable.
    """
    app = re.escape(application_id)
    tar = ["tar", "-cf", "-", "-C", str(PurePosixPath(out).parent), FOLDER]
    if re.fullmatch(rf"/storage/(emulated/\d{{1,4}}|[\w-]{{1,64}})/Android/media/{app}/{FOLDER}", out, re.ASCII):
        return tar
    if re.fullmatch(rf"/data/(data|user/\d{{1,4}})/{app}/files/{FOLDER}", out, re.ASCII):
        return ["run-as", application_id, *tar]
    return []


def unpack(data: bytes, folder: Path, limit: int) -> None:
    """Write the bundle in a tar archive to `folder`: plain files with a bundle's names, `limit` bytes in all.

    Raises RunError for an archive that is damaged or holds anything else.
    """
    written = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if member.isdir() or name.name == ".bundle.json":  # the app died while it wrote
                    continue
                if not member.isreg() or not WANTED.fullmatch(member.name):
                    raise RunError(f"the device packed {member.name[:100]!r}, which belongs to no bundle")
                written += member.size
                if written > limit:
                    raise RunError(f"the device's bundle is larger than {limit:,} bytes")
                path = folder / name.relative_to(FOLDER)
                path.parent.mkdir(exist_ok=True)
                with archive.extractfile(member) or io.BytesIO() as content:  # it is a plain file, seen above
                    path.write_bytes(content.read())
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:  # a header's numbers are any text
        raise RunError(f"what the device packed is damaged: {error}", fix="run the target again") from error
