"""Where goldmask's own files are: the Android and iOS projects, the reference scripts, the tests."""

from pathlib import Path

TOOL_ROOT = Path(__file__).resolve().parents[3]
ANDROID_PROJECT = TOOL_ROOT / "android"
IOS_PROJECT = TOOL_ROOT / "ios"
REFERENCES = TOOL_ROOT / "python/references"
