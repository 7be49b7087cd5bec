"""`goldmask compare` of 10,000 results with margin maps: seconds, memory, and whether a case costs as much as of 1,000.

.venv/bin/python benchmarks/compare.py [--small]
--small compares a few results and judges no time: it shows that the benchmark works.
"""

import contextlib
import hashlib
import io
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

from goldmask.contract.bundle import (  # noqa: E402 - after the path
    Bundle,
    ModelInfo,
    Predicted,
    RuntimeInfo,
    Tap,
    TargetInfo,
    save,
)
from goldmask.contract.mask import encode_margin, encode_mask  # noqa: E402
from goldmask.machine import shell  # noqa: E402
from goldmask.machine.cores import cores, on_all_cores  # noqa: E402

SIZE, CLASSES, MANY, TENTH, TIES = 257, 21, 10_000, 1_000, 30
# What differs in the masks of a bundle: nothing; a few pixels whose margins are tiny; a tenth of the areas.
LIMITS_S = {"equal": 8, "ties": 30, "failing": 30}
MEMORY_LIMIT_MB, GROWTH_LIMIT = 400, 1.2


def prepare(folder: Path, cases: int) -> None:
    """A golden with margin maps and a bundle of each kind. No two masks of a bundle are equal."""
    from metrics import pair  # with scikit-learn, which `compare` does not load

    pairs = [pair(seed) for seed in range(8)]

    def put(name: str, data: bytes) -> str:
        (folder / name).write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    def write(index: int) -> dict[str, Predicted]:
        random = np.random.default_rng(index)
        case, shift = f"case-{index:05d}", random.integers(0, SIZE, 2).tolist()
        expected, moved, margin = (np.roll(plane, shift, (0, 1)) for plane in pairs[index % len(pairs)])
        rows, columns = random.integers(0, SIZE, (2, TIES))
        ties, margin = expected.copy(), np.round(margin)
        ties[rows, columns] = (ties[rows, columns] + 1) % CLASSES
        margin[rows, columns] = 0.0005
        results = {
            kind: Predicted(
                case=case,
                image_sha256=hashlib.sha256(case.encode()).hexdigest(),
                status="ok",
                mask=f"masks/{case}.png",
                mask_sha256=put(f"{kind}/masks/{case}.png", encode_mask(mask)),
                mask_size=(SIZE, SIZE),
            )
            for kind, mask in (("golden", expected), ("equal", expected), ("ties", ties), ("failing", moved))
        }
        name = f"taps/{case}.png"
        tap = Tap(file=name, sha256=put(f"golden/{name}", encode_margin(margin)), unit="score")
        return results | {"golden": results["golden"].model_copy(update={"taps": {"margin": tap}})}

    for name in ("golden/taps", *(f"{kind}/masks" for kind in ("golden", *LIMITS_S))):
        (folder / name).mkdir(parents=True)
    results = list(on_all_cores(write, range(cases)))
    for kind in ("golden", *LIMITS_S):
        for count in {1, cases // 10, cases}:
            save(bundle_of(tuple(each[kind] for each in results[:count])), folder / kind / f"{count}.json")


def bundle_of(results: tuple[Predicted, ...]) -> Bundle:
    """A bundle that says it was made on a host."""
    return Bundle(
        schema=1,
        target=TargetInfo(name="python", kind="host", platform="linux", abi="x86_64", os="linux"),
        pipeline="lib_interpreter",
        runtime=RuntimeInfo(name="LiteRT", version="1", delegate="cpu", threads=1),
        model=ModelInfo(name="model", sha256="b" * 64),
        started_at="2026-01-01T00:00:00+00:00",
        results=results,
    )


def compare(golden: str, bundle: str, out: str) -> None:
    """In a process of its own: `compare`, and then what it took of the processors and the memory."""
    from goldmask.cli.compare import run_compare

    with contextlib.redirect_stdout(io.StringIO()):
        code = run_compare(golden, bundle, out)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"code": code, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """The most memory that this process ever had."""
    with contextlib.suppress(FileNotFoundError):
        # Linux' ru_maxrss begins with what the parent had.
        status = Path("/proc/self/status").read_text("ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def measured(folder: Path, kind: str, cases: int) -> tuple[float, float, float]:
    """(wall seconds, processor seconds, peak megabytes) of comparing the first `cases` cases."""
    for side in ("golden", kind):
        (folder / side / "bundle.json").write_bytes((folder / side / f"{cases}.json").read_bytes())
    argv = (sys.executable, __file__, "--in", folder / "golden", folder / kind, folder / "out")
    started = time.perf_counter()
    done = shell.run(argv, log=folder / "log", deadline_s=900, cwd=folder)
    took = time.perf_counter() - started
    assert done.code == 0, done.stdout + done.log_tail()
    answer = json.loads(done.stdout.splitlines()[-1])
    rows = json.loads((folder / "out/report.json").read_text("utf-8"))["comparisons"]
    assert len(rows) == cases and answer["code"] == (10 if kind == "failing" else 0), done.stdout
    return took, answer["cpu_s"], answer["peak_mb"]


def main(small: bool) -> int:
    """Each kind of bundle: one result, a tenth of them, all."""
    many, tenth = (20, 2) if small else (MANY, TENTH)
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, many)
        print(f"{many:,} results of {SIZE}×{SIZE}, {CLASSES} classes, with margin maps, on {cores()} cores")
        print("  masks     seconds (under)   peak MB   processor ms a case, of them : of the first tenth   (under)")
        for kind, limit_s in LIMITS_S.items():
            _, start_s, _ = measured(folder, kind, 1)
            _, tenth_s, _ = measured(folder, kind, tenth)
            took_s, all_s, peak = measured(folder, kind, many)
            later, first = (all_s - tenth_s) / (many - tenth), (tenth_s - start_s) / (tenth - 1)
            growth = later / first
            print(
                f"  {kind:9} {took_s:7.1f} ({limit_s:5}) {peak:9.0f} {later * 1e3:11.2f} : {first * 1e3:.2f}"
                f" = {growth:.2f} ({GROWTH_LIMIT})"
            )
            good &= took_s < limit_s and peak < MEMORY_LIMIT_MB and growth < GROWTH_LIMIT
    return 0 if small or good else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in"]:
        compare(*sys.argv[2:])
    else:
        sys.exit(main("--small" in sys.argv))
