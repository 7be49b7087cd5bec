"""`doctor`, and how a diagnostic looks."""

from rich.text import Text

from ..contract.errors import ExitCode
from ..machine.diagnostics import Diagnostic
from ..machine.resources import typed
from ..workflows.doctor import examine
from .console import out
from .folders import root


def show_doctor() -> ExitCode:
    """`doctor`: exit 3 when something that a check needs is missing."""
    whole = True
    for diagnostic in examine(root()):
        show_diagnostic(diagnostic, "missing ")
        whole = whole and diagnostic.ok
    return ExitCode.OK if whole else ExitCode.ENVIRONMENT


def show_diagnostic(diagnostic: Diagnostic, wrong: str) -> None:
    """One line, and the command that helps; `wrong` is eight letters for what is not as it must be."""
    wrong = "ERROR   " if diagnostic.broken else wrong
    mark = Text("ok      ", "green") if diagnostic.ok else Text(wrong, "bold red")
    out.print(mark + Text(f"{diagnostic.what}: {diagnostic.detail}"))
    if diagnostic.fix:
        out.print(Text(typed(f"        try: {diagnostic.fix}")))
