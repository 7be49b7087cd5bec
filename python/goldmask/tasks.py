"""The tasks of goldmask, for `./goldmask`, for `inv` and for tasks.py files of other repositories.

The commands room has the tasks. A body imports for itself: listing the tasks loads neither numpy nor rich.
"""

import sys

from invoke import Collection, Task

from . import __version__
from .cli import streams
from .cli.command import exit_code_of
from .cli.flags import spread
from .commands import android, bench, deeplab, diagnose, farm, golden, ios, models, program, rig
from .machine import interrupts


def _tasks() -> Collection:
    root = Collection(
        "goldmask",
        *(program.check, program.run, program.compare, diagnose.diagnose, program.report, program.doctor),
        *(program.init, program.test),
    )
    phones = Collection(
        "android",
        *(android.benchmark, android.build, android.lock, android.matrix, android.sdk),
        Collection("apk", android.apk_verify),
        Collection("emulator", android.emulator_up, android.emulator_down, android.emulator_list),
        _with_default("farm", farm.plan, farm.collect),
    )
    decisions = (golden.pending, golden.review, golden.accept, golden.reject)
    for each in (
        phones,
        _with_default("bench", bench.ab, bench.record),
        Collection("latency", bench.history),
        Collection("ios", ios.build, Collection("simulator", ios.simulator_list)),
        Collection("models", models.add, models.list_, models.fetch, models.info, models.metadata, models.pin),
        Collection("deeplab", deeplab.train, deeplab.export, deeplab.tradeoff),
        Collection("golden", golden.record, golden.verify, golden.prune, golden.calibrate, *decisions),
        Collection("rig", rig.record),
    ):
        root.add_collection(each)
    return root


def _with_default(name: str, default: Task, *others: Task) -> Collection:
    """A collection whose own name is a task too: `bench` beside `bench.record`."""
    collection = Collection(name, *others)
    collection.add_task(default, default=True)
    return collection


namespace = _tasks()


def main() -> None:
    """The program `goldmask`."""
    code = exit_code_of(_run)
    interrupts.ignore()
    sys.exit(streams.finish(code))


def _run() -> None:
    interrupts.catch()
    streams.guard()
    from .cli.program import GoldmaskProgram

    program = GoldmaskProgram(version=__version__, namespace=namespace, name="goldmask", binary="goldmask")
    program.run(["goldmask", *(spread(sys.argv[1:]) or ["--list"])])
