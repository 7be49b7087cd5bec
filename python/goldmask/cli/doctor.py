"""`doctor`, and how a diagnostic looks."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ..contract.errors import ExitCode, UsageError
from ..machine.diagnostics import Diagnostic
from ..machine.resources import typed
from ..workflows.doctor import Group, examine
from .console import out
from .folders import here, root

COLOURS = {"ok": "green", "optional": "yellow"}
STATE_WIDTH = 10


def show_doctor() -> ExitCode:
    """`doctor`: exit 3 when something that a suite of the project needs is missing or broken."""
    try:
        folder = root()
    except UsageError:  # installed, and outside of any project: what this machine has is of use all the same
        folder = here()
    groups = examine(folder)
    show_groups(groups, out)
    return ExitCode.OK if all(group.whole for group in groups) else ExitCode.ENVIRONMENT


def show_groups(groups: Sequence[Group], console: Console) -> None:
    """Each group with its lines, and last which targets could run."""
    for group in groups:
        console.print(Text(group.name, "bold"))
        for each in group.diagnostics:
            show_diagnostic(each, group.state(each), console, indent=2)
    targets = [group for group in groups if group.is_target]
    able, unable = ([group.name for group in targets if group.runs is runs] for runs in (True, False))
    console.print()
    console.print(Text(f"can run: {', '.join(able) or 'nothing'}", "bold"))
    if unable:
        console.print(Text(f"cannot run here: {', '.join(unable)}"))
    if lacking := [group.name for group in targets if not group.whole]:
        console.print(Text(f"suites of this project need: {', '.join(lacking)}", "bold red"))


def show_diagnostic(diagnostic: Diagnostic, state: str, console: Console = out, indent: int = 0) -> None:
    """One line, folded under itself where it is too long, and the command that helps."""
    texts = [Text(f"{diagnostic.what}: {diagnostic.detail}")]
    if diagnostic.fix:
        texts.append(Text(typed(f"try: {diagnostic.fix}")))
    left = indent + STATE_WIDTH
    mark = Text(" " * indent) + Text(state.ljust(STATE_WIDTH), COLOURS.get(state, "bold red"))
    for text in texts:
        for line in text.wrap(console, max(console.width - left, 20), overflow="fold"):
            line.rstrip()
            console.print(mark + line, soft_wrap=True)
            mark = Text(" " * left)
