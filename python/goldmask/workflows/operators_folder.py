"""The folder of `diagnose --ops`: operators.json, operators.png, and what reproduces the difference."""

import io
import json
import shutil
from dataclasses import asdict
from pathlib import Path

from ..contract.errors import UsageError
from ..contract.files import remove_files, sha256_of, write_atomically
from ..report.operators import row_to_dict, to_dict, to_picture
from ..report.write import open_folder
from ..verdict.operators import worst
from .operator_runs import Compared, Running
from .operators import Operators
from .reproduction import FOLDER, write_reproduction

FILE, PICTURE = "operators.json", "operators.png"
OF_SIDES = ("a", "b")


def open_operators(out: Path) -> None:
    """Make `out` ready: what an earlier run left there must not pass for this one's. Raises UsageError."""
    open_folder(out)
    for name in OF_SIDES:
        if (out / name).exists() and not (out / FILE).is_file() and any((out / name).iterdir()):
            raise UsageError(f"{out / name} is not from a run of goldmask", fix="--out <another folder>")
    for name in (*OF_SIDES, FOLDER):
        shutil.rmtree(out / name, ignore_errors=True)
    remove_files(out, PICTURE)
    write_atomically(out / FILE, b"{}\n")  # whose folders these are, also after a run that ended early


def write_operators(found: Operators, what: str, out: Path) -> Path | None:
    """Write what was found; the answer is the folder that reproduces it, where an operator was found."""
    rows = found.rows
    operators = len(found.sides[0].graph.operators)
    if rows:
        title = f"difference of each operator's output, in shares of its range: {found.sides[0].side.model}"
        alone = [count - 1 for count in found.prefixes]
        picture = io.BytesIO()
        to_picture(title, rows, operators, found.limits.grown, alone, found.first).save(picture, "PNG")
        write_atomically(out / PICTURE, picture.getvalue())
    folder = write_reproduction(found, out)
    data = {
        "schema": 1,
        "differs": found.first is not None,
        "summary": found.lines(what),
        "first": _first(found),
        "operators": operators,
        "input": what,
        "limits": asdict(found.limits),
        "runs": {running.side.name: running.runs for running in found.sides},
        "bound": found.bound,
        "sides": {running.side.name: _side(running) for running in found.sides},
        "prefixes": {count: _compared(found.prefixes[count]) for count in sorted(found.prefixes)},
        "worst": [row_to_dict(row) for row in worst(rows)],
        "growth": [row_to_dict(row) for row in rows],
        "files_differ": {found.sides[0].graph.name(number): clauses for number, clauses in found.files.items()},
        "notes": found.notes,
    }
    write_atomically(out / FILE, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())
    return folder


def _first(found: Operators) -> dict[str, object] | None:
    if found.first is None:
        return None
    graph = found.sides[0].graph
    operator = graph.operators[found.first]
    return {
        "number": found.first,
        "name": graph.name(found.first),
        "kind": operator.kind,
        "tensor": graph.tensors[operator.outputs[0]].name,
        "traced": found.search.traced,
        "prefix": _compared(found.prefixes[found.first + 1]),
        "before": _compared(found.prefixes.get(found.first)),
        "alone": _compared(found.alone),
        "files_differ": found.files.get(found.first, []),
    }


def _compared(compared: Compared | None) -> dict[str, object] | None:
    if compared is None:
        return None
    largest = compared.largest
    errors = {side: error for side, error in zip("AB", compared.errors, strict=True) if error}
    return {"largest": to_dict(largest) if largest else None, "errors": errors}


def _side(running: Running) -> dict[str, object]:
    side = running.side
    return {
        "asked": side.text,
        "model": side.model,
        "sha256": sha256_of(running.graph.path),
        "target": side.target,
        "delegate": running.delegate,
        "threads": running.threads,
        "ran": running.ran and running.ran.model_dump(exclude_none=True),
    }
