"""A Maven repository in a folder, and a Maven whose settings know no repository but Central and mirrors of ids."""

import hashlib
import zipfile
from pathlib import Path


def publish(repository: Path, group: str, name: str, version: str) -> None:
    """Put a library with nothing in it into a repository, with the checksums that Maven asks for."""
    folder = repository / group.replace(".", "/") / name / version
    folder.mkdir(parents=True)
    pom = (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"<groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></project>"
    )
    (folder / f"{name}-{version}.pom").write_text(pom, "utf-8")
    with zipfile.ZipFile(folder / f"{name}-{version}.jar", "w") as jar:
        jar.writestr(f"META-INF/{name}.txt", name)
    for path in list(folder.iterdir()):
        path.with_name(f"{path.name}.sha1").write_text(hashlib.sha1(path.read_bytes()).hexdigest(), "utf-8")


def home_of_maven(home: Path, mirrors: dict[str, Path], downloaded: Path) -> None:
    """A home folder whose Maven has mirrors by ids, and what `downloaded` has of Maven's own plugins.

    New files of `com.example` go into the home folder: the tests leave nothing in the user's repository.
    """
    local = home / "repository"
    (local / "com/example").mkdir(parents=True)
    for folder, beside in ((downloaded, local), (downloaded / "com", local / "com")):
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in ("com", "example"):
                (beside / path.name).symlink_to(path)
    listed = "".join(
        f"<mirror><id>{name}</id><mirrorOf>{name}</mirrorOf><url>{folder.as_uri()}</url></mirror>"
        for name, folder in mirrors.items()
    )
    (home / ".m2").mkdir()
    (home / ".m2/settings.xml").write_text(
        f"<settings><localRepository>{local}</localRepository><mirrors>{listed}</mirrors></settings>", "utf-8"
    )
