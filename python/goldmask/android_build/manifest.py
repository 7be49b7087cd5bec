"""Android manifests: an app's with what its libraries bring merged in, and that of a test APK.

This is the part of Android's manifest merger that libraries need: permissions, features, queries, and what they put
into the application. Rules for the merger (`tools:node` and its kin) are not understood, and refused.
"""

import copy
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from ..contract.errors import ConfigError
from .gradle_module import Application

ANDROID = "http://schemas.android.com/apk/res/android"
TOOLS = "http://schemas.android.com/tools"
NAME = f"{{{ANDROID}}}name"
BROUGHT = ("uses-permission", "uses-feature", "queries")
# Of tools: only what talks to editors and lint.
HARMLESS = tuple(f"{{{TOOLS}}}{attribute}" for attribute in ("context", "ignore", "targetApi"))

ET.register_namespace("android", ANDROID)


def app_manifest(own: Path, libraries: Iterable[Path], application: Application) -> bytes:
    """An app's manifest with its package, whole class names, and what the manifests of `libraries` bring.

    Raises ConfigError for what cannot be read or merged.
    """
    root = _parse(own)
    for element in root.iter():
        for key in list(element.attrib):
            if key.startswith(f"{{{TOOLS}}}"):
                if key not in HARMLESS:
                    attribute = key.rpartition("}")[2]
                    raise ConfigError(f"{own}: goldmask merges manifests without tools:{attribute}", fix=_FIX)
                del element.attrib[key]
        if (name := element.get(NAME, "")).startswith("."):
            element.set(NAME, application.namespace + name)
    return _merged(root, libraries, application, application.application_id)


def test_manifest(test_id: str, libraries: Iterable[Path], application: Application) -> bytes:
    """The manifest of a test APK that runs inside of the app. Raises ConfigError."""
    root = ET.Element("manifest")
    where = {NAME: application.runner, f"{{{ANDROID}}}targetPackage": application.application_id}
    ET.SubElement(root, "instrumentation", where)
    ET.SubElement(ET.SubElement(root, "application"), "uses-library", {NAME: "android.test.runner"})
    return _merged(root, libraries, application, test_id)


def package_of(path: Path) -> str:
    """The package that a library's manifest names. Raises ConfigError."""
    return _parse(path).get("package", "")


def _merged(root: ET.Element, libraries: Iterable[Path], application: Application, package: str) -> bytes:
    root.set("package", package)
    app = root.find("application")
    if app is None:
        app = ET.SubElement(root, "application")
    for path in libraries:
        library = _parse(path)
        _check_sdk(library, path, application)
        for element in library:
            if element.tag in BROUGHT:
                _add(root, element)
        for element in library.iterfind("application/*"):
            _add(app, element)
    ET.indent(root)
    return ET.tostring(root, "utf-8", xml_declaration=True).replace(b"${applicationId}", package.encode()) + b"\n"


def _add(parent: ET.Element, element: ET.Element) -> None:
    """Add a library's element, unless one of that kind and name is there: the app's own word counts."""
    named = [(each.tag, each.get(NAME)) for each in parent if each.get(NAME)]
    if (element.tag, element.get(NAME)) not in named:
        parent.append(copy.deepcopy(element))


def _check_sdk(library: ET.Element, path: Path, application: Application) -> None:
    sdk = library.find("uses-sdk")
    wanted = sdk.get(f"{{{ANDROID}}}minSdkVersion", "1") if sdk is not None else "1"
    if wanted.isdigit() and int(wanted) > application.min_sdk:
        raise ConfigError(
            f"{path.parent.name} needs Android API {wanted}; the app says minSdk = {application.min_sdk}",
            fix=f"minSdk = {wanted}, or an older version of the library",
        )


_FIX = "see docs/apk.md for what goldmask reads of manifests; Gradle builds the rest"


def _parse(path: Path) -> ET.Element:
    try:
        return ET.fromstring(path.read_bytes())
    except (OSError, ET.ParseError) as error:
        raise ConfigError(f"{path} cannot be read as a manifest: {error}", fix=_FIX) from error
