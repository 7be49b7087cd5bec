"""The device's inside: the first process of its namespaces. Mounts its root, keeps adbd running, answers stand-ins.

adbd listens on all interfaces, so it gets a network of its own; the relay here is its only way out, a port of the
loopback, and the cable that tests pull.
"""

# ruff: noqa: S603, S607 (the rig is no product code: it starts what a device would)
import contextlib
import ctypes
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from processes import wait_until

from rig.device import root_folder, write_json
from rig.standins import STANDINS, Phone, answer

ADBD = "/usr/lib/android-sdk/platform-tools/adbd"
ADBD_PORT = 5555
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x41
PATTERN_OVERLAP = 512


def mount(*words: str | Path) -> None:
    """mount(8); the mounts are this namespace's own."""
    subprocess.run(["mount", *words], check=True)


def make_root(folder: Path, data_mb: int) -> Path:
    """The device's file system: the shared root below, what it writes above, and the folders Android has."""
    root = folder / "root"
    for path in (root, folder / "above", folder / "data", folder / "system/bin"):
        path.mkdir(parents=True, exist_ok=True)
    # In memory: the file system of a container cannot be the upper one of another.
    mount("-t", "tmpfs", "rig", folder / "above")
    upper, work = folder / "above/upper", folder / "above/work"
    upper.mkdir()
    work.mkdir()
    mount("-t", "overlay", "rig", "-o", f"lowerdir={root_folder()},upperdir={upper},workdir={work}", root)
    mount("-t", "proc", "rig", root / "proc")
    # A /dev of its own, or the device's terminals would be this machine's.
    mount("-t", "tmpfs", "rig", root / "dev")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (root / "dev" / name).touch()
        mount("--bind", f"/dev/{name}", root / "dev" / name)
    (root / "dev/pts").mkdir()
    mount("-t", "devpts", "rig", "-o", "newinstance,ptmxmode=0666", root / "dev/pts")
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    for name in ("data", "system"):
        (root / name).mkdir(exist_ok=True)
    if data_mb:
        mount("-t", "tmpfs", "rig", "-o", f"size={data_mb}m", root / "data")
    else:
        mount("--bind", folder / "data", root / "data")
    mount("--bind", folder / "system", root / "system")
    for name in ("app", "data", "local/tmp"):
        (root / "data" / name).mkdir(parents=True, exist_ok=True)
    for name in ("data/media/0", "storage/emulated/0"):
        (root / name).mkdir(parents=True, exist_ok=True)
    mount("--bind", root / "data/media/0", root / "storage/emulated/0")
    standin = root / "system/bin/standin"
    standin.write_bytes((Path(__file__).parent / "standin").read_bytes())
    standin.chmod(0o755)
    for name in STANDINS:
        link = standin.with_name(name)
        link.unlink(missing_ok=True)
        link.symlink_to("standin")
    return root


def be_adbd(root: str) -> None:
    """The adbd process, after `unshare --net`: bring the loopback up, enter the root, become adbd."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP_RUNNING))
    os.chroot(root)
    os.chdir("/")
    path = "/system/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    os.execve(ADBD, ["adbd"], {"PATH": path, "HOME": "/data", "TMPDIR": "/data/local/tmp", "LANG": "C.UTF-8"})


class Relay:
    """The cable: adb's connections at 127.0.0.1:`port`, carried to adbd until a trigger or a test pulls it."""

    def __init__(self, port: int, root: Path, phone: Phone) -> None:
        self.port, self.root, self.phone = port, root, phone
        self.adbd: subprocess.Popen | None = None
        self.open: set[socket.socket] = set()
        self.fired: dict[str, int] = {}
        self.lock = threading.Lock()
        self.listening = threading.Event()

    def start_adbd(self) -> None:
        """adbd in a network of its own, and proof that it listens."""
        argv = ["unshare", "--net", sys.executable, "-m", "rig.machine", "adbd", str(self.root)]
        self.adbd = subprocess.Popen(argv, stdin=subprocess.DEVNULL)

        def listens() -> bool:
            with contextlib.suppress(OSError):
                self.dial().close()
                return True
            return False

        wait_until(listens, "adbd does not listen")

    def dial(self) -> socket.socket:
        """A connection to adbd, made by a thread that visits adbd's network for it."""
        made: list[socket.socket | OSError] = []

        def visit() -> None:
            try:
                network = os.open(f"/proc/{self.adbd.pid}/ns/net", os.O_RDONLY)
                if ctypes.CDLL(None, use_errno=True).setns(network, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
                os.close(network)
                made.append(socket.create_connection(("127.0.0.1", ADBD_PORT), timeout=5))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=visit)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        made[0].settimeout(None)
        return made[0]

    def serve(self) -> None:
        """Accept for ever; while the cable is out nobody listens."""
        while True:
            with socket.socket() as server:
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    server.bind(("127.0.0.1", self.port))
                except OSError as error:  # somebody took it while the cable was out
                    print(f"127.0.0.1:{self.port}: {error}", flush=True)
                    time.sleep(0.2)
                    continue
                server.listen()
                server.settimeout(0.1)
                self.listening.set()
                while time.monotonic() >= self.phone.unplugged_until:
                    with contextlib.suppress(TimeoutError):
                        self.carry(server.accept()[0])
            self.cut()
            while time.monotonic() < self.phone.unplugged_until:
                time.sleep(0.05)

    def carry(self, client: socket.socket) -> None:
        """One connection, both ways."""
        client.settimeout(None)
        try:
            device = self.dial()
        except OSError:
            client.close()
            return
        with self.lock:
            self.open |= {client, device}
        for source, sink, way in ((client, device, "to"), (device, client, "from")):
            threading.Thread(target=self.pump, args=(source, sink, way), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        """One way of a connection; looks at all that passes for the triggers in faults.json."""
        last = b""
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self.watch(last + data, way)
                last = (last + data)[-PATTERN_OVERLAP:]
                while self.phone.stalled_until > time.monotonic():
                    time.sleep(0.05)
                if time.monotonic() < self.phone.unplugged_until:
                    break
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
            with self.lock:
                self.open.discard(each)

    def watch(self, data: bytes, way: str) -> None:
        """Fire triggers: `when` is a regular expression over bytes that go `way`, `to` or `from` the device."""
        faults = self.phone.faults()
        for trigger in faults.get("triggers", ()):
            name, times = f"{trigger['name']} {faults['since']}", trigger.get("times", 1)
            if trigger.get("way", "to") != way or not re.search(trigger["when"].encode(), data, re.DOTALL):
                continue
            with self.lock:
                if self.fired.get(name, 0) >= times:
                    continue
                self.fired[name] = self.fired.get(name, 0) + 1
            if seconds := trigger.get("unplug_s"):
                self.phone.unplugged_until = time.monotonic() + seconds
            if seconds := trigger.get("stall_s"):
                self.phone.stalled_until = time.monotonic() + seconds
            self.phone.tell(f"trigger {trigger['name']}")

    def cut(self) -> None:
        """Pull the cable."""
        with self.lock:
            for each in self.open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def serve_standins(path: Path, phone: Phone) -> None:
    """Answer every stand-in, each on a thread of its own."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(64)
    while True:
        client, _ = server.accept()
        threading.Thread(target=answer, args=(client, phone), daemon=True).start()


def main(folder: Path, port: int, data_mb: int) -> None:
    """Be the device until this process is ended."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    root = make_root(folder, data_mb)
    phone = Phone(folder, root)
    # The path of a Unix socket has 107 bytes at most; a test's folder may have more.
    os.chdir(root / "system")
    threading.Thread(target=serve_standins, args=(Path("rig.sock"), phone), daemon=True).start()
    relay = Relay(port, root, phone)
    relay.start_adbd()
    threading.Thread(target=relay.serve, daemon=True).start()
    relay.listening.wait()
    write_json(folder / "ready", {"port": port})
    while True:  # the first process of a namespace is the parent of all orphans in it
        if relay.adbd.poll() is not None:
            print(f"adbd ended: {relay.adbd.returncode}", flush=True)
            relay.cut()
            time.sleep(1)
            relay.start_adbd()
        time.sleep(0.2)


if __name__ == "__main__":
    if sys.argv[1] == "adbd":
        be_adbd(sys.argv[2])
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
