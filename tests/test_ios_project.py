"""The Xcode project by hand: every id leads somewhere, every Swift file is built, and pins are pins."""

import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import REPO, had
from pbxproj import XcodeProject

from goldmask import shell
from goldmask.errors import EnvironmentMissing
from goldmask.model import fetch_model, load_spec
from goldmask.swift import find_swift
from goldmask.xcode import OUR_PROJECT

PROJECT = OUR_PROJECT / "GoldmaskApp.xcodeproj"
ID = re.compile(r"[0-9A-F]{24}")
FOLDERS = ("App", "LibTaskApi", "GoldenTests")


def objects_of(text: str) -> tuple[dict[str, dict], str]:
    """The objects of a project.pbxproj by id, and the root's id; as PyPI's pbxproj reads them."""
    path = PROJECT / "project.pbxproj"
    project = XcodeProject.load(str(path)) if text == path.read_text("utf-8") else _load(text)
    tree = json.loads(json.dumps(project.objects, default=lambda value: getattr(value, "__dict__", str(value))))
    del tree
    return {key: project.objects[key] for key in project.objects.get_keys()}, project["rootObject"]


def _load(text: str) -> XcodeProject:
    from openstep_parser import OpenStepDecoder

    return XcodeProject(OpenStepDecoder.ParseFromString(text))
