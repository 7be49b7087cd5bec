"""`am instrument`: the installed golden test, run by the android-jvm machinery on what was pushed to this device.

What an app would be is a host JVM with the app's own Kotlin and the APK's own native library; a device with a
`recorded` folder answers from that bundle instead, in no time, for tests of faults in which no pixel matters.
"""

# ruff: noqa: S603 (the rig is no product code: it starts what a device would)
import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from goldmask.android_build import maven
from goldmask.android_build.dependency_lock import load_lock
from goldmask.android_build.gradle_files import OUR_TESTS, project_of
from goldmask.android_build.jdk import find_jdk
from goldmask.android_build.kotlin import Kotlin
from goldmask.contract.bundle import Bundle, Request, TargetInfo, load_bundle, load_request, save
from goldmask.targets import android_jvm
from goldmask.targets.target import Context
from rig.apk import has_class, native_libraries

if TYPE_CHECKING:
    from rig.standins import Out, Phone

REPO = Path(__file__).resolve().parents[2]
STATUS, CODE = "INSTRUMENTATION_STATUS", "INSTRUMENTATION_STATUS_CODE"
START, OK, IN_PROGRESS, FAILURE = 1, 0, 2, -2
ERROR = -1
LOW_MEMORY = "min watermark is breached even after kill"
ANDROID_8 = 26  # before it, a refusal comes on stderr only


def instrument(words: list[str], phone: "Phone", out: "Out") -> int:
    """am instrument -r -w -e KEY VALUE … TEST_PACKAGE/RUNNER"""
    component, extras = words[-1], {}
    for place, word in enumerate(words):
        if word == "-e":
            extras[words[place + 1]] = words[place + 2]
    package, _, runner = component.partition("/")
    packages = phone.packages()
    test = packages.get(package)
    if not test or runner not in test["runners"]:
        what = f"Unable to find instrumentation info for: ComponentInfo{{{component}}}"
        return _refuse(out, what)
    target = test["runners"][runner]
    app = packages.get(target)
    if not app:
        return _refuse(out, f"Unable to find instrumentation target package: {target}")
    if app["signer"] != test["signer"]:
        what = (
            f"Permission Denial: starting instrumentation ComponentInfo{{{component}}} from pid=1, uid=1 not allowed "
            f"because package {package} does not have a signature matching the target {target}"
        )
        out.error(f"java.lang.SecurityException: {what}\n\tat android.os.Parcel.createException(Parcel.java:2071)")
        if int(phone.properties()["ro.build.version.sdk"]) < ANDROID_8:
            return 1
        return _refuse(out, what)
    phone.kill(target)
    App(phone, out, target, phone.path(app["path"]), phone.path(test["path"]), extras).run()
    return 0


def _refuse(out: "Out", what: str) -> int:
    _status(out, ERROR, id="ActivityManagerService", Error=what)
    out.line(f"android.util.AndroidException: INSTRUMENTATION_FAILED: {what}")
    return 1


def _status(out: "Out", code: int, **values: object) -> None:
    for key, value in values.items():
        out.line(f"{STATUS}: {key}={value}")
    out.line(f"{CODE}: {code}")


class App:
    """The process of an app under test."""

    def __init__(
        self, phone: "Phone", out: "Out", package: str, apk: Path, test_apk: Path, extras: dict[str, str]
    ) -> None:
        self.phone, self.out, self.package, self.apk, self.test_apk = phone, out, package, apk, test_apk
        self.test = extras.get("class", "")
        self.request_path = extras.get("goldmask.request", "")
        self.bundle_path = extras.get("goldmask.out", "")
        self.pid = 1000 + time.monotonic_ns() % 30000
        self.ended = threading.Event()
        self.jvm: subprocess.Popen | None = None

    def run(self) -> None:
        """From the process's start to its end, told as Android tells it."""
        self.phone.started(self.package, self.kill)
        self.phone.logcat(1, "ActivityManager", f"Start proc {self.pid}:{self.package}/u0a1 for added application")
        about = {"class": self.test, "current": 1, "id": "AndroidJUnitRunner", "numtests": 1, "test": "golden"}
        try:
            failure = self.check_apk()
            if failure:
                _status(self.out, START, **about)
                _status(self.out, FAILURE, **about, stack=failure)
            else:
                _status(self.out, START, **about, stream=f"\n{self.test}:")
                _status(self.out, IN_PROGRESS, **{"goldmask.pid": self.pid})
                crash, failure = self.run_request()
                if crash == LOW_MEMORY:
                    self.tell_low_memory()
                elif crash:
                    self.phone.logcat(self.pid, "libc", f"Fatal signal {crash}", "F")
                    self.phone.logcat(1, "DEBUG", f"pid: {self.pid}, tid: 1, name: main >>> {self.package} <<<", "F")
                if crash or self.ended.is_set():
                    self.out.line("INSTRUMENTATION_RESULT: shortMsg=Process crashed.")
                    self.out.line("INSTRUMENTATION_CODE: 0")
                    return
                _status(self.out, FAILURE if failure else OK, **about, **({"stack": failure} if failure else {}))
            summary = "FAILURES!!!\nTests run: 1,  Failures: 1" if failure else "OK (1 test)"
            self.out.line(f"INSTRUMENTATION_RESULT: stream=\n\nTime: 1.0\n\n{summary}\n\n")
            self.out.line("INSTRUMENTATION_CODE: -1")
        finally:
            self.phone.ended(self.package)

    def tell_low_memory(self) -> None:
        """What Android's low-memory killer leaves behind in the log."""
        why = f"to free 940528kB rss, 37404kB swap; reason: {LOW_MEMORY}"
        words = f"Kill '{self.package}' ({self.pid}), uid 10190, oom_score_adj 0 {why}"
        self.phone.logcat(2, "lowmemorykiller", words)
        self.phone.logcat(3, "Zygote", f"Process {self.pid} exited due to signal 9 (Killed)")

    def kill(self) -> None:
        """SIGKILL, as Android does it."""
        self.ended.set()
        if self.jvm:
            self.jvm.kill()

    def check_apk(self) -> str:
        """Why the installed APKs do not have this test; empty where they do."""
        if not has_class(self.test_apk, self.test) and not has_class(self.apk, self.test):
            return f"java.lang.RuntimeException: Failed loading specified test class '{self.test}'"
        return ""

    def run_request(self) -> tuple[str, str]:
        """(how the process crashed, how its test failed); both empty where it did its job."""
        path = self.phone.path(self.request_path)
        shared = not self.phone.faults().get("no_shared_storage")
        own = f"/storage/emulated/0/Android/media/{self.package}" if shared else f"/data/data/{self.package}/files"
        out = f"{own}/{self.bundle_path}"
        folder = self.phone.path(out)
        if not path.is_file():
            return "", f"java.io.FileNotFoundException: {self.request_path}: open failed: ENOENT"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _status(self.out, IN_PROGRESS, **{"goldmask.out": self.phone.faults().get("says_out", out)})
        request = load_request(path)
        self.logs(request)
        recorded = self.phone.folder / f"recorded-{_sha256(self.apk)}"
        recorded = recorded if recorded.is_dir() else self.phone.folder / "recorded"
        if recorded.is_dir():
            ending = self.run_recorded(request, recorded, folder)
        else:
            ending = self.run_jvm(request, path, folder)
        self.tamper(folder)
        return ending

    def logs(self, request: Request) -> None:
        """What an app writes for logcat."""
        self.phone.logcat(self.pid, "goldmask", f"{len(request.cases)} cases of {request.model.name}")

    def target(self) -> TargetInfo:
        """What Android's Build would say here."""
        properties = self.phone.properties()
        return TargetInfo(
            name="android-device",
            kind="emulator" if properties["ro.kernel.qemu"] == "1" else "device",
            platform="android",
            abi=properties["ro.product.cpu.abi"],
            os=f"Android {properties['ro.build.version.release']} (API {properties['ro.build.version.sdk']})",
            device=f"{properties['ro.product.manufacturer']} {properties['ro.product.model']}",
        )

    def run_recorded(self, request: Request, recorded: Path, folder: Path) -> tuple[str, str]:
        """Every case from a bundle that an earlier run made."""
        old, results = load_bundle(recorded), []
        runtime = old.runtime.model_copy(update={"threads": request.options.threads})
        for case in request.cases:
            faults = self.phone.faults()
            if faults.get("hang_at") == case.id:
                self.phone.tell(f"rig hangs at {case.id}")
                self.ended.wait()
            if self.ended.wait(faults.get("slow_s", 0)):
                return "", ""
            if faults.get("low_memory_at") == case.id:
                return LOW_MEMORY, ""
            if faults.get("crash_at") == case.id:
                return "11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0 in tid 1", ""
            result = old.result(case.id)
            if _sha256(self.phone.path(self.request_path).parent / case.file) != case.sha256 or not result:
                return "", f"java.lang.IllegalStateException: {case.id} was not recorded"
            (folder / "masks").mkdir(exist_ok=True)
            shutil.copyfile(recorded / result.mask, folder / result.mask)
            results.append(result.model_copy(update={"taps": {}}))
            bundle = Bundle(
                schema=1,
                target=self.target(),
                pipeline=request.options.pipeline,
                runtime=runtime,
                model={"name": request.model.name, "sha256": request.model.sha256},
                started_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                environment={"recorded": "yes"},
                results=tuple(results),
            )
            save(bundle, folder / "bundle.json")
            _status(self.out, IN_PROGRESS, **{"goldmask.case": case.id, "goldmask.status": result.status})
        return "", ""

    def run_jvm(self, request: Request, path: Path, folder: Path) -> tuple[str, str]:
        """The app's own Kotlin with the installed APK's own native library, in a JVM of this machine."""
        pipeline = next(name for name, test in OUR_TESTS.items() if test.test == self.test)
        context = Context(REPO, self.phone.folder / "logs")
        if other := self.other_libraries(pipeline, context):
            return "", f"java.lang.UnsatisfiedLinkError: {other} in the APK is not what this JVM loads"
        ready = android_jvm.machine(pipeline, context)
        argv = [*ready.argv[:-2], f"-Dgoldmask.request={path}", f"-Dgoldmask.out={folder}", *ready.argv[-2:]]
        with (self.phone.folder / "jvm.log").open("wb") as log:
            self.jvm = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.phone.folder,
                env=os.environ | ready.environment,
                text=True,
            )
            said = []
            for line in self.jvm.stdout:
                said.append(line)
                if line.startswith('{"case"'):
                    told = json.loads(line)
                    _status(self.out, IN_PROGRESS, **{"goldmask.case": told["case"], "goldmask.status": told["status"]})
            code = self.jvm.wait()
        if (folder / "bundle.json").is_file():
            bundle = load_bundle(folder)
            save(bundle.model_copy(update={"target": self.target()}), folder / "bundle.json")
        if code < 0:
            return signal.Signals(-code).name, ""
        return "", "".join(said)[-2000:] if code else ""

    def other_libraries(self, pipeline: str, context: Context) -> str:
        """A native library of the JVM's that the installed APK has not, byte for byte; empty where there is none."""
        project, test = project_of(context.android, context.root, pipeline)
        kotlin = Kotlin(project, load_lock(project.folder), find_jdk(), context.logs)
        abi = self.phone.properties()["ro.product.cpu.abi"]
        installed = native_libraries(self.apk, abi)
        for library in maven.native_libraries(android_jvm.library_files(kotlin, test.module), abi):
            if installed.get(library.name) != _sha256(library):
                return library.name
        return ""

    def tamper(self, folder: Path) -> None:
        """What a broken device does to files."""
        match self.phone.faults().get("tamper"):
            case "mask":
                mask = next((folder / "masks").glob("*.png"))
                mask.write_bytes(mask.read_bytes()[::-1])
            case "bundle":
                bundle = folder / "bundle.json"
                bundle.write_bytes(bundle.read_bytes()[:-200])
            case "link":
                mask = next((folder / "masks").glob("*.png"))
                mask.unlink()
                mask.symlink_to("/etc/passwd")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
