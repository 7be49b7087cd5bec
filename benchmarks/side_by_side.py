"""How often `bench` is right about apps on android-jvm whose difference is known: none, and a tenth more time.

.venv/bin/python benchmarks/side_by_side.py [--small] [--benches N]
Twenty times the example app against itself, and twenty times against tests/android/sabotage's wasteful twin, with the
starter model. Exit code 1 where a requirement is not met. --small does one of the latter, with few runs, and judges
nothing. It is for a quiet machine: `sudo chrt -f 20 taskset -c 1 ...` keeps a core for it.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

from goldmask.project.config import load_config  # noqa: E402 - after the path that makes it importable
from goldmask.project.options import from_flags  # noqa: E402
from goldmask.workflows.bench import Benched, bench, side_of  # noqa: E402

BENCHES, PAIRS = 20, 20
# At most or at least so many of the twenty.
FALSE_MAX, UNCLEAR_MAX, SLOWER_MIN = 1, 2, 19
COMMON = {"model": "deeplabv3", "target": "android-jvm", "pipeline": "lib_interpreter"}
WASTEFUL = """schema = 1
[suites.default]
models = ["deeplabv3"]
[android]
folder = "{folder}"
[android.lib_interpreter]
module = "sabotage"
test = "org.goldmask.sabotage.WastefulGoldenTest"
"""


@contextmanager
def wasteful() -> Iterator[Path]:
    """A project with goldmask's models and the app that wastes time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").symlink_to(ROOT / "models")
        (folder / "goldmask.toml").write_text(WASTEFUL.format(folder=ROOT / "tests/android/sabotage"), "utf-8")
        yield folder


def line(number: int, found: Benched, took_s: float) -> str:
    """A bench in one line."""
    ratios = {"total": found.total, "inference": found.inference}
    figures = ", ".join(f"{name} {ratio.change}" for name, ratio in ratios.items() if ratio)
    return f"{number:2} {found.change:8} {figures}, {len(found.blocks) // 2} pairs, {took_s:.0f} s"


def main(words: list[str]) -> int:
    """Every bench, and how they ended; 1 where a requirement is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--benches", type=int, default=BENCHES)
    arguments = parser.parse_args(words)
    small, config = arguments.small, load_config(ROOT)
    given = from_flags({"threads": "1"} | ({"warmup": "1", "runs": "4", "min_duration_s": "0.01"} if small else {}))
    ended: dict[str, Counter[str]] = {}
    with wasteful() as folder:
        kinds = {"A/A": "", "a tenth more time": f"project={folder}"}
        for name, text in list(kinds.items())[1 if small else 0 :]:
            print(f"{name}:", flush=True)
            sides = side_of("A", "", COMMON, given), side_of("B", text, COMMON, given)
            for number in range(1 if small else arguments.benches):
                began = time.monotonic()
                found = bench(ROOT, config, sides, (), folder / "out", 2 if small else PAIRS, seed=number)
                ended.setdefault(name, Counter())[found.change] += 1
                print(line(number + 1, found, time.monotonic() - began), flush=True)
            print(f"{name}: {', '.join(f'{count} {word}' for word, count in ended[name].items())}", flush=True)
    if small:
        return 0
    same, slower = ended["A/A"], ended["a tenth more time"]
    wrong = same["slower"] + same["faster"] > FALSE_MAX or same["unclear"] > UNCLEAR_MAX
    return int(wrong or slower["slower"] < SLOWER_MIN - (BENCHES - arguments.benches))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
