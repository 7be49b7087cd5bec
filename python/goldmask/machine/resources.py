"""Where goldmask's own files are: the Android and iOS projects, the reference scripts, and in a clone the tests."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
# In a clone they lie beside the package; a wheel carries them inside it.
INSTALLED = (_PACKAGE / "shipped").is_dir()
TOOL_ROOT = _PACKAGE / "shipped" if INSTALLED else _PACKAGE.parents[1]
# How the program is called in the commands that messages tell people to type.
COMMAND = "goldmask" if INSTALLED else "./goldmask"
ANDROID_PROJECT = TOOL_ROOT / "android"
IOS_PROJECT = TOOL_ROOT / "ios"
REFERENCES = TOOL_ROOT / "python/references"


def typed(text: str) -> str:
    """A message with the program called as it is here: errors are written for a clone's `./goldmask`."""
    return text.replace("./goldmask", COMMAND)
