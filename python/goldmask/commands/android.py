"""Tasks `android.*`: build, lock and look into the Android app; emulators."""

from ..cli.command import command


@command(name="lock", example="./goldmask android.lock")
def lock(c):
    """Resolve the Android project's dependencies anew and write their lock."""
    from ..cli.android import lock_android

    return lock_android()


@command(name="build", several=("pipeline",), example="./goldmask android.build --pipeline lib_interpreter")
def build(c, pipeline=None, abi=""):
    """Build the Android app and its golden test: two signed APKs a pipeline, without Gradle or an SDK."""
    from ..cli.android import build_android

    return build_android(pipeline, abi)


@command(name="verify", example="./goldmask android.apk.verify --apk app.apk")
def apk_verify(c, apk=""):
    """Look into an APK, or all in build/apk: package, signature, alignment, classes, native libraries, permissions."""
    from ..cli.apk import verify_apk

    return verify_apk(apk)


@command(
    name="matrix",
    several=("runtime", "model"),
    options=("threads", "delegate", "abi"),
    example="./goldmask android.matrix --runtime 2.14.0 2.16.1",
)
def matrix(c, runtime=None, suite="default", model=None, out="", **flags):
    """What would another TensorFlow Lite do to masks and latency? One table, on android-jvm."""
    from ..cli.android import run_matrix

    return run_matrix(runtime, suite, model, out, flags)


@command(name="sdk", example="./goldmask android.sdk --accept-licences")
def sdk(c, accept_licences=False):
    """Install what an emulator needs of the Android SDK."""
    from ..cli.android import install_sdk

    return install_sdk(accept_licences)


@command(
    name="benchmark",
    several=("image",),
    options=("threads", "delegate", "device", "warmup", "runs"),
    example="./goldmask android.benchmark --binary benchmark_model --model shapes",
)
def benchmark(c, binary="", model="shapes", image=None, pipeline="lib_interpreter", profile=False, out="", **flags):
    """Time the app and TensorFlow Lite's benchmark_model on one device, side by side."""
    from ..cli.android import run_benchmark

    return run_benchmark(binary, model, image, pipeline, profile, out, flags)


@command(name="up", example="./goldmask android.emulator.up")
def emulator_up(c):
    """Boot an Android emulator, and leave it running."""
    from ..cli.emulator import start_emulator

    return start_emulator()


@command(name="down", example="./goldmask android.emulator.down")
def emulator_down(c):
    """Stop the emulators that goldmask started, and no others."""
    from ..cli.emulator import stop_emulators

    return stop_emulators()


@command(name="list", example="./goldmask android.emulator.list")
def emulator_list(c):
    """List running emulators, and who started them."""
    from ..cli.emulator import list_emulators

    return list_emulators()
