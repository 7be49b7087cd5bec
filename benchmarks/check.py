"""What a warm `./goldmask check --target python` costs beyond its reference processes; and what the launcher costs.

.venv/bin/python benchmarks/check.py [--small]
--small does everything once or twice and judges no time: it shows that the benchmark works.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

from goldmask.machine import shell  # noqa: E402 - after the path that makes it importable
from goldmask.machine.resources import REFERENCES  # noqa: E402
from goldmask.targets import python  # noqa: E402

ROUNDS = 7
OVERHEAD_LIMIT_S, LAUNCHER_LIMIT_S = 1.5, 0.5


def seconds(*words: object, log: Path) -> float:
    """Wall seconds of a process that must succeed."""
    started = time.perf_counter()
    done = shell.run([str(word) for word in words], log=log, deadline_s=300, cwd=ROOT)
    assert done.code == 0, done.log_tail()
    return time.perf_counter() - started


def main(small: bool) -> int:
    """check, then the two reference processes alone on the same requests, in turn."""
    rounds = 1 if small else ROUNDS
    with tempfile.TemporaryDirectory() as name:
        out, log = Path(name) / "out", Path(name) / "log"
        check = ("./goldmask", "check", "--target", "python", *(("--model", "shapes") if small else ()), "--out", out)
        seconds(*check, log=log)
        checks, references, launches, bare = [], [], [], []
        for _ in range(rounds):
            checks.append(seconds(*check, log=log))
            alone = 0.0
            for request in sorted(out.glob("bundles/python/*/*/request.json")):
                pipeline = request.parent.parent.name
                script = REFERENCES / python.SCRIPTS[pipeline, "litert"]
                alone += seconds(
                    *(sys.executable, "-m", "uv", "run", "--quiet", "--offline", "--script", script),
                    *(request, "--out", Path(name) / "alone"),
                    log=log,
                )
            references.append(alone)
            launches.append(seconds("./goldmask", "--version", log=log))
            bare.append(seconds(sys.executable, "-c", "pass", log=log))
    overheads = [whole - alone for whole, alone in zip(checks, references, strict=True)]
    overhead, launcher = statistics.median(overheads), statistics.median(launches) - statistics.median(bare)
    print(f"median of {rounds} rounds in turn, everything warm")
    print(f"  ./goldmask check                 {statistics.median(checks):6.2f} s")
    print(f"  its reference processes alone    {statistics.median(references):6.2f} s")
    print(f"  overhead                         {overhead:6.2f} s (under {OVERHEAD_LIMIT_S})")
    print(f"  share of check                   {overhead / statistics.median(checks):6.0%}")
    print(f"  launcher beyond a bare Python    {launcher:6.2f} s (under {LAUNCHER_LIMIT_S})")
    return 0 if small or (overhead < OVERHEAD_LIMIT_S and launcher < LAUNCHER_LIMIT_S) else 1


if __name__ == "__main__":
    sys.exit(main("--small" in sys.argv))
