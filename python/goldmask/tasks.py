"""The tasks of goldmask, for `./goldmask`, for `inv` and for tasks.py files of other repositories.

Each task is its flags, its help and one call into the cli room. A body imports for itself: listing the tasks loads
neither numpy nor rich.
"""

import sys

from invoke import Collection

from . import __version__
from .cli import streams
from .cli.command import command, deeplab_program, exit_code_of
from .cli.flags import spread
from .machine import interrupts
from .project.options import OPTIONS

ALL = tuple(OPTIONS)
PIPELINE = "lib_interpreter"


@command(
    several=("model", "pipeline", "target", "case"),
    options=ALL,
    example="./goldmask check --model shapes --target python --target android-jvm",
)
def check(
    c,
    suite="default",
    model=None,
    pipeline=None,
    target=None,
    case=None,
    last_failed=False,
    fail_fast=False,
    across=False,
    against="",
    out="",
    verbose=False,
    **flags,
):
    """Does every target still predict the golden masks? Fetch, run, compare, report."""
    from .cli.check import CheckFlags, run_check

    chosen = CheckFlags(suite, model, pipeline, target, case, last_failed, fail_fast, out, flags, across, against)
    return run_check(chosen, verbose)


@command(
    several=("image",), options=ALL, example="./goldmask run --model my.tflite --image photos/*.jpg --out build/mine"
)
def run(c, target="python", pipeline="lib_interpreter", model="", image=None, out="", **flags):
    """Run any model on any images, and keep the bundle."""
    from .cli.run import run_adhoc

    return run_adhoc(target, pipeline, model, image, out, flags)


@command(example="./goldmask compare --golden build/mine --bundle build/theirs")
def compare(c, golden="", bundle="", out="", verbose=False, across=False):
    """Compare two bundles on disk, or the goldens of two models; nothing is run."""
    from .cli.compare import run_compare

    return run_compare(golden, bundle, out, verbose, across)


@command(example="./goldmask report --out build/check")
def report(c, out="", verbose=False):
    """Show the report of an earlier check again."""
    from .cli.check import show_report

    return show_report(out, verbose)


@command(example="./goldmask init --ci github")
def init(c, ci=""):
    """Start a project in this folder: goldmask.toml, and with --ci a workflow that checks each push."""
    from .cli.own_models import start_project

    return start_project(ci)


@command(example="./goldmask doctor")
def doctor(c):
    """What can run here, what is missing, and the command that fixes it."""
    from .cli.doctor import show_doctor

    return show_doctor()


@command(example="./goldmask test --fast")
def test(c, select="", fast=False, coverage=False, fuzz=0):
    """Run goldmask's own tests."""
    from .cli.testing import run_tests

    return run_tests(select, fast, coverage, fuzz)


@command(name="list", example="./goldmask models.list")
def models_list(c):
    """List the declared models."""
    from .cli.models import list_models

    return list_models()


@command(name="fetch", several=("model",), example="./goldmask models.fetch --model deeplabv3")
def models_fetch(c, model=None):
    """Download models and their images into the cache."""
    from .cli.models import fetch_models

    return fetch_models(model)


@command(name="info", example="./goldmask models.info --model my.tflite")
def models_info(c, model=""):
    """Show a model's tensors, quantisation, metadata and labels."""
    from .cli.models import show_model

    return show_model(model)


@command(name="add", several=("image",), example="./goldmask models.add road.tflite --image photos/*.jpg")
def models_add(c, file, image=None, name="", truth=""):
    """Declare a model of your own with its images; starts a project where there is none."""
    from .cli.own_models import add_model

    return add_model(file, image, name, truth)


@command(name="pin", several=("model",), example="./goldmask models.pin --model road")
def models_pin(c, model=None):
    """Declare the sha256 that models and images beside model.toml have now; says which changed."""
    from .cli.own_models import pin_models

    return pin_models(model)


@command(
    name="metadata",
    several=("mean", "std", "label"),
    example="./goldmask models.metadata --model road --mean 127.5 --std 127.5 --label road kerb sky",
)
def models_metadata(c, model="", mean=None, std=None, label=None, out=""):
    """Write normalisation and labels into a model's file, as the Task Library needs them."""
    from .cli.own_models import describe_model

    return describe_model(model, mean, std, label, out)


@command(name="record", several=("model", "pipeline"), example="./goldmask golden.record --model shapes")
def golden_record(c, model=None, pipeline=None, mode="", assume=False, ties=False):
    """Run the reference; masks that are not golden pend until they are accepted."""
    from .cli.golden import record_goldens

    return record_goldens(model, pipeline, mode, assume, ties)


@command(name="pending", several=("model", "case"), example="./goldmask golden.pending")
def golden_pending(c, model=None, case=None, from_=""):
    """List masks that wait for a decision; exit 5 if there are any."""
    from .cli.review import list_pending

    return list_pending(model, case, from_)


@command(name="review", several=("model", "case"), example="./goldmask golden.review --from downloaded/goldmask")
def golden_review(c, model=None, case=None, reason="", from_=""):
    """Look at masks that wait for a decision one by one: accept, reject, skip."""
    from .cli.review import review_pending

    return review_pending(model, case, reason, from_)


@command(
    name="accept", several=("model", "case"), example="./goldmask golden.accept --all --reason 'retrained on rain'"
)
def golden_accept(c, model=None, case=None, all=False, reason="", from_=""):
    """Make masks that wait golden; the reason goes into their provenance."""
    from .cli.review import accept_pending

    return accept_pending(model, case, all, reason, from_)


@command(
    name="reject", several=("model", "case"), example="./goldmask golden.reject --case crossing --reason 'no kerb'"
)
def golden_reject(c, model=None, case=None, all=False, reason="", from_=""):
    """Drop masks that wait; a check tells that they were rejected."""
    from .cli.review import reject_pending

    return reject_pending(model, case, all, reason, from_)


@command(name="verify", several=("model", "pipeline"), example="./goldmask golden.verify --model shapes")
def golden_verify(c, suite="default", model=None, pipeline=None, runtime="", out="", verbose=False):
    """Run the reference again and compare; unused goldens fail too. Writes no golden."""
    from .cli.golden import verify_goldens

    return verify_goldens(suite, model, pipeline, runtime, out, verbose)


@command(name="calibrate", several=("model",), example="./goldmask golden.calibrate --model road-int8 --write")
def golden_calibrate(c, model=None, write=False):
    """Measure how undecided the pixels are that flip between delegates, threads and runtimes; propose a tie margin."""
    from .cli.golden import calibrate_margins

    return calibrate_margins(model, write)


@command(name="prune", several=("model",), example="./goldmask golden.prune")
def golden_prune(c, model=None):
    """Remove goldens that no case uses."""
    from .cli.golden import prune_goldens

    return prune_goldens(model)


@command(name="train", example="./goldmask deeplab.train --steps 600 --out build/training")
def deeplab_train(c, version="v3+", steps=0, seed=0, out=""):
    """Train a DeepLab on synthetic shapes; goes on where it stopped."""
    return deeplab_program().run_train(version, steps, seed, out)


@command(name="export", example="./goldmask deeplab.export --weights build/training")
def deeplab_export(c, weights="", out=""):
    """Write a trained model as float32, float16, dynamic-range and int8 .tflite with metadata, and score them."""
    return deeplab_program().run_export(weights, out)


@command(name="tradeoff", example="./goldmask deeplab.tradeoff --weights build/training")
def deeplab_tradeoff(c, weights="", out=""):
    """Measure output strides and DeepLab versions: scores, latency, operations, memory."""
    return deeplab_program().run_tradeoff(weights, out)


@command(name="lock", example="./goldmask android.lock")
def android_lock(c):
    """Resolve the Android project's dependencies anew and write their lock."""
    from .cli.android import lock_android

    return lock_android()


@command(name="build", several=("pipeline",), example="./goldmask android.build --pipeline lib_interpreter")
def android_build(c, pipeline=None, abi=""):
    """Build the Android app and its golden test: two signed APKs a pipeline, without Gradle or an SDK."""
    from .cli.android import build_android

    return build_android(pipeline, abi)


@command(name="verify", example="./goldmask android.apk.verify --apk app.apk")
def apk_verify(c, apk=""):
    """Look into an APK: package, signature, alignment, classes, native libraries, permissions."""
    from .cli.apk import verify_apk

    return verify_apk(apk)


@command(
    name="matrix",
    several=("runtime", "model"),
    options=("threads", "delegate", "abi"),
    example="./goldmask android.matrix --runtime 2.14.0 2.16.1",
)
def android_matrix(c, runtime=None, suite="default", model=None, out="", **flags):
    """What would another TensorFlow Lite do to masks and latency? One table, on android-jvm."""
    from .cli.android import run_matrix

    return run_matrix(runtime, suite, model, out, flags)


@command(name="build", several=("destination",), example="./goldmask ios.build --destination 'iPhone 16'")
def ios_build(c, destination=None, out=""):
    """Build the iOS app and its golden test, if anything changed."""
    from .cli.ios import build_ios

    return build_ios(destination, out)


@command(name="list", example="./goldmask ios.simulator.list")
def ios_simulator_list(c):
    """List the simulators and phones that --destination can name."""
    from .cli.ios import list_destinations

    return list_destinations()


@command(name="sdk", example="./goldmask android.sdk --accept-licences")
def android_sdk(c, accept_licences=False):
    """Install what an emulator needs of the Android SDK."""
    from .cli.android import install_sdk

    return install_sdk(accept_licences)


@command(
    name="benchmark",
    several=("image",),
    options=("threads", "delegate", "device", "warmup", "runs"),
    example="./goldmask android.benchmark --binary benchmark_model --model shapes",
)
def android_benchmark(c, binary="", model="shapes", image=None, pipeline=PIPELINE, profile=False, out="", **flags):
    """Time the app and TensorFlow Lite's benchmark_model on one device, side by side."""
    from .cli.android import run_benchmark

    return run_benchmark(binary, model, image, pipeline, profile, out, flags)


@command(
    name="plan", several=("image", "phone"), example="./goldmask android.farm --flank --phone model=Pixel6,version=33"
)
def farm_plan(
    c,
    flank=False,
    firebase=False,
    model="shapes",
    image=None,
    pipeline="lib_interpreter",
    phone=None,
    retries=0,
    shards=1,
    out="",
):
    """Write flank.yml, or a gcloud command, that runs the golden test on Firebase Test Lab."""
    from .cli.farm import plan_farm

    return plan_farm(flank, firebase, model, image, pipeline, phone, retries, shards, out)


@command(name="collect", example="./goldmask android.farm.collect --results results")
def farm_collect(c, results="", plan="", out=""):
    """Turn the results of a farm into bundles, ready to compare."""
    from .cli.farm import collect_farm

    return collect_farm(results, plan, out)


@command(name="up", example="./goldmask android.emulator.up")
def emulator_up(c):
    """Boot an Android emulator, and leave it running."""
    from .cli.emulator import start_emulator

    return start_emulator()


@command(name="down", example="./goldmask android.emulator.down")
def emulator_down(c):
    """Stop the emulators that goldmask started, and no others."""
    from .cli.emulator import stop_emulators

    return stop_emulators()


@command(name="list", example="./goldmask android.emulator.list")
def emulator_list(c):
    """List running emulators, and who started them."""
    from .cli.emulator import list_emulators

    return list_emulators()


@command(
    name="record",
    several=("model", "pipeline", "target"),
    options=ALL,
    example="./goldmask rig.record --target ios-simulator",
)
def rig_record(c, suite="default", model=None, pipeline=None, target=None, out="", transcripts="", **flags):
    """Check, and write down what every tool answers, without what identifies anybody."""
    from .cli.rig import CheckFlags, record_check

    return record_check(CheckFlags(suite, model, pipeline, target, out=out, options=flags), transcripts)


@command(
    name="ab",
    several=("image",),
    options=("threads", "delegate", "runtime", "resize", "abi", "device", "warmup", "runs", "min_duration_s", "seed"),
    example="./goldmask bench --model shapes --a delegate=xnnpack --b delegate=cpu",
)
def bench_ab(c, a="", b="", model="shapes", target="python", pipeline=PIPELINE, image=None, pairs=20, out="", **flags):
    """Which of two sides is faster: models, runtimes, delegates, thread counts or targets, measured in turn."""
    from .cli.bench import a_against_b

    return a_against_b(a, b, {"model": model, "target": target, "pipeline": pipeline}, image, pairs, out, flags)


@command(
    name="record",
    several=("model", "pipeline", "target"),
    options=ALL,
    example="./goldmask bench.record --model shapes --target python",
)
def bench_record(c, suite="default", model=None, pipeline=None, target=None, out="", **flags):
    """Measure, and keep the figures as baselines in latency/, for later checks to be held against."""
    from .cli.bench import record

    return record(suite, model, pipeline, target, out, flags)


@command(name="history", several=("folder",), example="./goldmask latency.history")
def latency_history(c, folder=None, out=""):
    """How the committed baselines in latency/ went, as pictures, and the commits where they stepped."""
    from .cli.bench import show_history

    return show_history(folder, out)


namespace = Collection("goldmask", check, run, compare, report, doctor, init, test)
android = Collection("android", android_benchmark, android_build, android_lock, android_matrix, android_sdk)
android.add_collection(Collection("apk", apk_verify))
android.add_collection(Collection("emulator", emulator_up, emulator_down, emulator_list))
farm = Collection("farm", farm_collect)
farm.add_task(farm_plan, default=True)
android.add_collection(farm)
namespace.add_collection(android)
benches = Collection("bench", bench_record)
benches.add_task(bench_ab, default=True)
namespace.add_collection(benches)
namespace.add_collection(Collection("latency", latency_history))
namespace.add_collection(Collection("ios", ios_build, Collection("simulator", ios_simulator_list)))
models = Collection("models", models_add, models_list, models_fetch, models_info, models_metadata, models_pin)
namespace.add_collection(models)
namespace.add_collection(Collection("deeplab", deeplab_train, deeplab_export, deeplab_tradeoff))
decisions = (golden_pending, golden_review, golden_accept, golden_reject)
golden = Collection("golden", golden_record, golden_verify, golden_prune, golden_calibrate, *decisions)
namespace.add_collection(golden)
namespace.add_collection(Collection("rig", rig_record))


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
