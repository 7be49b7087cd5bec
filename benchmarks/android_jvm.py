"""Inference on android-jvm against a C program with the same library, delegate and threads; and a warm check's seconds.

.venv/bin/python benchmarks/android_jvm.py [--small]
--small does everything once or twice and judges no time: it shows that the benchmark works.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

from goldmask.android import bionic  # noqa: E402 - after the path that makes it importable
from goldmask.android_build import maven  # noqa: E402 - after the path that makes it importable
from goldmask.android_build.dependency_lock import load_lock  # noqa: E402
from goldmask.android_build.gradle_files import project_of  # noqa: E402
from goldmask.android_build.jdk import find_jdk  # noqa: E402
from goldmask.android_build.kotlin import Kotlin  # noqa: E402
from goldmask.contract.bundle import Request  # noqa: E402
from goldmask.contract.image import decode, resize  # noqa: E402
from goldmask.contract.input_tensor import to_tensor  # noqa: E402
from goldmask.contract.options import Delegate, Options  # noqa: E402
from goldmask.machine import shell  # noqa: E402 - after the path that makes it importable
from goldmask.project.case import fetch_case  # noqa: E402
from goldmask.project.model import fetch_model, load_spec, model_folder  # noqa: E402
from goldmask.targets import android_jvm  # noqa: E402
from goldmask.targets.target import Context  # noqa: E402

ROUNDS, WARMUP, RUNS = 5, 5, 60
RATIO_LIMIT, CHECK_LIMIT_S = 1.1, 15.0
# A request's delegate and threads, and the threads that the Java API then really uses; 0 is XNNPACK's own default.
Setting = tuple[Delegate, int, int]
SETTINGS: tuple[Setting, ...] = (("cpu", 2, 2), ("cpu", 1, 1), ("xnnpack", 2, 0))


def native_folder(context: Context) -> Path:
    """The app's native libraries, made loadable."""
    project, test = project_of(context.android, context.root, "lib_interpreter")
    kotlin = Kotlin(project, load_lock(project.folder), find_jdk(), context.logs)
    files = maven.native_libraries(android_jvm.library_files(kotlin, test.module), bionic.loadable_abi())
    return bionic.prepare(
        [path for path in files if not bionic.needs_a_device(path)], bionic.loadable_abi(), context.logs
    )


def main(small: bool) -> int:
    """Each setting in turn on both, round after round; then the check."""
    rounds, warmup, runs = (1, 1, 2) if small else (ROUNDS, WARMUP, RUNS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        context = Context(ROOT, folder / "logs")
        spec = load_spec(ROOT, "deeplabv3")
        model = fetch_model(ROOT, "deeplabv3", spec)
        case = fetch_case(next(case for case in spec.cases if case.id == "rotation0"), model_folder(ROOT, "deeplabv3"))
        request = Request(schema=1, model=model.request(), options=Options(pipeline="lib_interpreter"), cases=(case,))
        size = request.model.input
        pixels = resize(decode(Path(case.file)), size.height, size.width)
        (folder / "input").write_bytes(to_tensor(pixels, size).tobytes())
        android_jvm.machine("lib_interpreter", context)
        natives = native_folder(context)
        abi, program = bionic.loadable_abi(), folder / "invoke"
        words: list[str | Path] = ["-O2", "-pthread", "-o", program, ROOT / "benchmarks/invoke.c", "-ldl"]
        done = bionic.compile_c(abi, words, folder / "invoke.log")
        assert done.code == 0, done.log_tail()

        jvm: dict[Setting, list[float]] = {}
        alone: dict[Setting, list[float]] = {}
        for _ in range(rounds):
            for setting in SETTINGS:
                delegate, threads, used = setting
                options = Options(pipeline="lib_interpreter", delegate=delegate, threads=threads)
                options = options.model_copy(update={"warmup": warmup, "runs": runs})
                timed = request.model_copy(update={"options": options})
                bundle = android_jvm.TARGET.session(context).run(timed, folder / "bundle")
                (result,) = bundle.results
                assert bundle.runtime.delegate == delegate and result.latency, bundle.runtime
                jvm.setdefault(setting, []).append(statistics.median(result.latency.inference_ms))
                argv: list[str | Path] = [program, natives / "libtensorflowlite_jni.so", request.model.file]
                argv += [str(used), delegate, folder / "input", folder / "output", str(warmup + runs)]
                done = shell.run(
                    argv, log=folder / "c.log", deadline_s=300, env=bionic.environment(natives, abi) or None
                )
                assert done.code == 0, done.log_tail()
                times = [json.loads(line)["ms"] for line in done.stdout.splitlines()]
                alone.setdefault(setting, []).append(statistics.median(times[warmup:]))

        worst = 0.0
        print(f"median inference of {runs} runs, {rounds} rounds in turn: android-jvm : C program")
        for setting in SETTINGS:
            ratio = statistics.median(a / b for a, b in zip(jvm[setting], alone[setting], strict=True))
            worst = max(worst, ratio)
            medians = f"{statistics.median(jvm[setting]):6.2f} ms : {statistics.median(alone[setting]):6.2f} ms"
            print(f"  {setting[0]:8} {setting[1]} threads  {medians}  = {ratio:.3f} (under {RATIO_LIMIT})")

        words = ["./goldmask", "check", "--model", "deeplabv3", "--out", str(folder / "out")]
        took = []
        for _ in range(1 if small else 3):
            started = time.perf_counter()
            done = shell.run(words, log=folder / "check.log", deadline_s=300, cwd=ROOT)
            assert done.code == 0, done.stdout
            took.append(time.perf_counter() - started)
    print(
        f"warm check of deeplabv3, python and android-jvm, both flavours: {min(took):.1f} s (under {CHECK_LIMIT_S:g})"
    )
    return 0 if small or (worst < RATIO_LIMIT and min(took) < CHECK_LIMIT_S) else 1


if __name__ == "__main__":
    sys.exit(main("--small" in sys.argv))
