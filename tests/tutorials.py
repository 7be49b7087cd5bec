"""The tutorials in docs/: their commands, to be typed as they are written."""

import re
import shlex

from conftest import REPO

COMMAND = re.compile(r"^(\w.*?)(?:\s+# exit (\d+))?$", re.MULTILINE)


def commands(page: str) -> list[tuple[list[str], int]]:
    """The words of each command of a page, and the exit code that it must have."""
    text = (REPO / "docs" / page).read_text("utf-8")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    return [(shlex.split(words), int(code or 0)) for words, code in COMMAND.findall(blocks)]
