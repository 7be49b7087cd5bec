"""The tasks: `./goldmask check` and `inv check` are the same program. What a task does is in goldmask/program.py."""

import functools
import inspect
import signal
import sys
from pathlib import Path

from invoke import Collection, Exit, Program, task

sys.path.insert(0, str(Path(__file__).resolve().parent / "python"))

from goldmask import __version__
from goldmask.contract.errors import GoldmaskError

HELP = {
    "suite": "a suite of goldmask.toml",
    "model": "a declared model; run and models.info take the path of a .tflite as well",
    "pipeline": "lib_interpreter or lib_task_api",
    "target": "where to run; a target that is named must run",
    "out": "the folder for results",
    "image": "a JPEG, PNG, BMP or WebP file",
    "threads": "threads of the runtime",
    "delegate": "xnnpack or cpu; on devices gpu and nnapi, on Apple's coreml and metal",
    "runtime": "python: litert or tensorflow; android-jvm: a version of the TensorFlow Lite AAR",
    "abi": "android-jvm: x86_64 or arm64-v8a, this machine's by default; ios-simulator: x86_64 or arm64",
    "device": "android-device: a serial, HOST:PORT, or a property such as 'model=Pixel 6'",
    "all_devices": "android-device: share the cases out among all devices that are connected",
    "destination": "ios-simulator: name or UDID of a simulator or phone",
    "mode": "all, missing or never; the default is missing, in CI never",
    "golden": "a golden, or any bundle to compare with",
    "bundle": "the bundle to judge",
    "apk": "an APK file",
    "version": "v1, v2, v3 or v3+",
    "steps": "training steps; the schedule is fitted to them",
    "seed": "decides the data and the weights to begin with",
    "weights": "the folder of a finished training",
    "accept_licences": "you have read and accept the licence that is named",
    "binary": "benchmark_model for the device's ABI",
    "flank": "write flank.yml",
    "firebase": "write gcloud.sh",
    "phone": "a device of Firebase Test Lab: model=Pixel6,version=33",
    "retries": "how often Test Lab runs a test again that wrote no bundle",
    "shards": "share the cases out to so many runs",
    "results": "the folder that a farm's results were downloaded to",
    "plan": "the folder that android.farm wrote",
    "select": "only tests that match, as pytest -k",
    "fast": "only tests that start no process: under a minute",
}


def command(name=None, several=()):
    """An invoke task that ends with the program's exit code and shows expected errors without a traceback."""

    def decorate(function):
        @functools.wraps(function)
        def run(*args, **kwargs):
            # invoke turns this off, and every start would compile numpy's and pydantic's modules again: half a second.
            sys.dont_write_bytecode = False
            # A `kill`, or a CI job that is cancelled, stops what was started just as Ctrl-C does.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                code = function(*args, **kwargs)
            except GoldmaskError as error:
                raise Exit(f"goldmask: {error}", int(error.exit_code)) from error
            except KeyboardInterrupt:
                raise Exit("goldmask: interrupted; what was started is stopped", 130) from None
            if code:
                raise Exit(code=int(code))

        flags = list(inspect.signature(function).parameters)[1:]
        help_texts = {flag: HELP[flag] + ("; several may be given" if flag in several else "") for flag in flags}
        return task(name=name, help=help_texts, iterable=list(several), auto_shortflags=False)(run)

    return decorate


# Each body imports for itself: listing the tasks loads neither numpy nor rich.


@command(several=("model", "pipeline", "target", "destination"))
def check(
    c,
    suite="default",
    model=None,
    pipeline=None,
    target=None,
    abi="",
    device="",
    all_devices=False,
    destination=None,
    out="",
):
    """Does every target still draw the golden masks? Fetch, run, compare, report."""
    from goldmask.cli import program

    return program.run_check(suite, model, pipeline, target, abi, device, all_devices, destination, out)


@command(several=("image",))
def run(
    c,
    target="python",
    pipeline="lib_interpreter",
    model="",
    image=None,
    threads=0,
    delegate="",
    runtime="",
    abi="",
    device="",
    all_devices=False,
    destination="",
    out="",
):
    """Run any model on any images, and keep the bundle."""
    from goldmask.cli import program

    return program.run_adhoc(
        target, pipeline, model, image, out, delegate, threads, runtime, abi, device, all_devices, destination
    )


@command()
def compare(c, golden="", bundle="", out=""):
    """Compare two bundles on disk; nothing is fetched or run."""
    from goldmask.cli import program

    return program.run_compare(golden, bundle, out)


@command()
def report(c, out=""):
    """Show the report of an earlier check again."""
    from goldmask.cli import program

    return program.show_report(out)


@command()
def doctor(c):
    """What can run here, what is missing, and the command that fixes it."""
    from goldmask.cli import program

    return program.show_doctor()


@command()
def test(c, select="", fast=False):
    """Run goldmask's own tests."""
    from goldmask.cli import program

    return program.run_tests(select, fast)


@command(name="list")
def models_list(c):
    """List the declared models."""
    from goldmask.cli import program

    return program.list_models()


@command(name="fetch", several=("model",))
def models_fetch(c, model=None):
    """Download models and their images into the cache."""
    from goldmask.cli import program

    return program.fetch_models(model)


@command(name="info")
def models_info(c, model=""):
    """Show a model's tensors, quantisation, metadata and labels."""
    from goldmask.cli import program

    return program.show_model(model)


@command(name="record", several=("model", "pipeline"))
def golden_record(c, model=None, pipeline=None, mode=""):
    """Run the reference and bless its masks as goldens."""
    from goldmask.cli import program

    return program.record_goldens(model, pipeline, mode)


@command(name="verify", several=("model", "pipeline"))
def golden_verify(c, suite="default", model=None, pipeline=None, runtime="", out=""):
    """Run the reference again and compare; unused goldens fail too. Writes no golden."""
    from goldmask.cli import program

    return program.verify_goldens(suite, model, pipeline, runtime, out)


@command(name="prune", several=("model",))
def golden_prune(c, model=None):
    """Remove goldens that no case uses."""
    from goldmask.cli import program

    return program.prune_goldens(model)


@command(name="train")
def deeplab_train(c, version="v3+", steps=0, seed=0, out=""):
    """Train a DeepLab on synthetic shapes; goes on where it stopped."""
    from deeplab import program

    return program.run_train(version, steps, seed, out)


@command(name="export")
def deeplab_export(c, weights="", out=""):
    """Write a trained model as float32, float16, dynamic-range and int8 .tflite with metadata, and score them."""
    from deeplab import program

    return program.run_export(weights, out)


@command(name="tradeoff")
def deeplab_tradeoff(c, weights="", out=""):
    """Measure output strides and DeepLab versions: scores, latency, operations, memory."""
    from deeplab import program

    return program.run_tradeoff(weights, out)


@command(name="lock")
def android_lock(c):
    """Resolve the Android project's dependencies anew and write their lock."""
    from goldmask.cli import program

    return program.lock_android()


@command(name="build", several=("pipeline",))
def android_build(c, pipeline=None, abi=""):
    """Build the Android app and its golden test: two signed APKs a pipeline, without Gradle or an SDK."""
    from goldmask.cli import program

    return program.build_android(pipeline, abi)


@command(name="verify")
def apk_verify(c, apk=""):
    """Look into an APK: package, signature, alignment, classes, native libraries, permissions."""
    from goldmask.cli import program

    return program.verify_apk(apk)


@command(name="matrix", several=("runtime", "model"))
def android_matrix(c, runtime=None, suite="default", model=None, delegate="", threads=0, abi="", out=""):
    """What would another TensorFlow Lite do to masks and latency? One table, on android-jvm."""
    from goldmask.cli import program

    return program.run_matrix(runtime, suite, model, delegate, threads, abi, out)


@command(name="build", several=("destination",))
def ios_build(c, destination=None, out=""):
    """Build the iOS app and its golden test, if anything changed."""
    from goldmask.cli import program

    return program.build_ios(destination, out)


@command(name="list")
def ios_simulator_list(c):
    """List the simulators and phones that --destination can name."""
    from goldmask.cli import program

    return program.list_destinations()


@command(name="sdk")
def android_sdk(c, accept_licences=False):
    """Install what an emulator needs of the Android SDK."""
    from goldmask.cli import program

    return program.install_sdk(accept_licences)


@command(name="benchmark", several=("image",))
def android_benchmark(
    c, binary="", model="shapes", image=None, pipeline="lib_interpreter", delegate="", threads=0, device="", out=""
):
    """Time the app and TensorFlow Lite's benchmark_model on one device, side by side."""
    from goldmask.cli import program

    return program.run_benchmark(binary, model, image, pipeline, delegate, threads, device, out)


@command(name="plan", several=("image", "phone"))
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
    from goldmask.cli import program

    return program.plan_farm(flank, firebase, model, image, pipeline, phone, retries, shards, out)


@command(name="collect")
def farm_collect(c, results="", plan="", out=""):
    """Turn the results of a farm into bundles, ready to compare."""
    from goldmask.cli import program

    return program.collect_farm(results, plan, out)


@command(name="up")
def emulator_up(c):
    """Boot an Android emulator, and leave it running."""
    from goldmask.cli import program

    return program.start_emulator()


@command(name="down")
def emulator_down(c):
    """Stop the emulators that goldmask started, and no others."""
    from goldmask.cli import program

    return program.stop_emulators()


@command(name="list")
def emulator_list(c):
    """List running emulators, and who started them."""
    from goldmask.cli import program

    return program.list_emulators()


namespace = Collection(check, run, compare, report, doctor, test)
android = Collection("android", android_benchmark, android_build, android_lock, android_matrix, android_sdk)
android.add_collection(Collection("apk", apk_verify))
android.add_collection(Collection("emulator", emulator_up, emulator_down, emulator_list))
farm = Collection("farm", farm_collect)
farm.add_task(farm_plan, default=True)
android.add_collection(farm)
namespace.add_collection(android)
namespace.add_collection(Collection("ios", ios_build, Collection("simulator", ios_simulator_list)))
namespace.add_collection(Collection("models", models_list, models_fetch, models_info))
namespace.add_collection(Collection("deeplab", deeplab_train, deeplab_export, deeplab_tradeoff))
namespace.add_collection(Collection("golden", golden_record, golden_verify, golden_prune))


def spread(words, several=("--destination", "--image", "--model", "--phone", "--pipeline", "--runtime", "--target")):
    """`--image a.jpg b.jpg`, as a shell's glob expands, as the `--image a.jpg --image b.jpg` that invoke reads."""
    spread_words, flag = [], None
    for word in words:
        if word.startswith("-"):
            flag = word if word in several else None
        elif flag and spread_words[-1] != flag:
            spread_words.append(flag)
        spread_words.append(word)
    return spread_words


if __name__ == "__main__":
    program = Program(version=__version__, namespace=namespace, name="goldmask", binary="goldmask")
    program.run(["goldmask", *(spread(sys.argv[1:]) or ["--list"])])
