"""How much of each room's code the tests have run; exits 1 where a pure room is below its least.

Reads what `./goldmask test --coverage` has measured, in this process's working directory.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage

PYTHON = Path(__file__).resolve().parents[1] / "python"
# What runs nothing can be tried out without a machine, and so in full.
PURE_ROOMS = ("contract", "project", "verdict", "report")
LEAST_PERCENT = 90


@dataclass(frozen=True)
class Lines:
    """Lines of code that there are, and that tests have run."""

    all: int
    run: int

    @property
    def percent(self) -> float:
        """How much of it was run; a file without code is run."""
        return 100 * self.run / self.all if self.all else 100

    def __add__(self, other: "Lines") -> "Lines":
        return Lines(self.all + other.all, self.run + other.run)


def measure(coverage: Coverage, room: Path) -> dict[str, Lines]:
    """The lines of every file in a room; a file that nothing has imported counts too."""
    files = {}
    for path in sorted(room.rglob("*.py")):
        _, statements, _, missing, _ = coverage.analysis2(str(path))
        files[path.name] = Lines(len(statements), len(statements) - len(missing))
    return files


def judge(rooms: Mapping[str, Mapping[str, Lines]]) -> tuple[str, list[str]]:
    """The table of all rooms, and a sentence for each pure room that is below its least or not there."""
    table, short = "", []
    for name, files in rooms.items():
        total = sum(files.values(), Lines(0, 0))
        table += f"{name:14} {total.all:6} lines {total.percent:6.1f} %\n"
        if name in PURE_ROOMS and total.percent < LEAST_PERCENT:
            worst = sorted(files, key=lambda file: files[file].run - files[file].all)[:3]
            where = ", ".join(f"{file} {files[file].percent:.0f} %" for file in worst)
            short.append(f"{name}: {total.percent:.1f} % of its lines are run, {LEAST_PERCENT} % must be ({where})")
    return table, [*short, *(f"{name}: there is no such room" for name in PURE_ROOMS if not rooms.get(name))]


def main() -> int:
    """Combine what all processes have measured, and judge it."""
    coverage = Coverage()
    coverage.combine()
    folders = [*sorted(path for path in (PYTHON / "goldmask").iterdir() if path.is_dir()), PYTHON / "deeplab"]
    table, short = judge({path.name: files for path in folders if (files := measure(coverage, path))})
    print(table, *short, sep="\n")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
