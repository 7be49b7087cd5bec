"""Reports for snapshots of the terminal: a run that passes, one that fails, one that skips, and one of odd names."""

from functools import cache

import numpy as np

from goldmask.contract.bundle import DelegatedNodes
from goldmask.contract.errors import ExitCode
from goldmask.report.report import Report, Skipped, exit_code
from goldmask.verdict.compare import Comparison, Delegation, Judged, NotJudged, NotRun, Threads, Verdict
from goldmask.verdict.latency import Measured, figure
from goldmask.verdict.metrics import Metrics, measure

CASES = ("astronaut", "chelsea", "coffee", "rocket")
MISSING = (
    "cannot fetch deeplabv3.tflite (https://storage.example.org/tflite/task_library/image_segmentation/android/"
    "lite-model_deeplabv3_1_metadata_2.tflite: no connection; mirror /mirror: does not have it)"
)


@cache
def metrics(differing: int, confident: int | None) -> Metrics:
    golden = np.zeros((257, 257), np.uint8)
    mask = golden.copy()
    mask.flat[:differing] = 1
    ties = None if confident is None else differing - confident
    measured = measure(golden, mask, None, ("background", "person"))
    return measured.model_copy(update={"confident_flips": confident, "tie_flips": ties})


def judged(
    model: str, target: str, pipeline: str, case: str, verdict: Verdict, reason: str, differing: int = 0, **rest: object
) -> Judged:
    times = (1.5, 1.4 + len(case) / 10, 1.3)
    fields = {
        "metrics": metrics(differing, 0 if verdict is not Verdict.FAIL else differing),
        "latency": Measured(init_ms=3, first_ms=9, inference_ms=times, inference=figure(times)),
        "exit_code": ExitCode.MASKS_DIFFER if verdict is Verdict.FAIL else ExitCode.OK,
        "runtime": "litert 1.4.0, xnnpack, 2 threads",
        "delegate": Delegation(ran="xnnpack", nodes=DelegatedNodes(delegated=71, of=71)),
        "threads": Threads(ran=2),
    }
    names = {"model": model, "target": target, "pipeline": pipeline, "case": case}
    return Judged.model_validate(names | {"verdict": verdict, "reason": reason} | fields | rest)


def passed(model: str, target: str, pipeline: str, **rest: object) -> list[Comparison]:
    return [judged(model, target, pipeline, case, Verdict.PASS, "all 66,049 pixels equal", **rest) for case in CASES]


def report(*rows: Comparison, skipped: tuple[Skipped, ...] = (), notes: tuple[str, ...] = ()) -> Report:
    code = exit_code(rows)
    return Report(schema=1, exit_code=code, environment={}, comparisons=rows, skipped=skipped, notes=notes)


def passing() -> Report:
    """All pass; one warns, one passes under an override, one target has fewer threads than were asked for."""
    one_thread = {"runtime": "tensorflow-lite 2.16.1, xnnpack, 1 threads", "threads": Threads(asked=4, ran=1)}
    warned = "boundary F 98.2000% (at least 99.00%); 12 tie flips, 0 confident flips of 66,049 pixels"
    changed = "3 tie flips, 0 confident flips of 66,049 pixels (tolerances changed: the kerb is disputed)"
    return report(
        *passed("shapes", "python", "lib_interpreter", threads=Threads(asked=2, ran=2)),
        *passed("shapes", "android-jvm", "lib_interpreter", **one_thread),
        *passed("deeplabv3", "python", "lib_interpreter")[:3],
        judged("deeplabv3", "python", "lib_interpreter", "rocket", Verdict.PASS, changed, 3),
        *passed("deeplabv3", "python", "lib_task_api")[:3],
        judged("deeplabv3", "python", "lib_task_api", "rocket", Verdict.WARN, warned, 12),
        notes=("emulator-5554: latency is advice only: EMULATOR DEBUGGABLE",),
    )


def failing() -> Report:
    """One mask differs on a phone's code, one on the reference; one run crashed, and goldens of a model are stale."""
    place = ("shapes", "android-jvm", "lib_interpreter")
    flip = "1 confident flip (at most 0); first difference: input tensor"
    flips = (
        "281 confident flips (at most 0); agreement 99.5745% (at least 99.90%); other classes than the golden "
        "(added: none; missing: person); the input tensors are equal, so the difference is made by inference "
        "or after it"
    )
    error = {"model": "shapes", "target": "android-jvm", "pipeline": "lib_interpreter"}
    crash = "run: the JVM ended before this case was done (signal 11: SIGSEGV in libtensorflowlite_jni.so)"
    stale = (
        "stale: recorded of model 9711334db2b0…, the model is 0d4a1b7c22f1…\n  try: ./goldmask golden.record --mode all"
    )
    return report(
        *passed("shapes", "python", "lib_interpreter")[:3],
        judged(
            "shapes", "python", "lib_interpreter", "rocket", Verdict.FAIL, flips, 281,
            picture="diffs/python.lib_interpreter.shapes.rocket.png",
        ),
        *passed(*place)[:2],
        judged(*place, "coffee", Verdict.FAIL, flip, 1, picture="diffs/android-jvm.lib_interpreter.shapes.coffee.png"),
        NotJudged(**error, case="rocket", reason=crash, exit_code=ExitCode.RUN),
        *(
            NotJudged(
                model="deeplabv3", target="python", pipeline=pipeline, case=case, reason=stale,
                exit_code=ExitCode.GOLDEN,
            )
            for pipeline in ("lib_interpreter", "lib_task_api")
            for case in CASES
        ),
    )  # fmt: skip


def skipping() -> Report:
    """The starter model cannot be fetched, and there is no JDK."""
    jdk = "a JDK is needed and no java is on PATH"
    cures = {
        MISSING: "put it into a folder and set GOLDMASK_MIRROR=<that folder>",
        jdk: "sudo apt-get install openjdk-17-jdk-headless",
    }
    places = [
        (model, target, pipeline, MISSING if model == "deeplabv3" else jdk)
        for model, pipeline in (
            ("shapes", "lib_interpreter"),
            ("deeplabv3", "lib_interpreter"),
            ("deeplabv3", "lib_task_api"),
        )
        for target in ("python", "android-jvm")
        if (model, target) != ("shapes", "python")
    ]  # fmt: skip
    return report(
        *passed("shapes", "python", "lib_interpreter"),
        *(
            NotRun(model=model, target=target, pipeline=pipeline, case=case, reason=reason)
            for model, target, pipeline, reason in places
            for case in CASES
        ),
        skipped=tuple(
            Skipped(model=model, target=target, pipeline=pipeline, reason=reason, fix=cures[reason])
            for model, target, pipeline, reason in places
        ),
    )


def odd() -> Report:
    """Names as long as they may be, and a reason in signs that are two columns wide, without a space."""
    model, case = "model-" + "0123456789" * 5 + "-int8", "case-" + "abcdefghij" * 5
    place = (model, "ios-simulator.iphone-16-pro-max-26.1", "lib_interpreter")
    picture = f"diffs/{'.'.join(place)}.{case}.png"
    reason = "the app ended before this case was done: " + "デバイスの準備ができていません" * 6
    return report(
        judged(*place, case, Verdict.FAIL, "1 confident flip (at most 0)", 1, picture=picture),
        judged(*place, "猫の写真", Verdict.FAIL, "1 confident flip (at most 0)", 1),
        NotJudged(
            model="m", target="python", pipeline="lib_interpreter", case="ü", reason=reason, exit_code=ExitCode.RUN
        ),
    )
