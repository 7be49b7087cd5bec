"""adb: the server, the devices it knows, and what is done on one: commands and files.

The protocol is adbutils' and so is the adb binary where PATH has none. The server is asked through its socket and never
through the adb program, which ends a running server of another version. Nothing that a device sends is trusted.
"""

import contextlib
import os
import re
import shlex
import socket
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adbutils import AdbClient, AdbConnection, AdbError, adb_path

from ..contract.errors import EnvironmentMissing, RunError, UsageError, excerpt, one_line
from ..contract.files import sha256_of
from ..machine import interrupts, recording, shell
from . import adb_output
from .adb_output import Transport

DEFAULT_PORT = 5037
SERVER_DEADLINE_S = 30
COMMAND_DEADLINE_S = 60
# A large APK over a slow cable; also what a device may take to verify and place it.
INSTALL_DEADLINE_S = 600
RECONNECT_S = 20
# A server that has just been started finds devices one after the other.
SETTLE_S = 3
USB = Path("/dev/bus/usb")
SLICE_S = 0.2
MAX_OUTPUT_BYTES = 64 << 20
# adb's own limit of a chunk in the sync protocol.
CHUNK_BYTES = 64 << 10
BATCH = 200
STORE = "/data/local/tmp/goldmask"
STDOUT, STDERR, EXIT = 1, 2, 3
ADDRESS = re.compile(r"^[\w.\[\]:-]+:\d+$")


class DeviceLost(RunError):
    """The device or the adb server does not answer; the same again may work once it does."""


class ProtocolFault(DeviceLost):
    """Something answers at the adb server's port, or a server answers something, that is not adb's protocol."""

    def __init__(self, answer: bytes) -> None:
        reply = one_line(answer.decode("ascii", "replace"))
        super().__init__(
            f"adb's protocol is broken: {f'the answer begins with {reply!r}' if reply else 'the answer breaks off'}",
            fix="adb kill-server; adb devices",
        )
        self.answer = answer


class Expired(DeviceLost):
    """A command went on for longer than it may; the connection itself was alive."""


class Stopped(RunError):
    """Another thread said that all work is to end."""


@dataclass(frozen=True)
class ShellOutput:
    """What a command on a device said, and its exit code."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """stdout as text."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def reason(self) -> str:
        """What it complains of, printable: stderr, or else stdout; the first and the last lines of much."""
        return excerpt((self.stderr or self.stdout).decode("utf-8", "replace")) or f"exit code {self.code}"


class Server:
    """The adb server, a context manager: started where none runs, and then ended as well; anybody else's stays.

    One that was started gets `settle_s` seconds to find a device.
    """

    def __init__(self, logs: Path, settle_s: float = SETTLE_S) -> None:
        self.logs = logs
        self.settle_s = settle_s
        self.host = os.environ.get("ANDROID_ADB_SERVER_HOST") or "127.0.0.1"
        port = os.environ.get("ANDROID_ADB_SERVER_PORT") or str(DEFAULT_PORT)
        if not re.fullmatch(r"\d{1,5}", port):
            raise UsageError(
                f"ANDROID_ADB_SERVER_PORT is {port!r}, which is no port", fix="unset ANDROID_ADB_SERVER_PORT"
            )
        self.port = int(port)
        self._client = AdbClient(self.host, self.port)
        self._lock = threading.Lock()
        self._ours = False
        self._settled = 0.0
        self._version = 0  # of the server that was there, or that was started

    def __enter__(self) -> "Server":
        try:
            self.ensure()
        except BaseException:  # Ctrl-C while it starts
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server, if it is ours."""
        if not self._ours:
            return
        with interrupts.held(), contextlib.suppress(AdbError, OSError, RunError), self.open("host:kill"):
            end = time.monotonic() + SERVER_DEADLINE_S
            while self._runs() and time.monotonic() < end:
                time.sleep(SLICE_S / 4)

    def ensure(self) -> None:
        """Start the server if there is none, or none any more. Raises EnvironmentMissing without an adb."""
        with self._lock:
            if self._runs():
                self._version = self._version or self._ask_version()
                return
            self._version = 0
            if self.host not in ("127.0.0.1", "localhost", "::1"):
                raise EnvironmentMissing(
                    f"no adb server answers at {self.host}:{self.port}", fix="unset ANDROID_ADB_SERVER_HOST"
                )
            try:
                program = adb_path()
            except AdbError as error:
                raise EnvironmentMissing(
                    "no adb is on PATH, and adbutils has none for this machine", fix="install Android's platform-tools"
                ) from error
            # Before it is started: a Ctrl-C in between must not leave it running.
            self._ours = True
            log, argv = self.logs / "adb-server.log", [program, "-P", str(self.port), "start-server"]
            # adb 36 waits 3 s for its first look at USB where Linux has none, as in a container.
            env = {"ADB_LIBUSB": "0"} if sys.platform == "linux" and not USB.exists() else {}
            done = shell.run(argv, log=log, deadline_s=SERVER_DEADLINE_S, env=env)
            if done.code:
                why = adb_output.error(done.stdout + log.read_text("utf-8", "replace"), f"{self.host}:{self.port}")
                raise type(why)(why.what, fix=f"{why.fix}; cat {log}" if why.fix else f"cat {log}")
            self._settled = time.monotonic() + self.settle_s

    def _runs(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def _ask_version(self) -> int:
        """The version of a server, 41 for 1.0.41. Raises EnvironmentMissing where something else listens there."""
        try:
            with self.open("host:version") as connection:
                return int(self.block(connection), 16)
        except ProtocolFault as error:
            raise adb_output.no_server(f"{self.host}:{self.port}", error.answer) from error
        except ValueError:
            return 0

    def open(self, command: str) -> AdbConnection:
        """A connection on which the server has accepted `command`. Raises DeviceLost."""
        if not self._runs():  # adbutils would start a server then, and nobody would end that
            raise self._gone()
        try:
            connection = self._client.make_connection(timeout=COMMAND_DEADLINE_S)
            self.ask(connection, command)
        except (OSError, EOFError) as error:
            raise self._gone() from error
        return connection

    def _gone(self) -> DeviceLost:
        """The error that the server is not there any more; any adb of another version ends it."""
        mine = 0
        with contextlib.suppress(AdbError, OSError, RunError):
            done = shell.run([adb_path(), "version"], log=self.logs / "adb-version.log", deadline_s=SERVER_DEADLINE_S)
            mine = adb_output.version(done.stdout)
        if 0 not in (mine, self._version) and mine != self._version:
            return DeviceLost(
                f"the adb server is gone: it was of version 1.0.{self._version}, and the adb on PATH (1.0.{mine}) ends "
                "servers of other versions",
                fix=adb_output.ONE_ADB,
            )
        return DeviceLost("the adb server is gone", fix="adb devices")

    @staticmethod
    def ask(connection: AdbConnection, command: str) -> None:
        """Send a command on an open connection. Raises DeviceLost with the server's own reason."""
        try:
            connection.send_command(command)
            answer = connection.read(4)
            if answer == b"OKAY":
                return
            why = Server.block(connection) if answer == b"FAIL" else ""
        except ConnectionError as error:
            connection.close()
            raise ProtocolFault(b"") from error
        except (AdbError, OSError) as error:
            connection.close()
            raise DeviceLost(f"adb says: {one_line(str(error)) or 'connection closed'}", fix="adb devices") from error
        connection.close()
        if answer == b"FAIL":
            raise DeviceLost(f"adb says: {one_line(why)}", fix="adb devices")
        raise ProtocolFault(answer)

    @staticmethod
    def block(connection: AdbConnection) -> str:
        """A string as the server sends it, after its length. Raises DeviceLost for what is none."""
        try:
            return connection.read_string_block()
        except (AdbError, OSError, ValueError) as error:
            raise ProtocolFault(b"") from error

    def transports(self) -> list[Transport]:
        """Every way to a device that the server knows. Raises DeviceLost."""
        while True:
            with recording.recorded(("adb", "devices", "-l")) as answer, self.open("host:devices-l") as connection:
                text = self.block(connection)
                answer.code, answer.stdout = 0, bytearray(text.encode())
            found = adb_output.transports(text)
            if found or time.monotonic() > self._settled:
                return found
            time.sleep(SLICE_S)

    def states(self) -> dict[str, str]:
        """The state of every device by serial: `device`, `offline`, `unauthorized`, …"""
        return {each.serial: each.state for each in self.transports()}

    def connect(self, address: str) -> None:
        """`adb connect`, for devices on the network. Raises DeviceLost."""
        with (
            recording.recorded(("adb", "connect", address)) as answer,
            self.open(f"host:connect:{address}") as connection,
        ):
            reply = self.block(connection)
            answer.code, answer.stdout = 0, bytearray(reply.encode())
        if "connected to" not in reply:
            raise DeviceLost(f"adb cannot connect to {address}: {one_line(reply)}", fix=f"adb connect {address}")


@dataclass(frozen=True)
class Device:
    """One device; `stopped` ends all its commands from another thread."""

    server: Server
    serial: str
    stopped: threading.Event = field(default_factory=threading.Event)

    def open(self, service: str) -> AdbConnection:
        """A connection to a service of the device. Raises DeviceLost."""
        connection = self.server.open(f"host:tport:serial:{self.serial}")
        try:
            connection.conn.settimeout(COMMAND_DEADLINE_S)
            connection.read(8)  # which transport it became
        except (AdbError, OSError) as error:
            connection.close()
            raise self.lost("does not answer") from error
        try:
            Server.ask(connection, service)
        except DeviceLost as error:
            raise self.lost(f"does not answer ({error.what})") from error
        connection.conn.settimeout(SLICE_S)
        return connection

    @property
    def adb(self) -> str:
        """`adb -s SERIAL`, for a user to type: a serial may have spaces."""
        return f"adb -s {shlex.quote(self.serial)}"

    def lost(self, how: str) -> DeviceLost:
        """The error that this device is not there."""
        return DeviceLost(f"{self.serial} {how}", fix=f"{self.adb} wait-for-device shell true")

    def shell(
        self,
        command_argv: Sequence[str],
        *,
        deadline_s: float = COMMAND_DEADLINE_S,
        on_line: Callable[[str], None] | None = None,
        on_error_line: Callable[[str], None] | None = None,
        limit: int = MAX_OUTPUT_BYTES,
    ) -> ShellOutput:
        """Run a command to its end. `on_line` hears stdout line by line, and each line puts the deadline off.

        `on_error_line` hears stderr, also that of a command that does not come to its end. Raises DeviceLost when the
        connection breaks, Expired after `deadline_s`, RunError beyond `limit` bytes.
        """
        command = shlex.join(command_argv)
        end = time.monotonic() + deadline_s
        listeners = {STDOUT: on_line, STDERR: on_error_line}
        heard = {STDOUT: 0, STDERR: 0}
        argv = ("adb", "-s", self.serial, "shell", *command_argv)
        with recording.recorded(argv) as answer, self.open(f"shell,v2,raw:{command}") as connection:
            parts = {STDOUT: answer.stdout, STDERR: answer.stderr}
            while True:
                kind, size = struct.unpack("<BI", self._receive(connection.conn, 5, end, command, deadline_s))
                data = self._receive(connection.conn, size, end, command, deadline_s) if size else b""
                if kind == EXIT:
                    for stream, listener in listeners.items():
                        if listener and heard[stream] < len(parts[stream]):
                            listener(parts[stream][heard[stream] :].decode("utf-8", "replace"))
                    answer.code = data[0] if data else 255
                    return ShellOutput(answer.code, bytes(parts[STDOUT]), bytes(parts[STDERR]))
                if kind not in parts:
                    continue
                parts[kind] += data
                if len(parts[kind]) > limit:
                    raise RunError(f"{self.serial} sends more than {limit:,} bytes as an answer to `{command[:80]}`")
                listener = listeners[kind]
                while listener and (line_end := parts[kind].find(b"\n", heard[kind])) >= 0:
                    line = parts[kind][heard[kind] : line_end].decode("utf-8", "replace")
                    heard[kind] = line_end + 1
                    listener(line.rstrip("\r"))
                    end = time.monotonic() + deadline_s

    def _receive(self, connection: socket.socket, size: int, end: float, command: str, deadline_s: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            if self.stopped.is_set():
                raise Stopped(f"{self.serial}: stopped")
            if time.monotonic() > end:
                raise Expired(
                    f"`{command[:80]}` on {self.serial} did not end within {deadline_s:g} s",
                    fix=f"{self.adb} shell true",
                )
            try:
                chunk = connection.recv(min(size - len(data), 1 << 20))
            except TimeoutError:
                continue
            except OSError as error:
                raise self.lost(f"was lost during `{command[:80]}`") from error
            if not chunk:
                raise self.lost(f"was lost during `{command[:80]}`")
            data += chunk
        return bytes(data)

    def checked(self, command_argv: Sequence[str], *, deadline_s: float = COMMAND_DEADLINE_S) -> ShellOutput:
        """`shell`, and RunError where the command says that it failed."""
        reply = self.shell(command_argv, deadline_s=deadline_s)
        if reply.code:
            raise RunError(
                f"`{shlex.join(command_argv)[:120]}` failed on {self.serial}: {reply.reason}",
                fix=f"{self.adb} shell",
            )
        return reply

    def push(self, source: Path, target: str, mode: int = 0o644) -> None:
        """Copy a file to the device, first under the name `target`.part; `keep` gives it its own.

        adbutils' push sends with send(), which may send a part only, and hides why a device refuses. Raises
        DeviceLost, and RunError with the device's reason.
        """
        end = time.monotonic() + INSTALL_DEADLINE_S
        request = f"{target}.part,{stat.S_IFREG | mode}".encode()
        with self.open("sync:") as connection, source.open("rb") as stream:
            sending = connection.conn
            sending.settimeout(COMMAND_DEADLINE_S)
            # An error while sending has its reason in what the device answers.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                try:
                    sending.sendall(b"SEND" + struct.pack("<I", len(request)) + request)
                    while chunk := stream.read(CHUNK_BYTES):
                        if self.stopped.is_set():
                            raise Stopped(f"{self.serial}: stopped")
                        sending.sendall(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
                    sending.sendall(b"DONE" + struct.pack("<I", int(source.stat().st_mtime)))
                except TimeoutError as error:
                    raise self.lost(f"takes no more of {source.name}") from error
            sending.settimeout(SLICE_S)
            what = f"push {source.name}"
            answer, size = struct.unpack("<4sI", self._receive(sending, 8, end, what, INSTALL_DEADLINE_S))
            size = min(size, 1000) if answer == b"FAIL" else 0
            reason = self._receive(sending, size, end, what, INSTALL_DEADLINE_S)
        if answer != b"OKAY":
            reply = one_line(reason.decode("utf-8", "replace"))
            full = "No space left" in reply
            raise RunError(
                f"{self.serial} does not take {source.name}: {'its storage is full' if full else reply}",
                fix=f"{self.adb} shell {f'rm -r {STORE}' if full else 'ls -ld ' + STORE}",
            )

    def keep(self, files: dict[str, Path]) -> list[Path]:
        """Have `files` in the store under their names, of which each holds the sha256; returns what had to be pushed.

        What is there is known by its bytes and not by its name. Raises DeviceLost, RunError.
        """
        wanted = {name: sha256_of(path) for name, path in files.items()}
        self.checked(["mkdir", "-p", STORE])
        here = self.hashes([f"{STORE}/{name}" for name in files])
        missing = [name for name, sha256 in wanted.items() if here.get(f"{STORE}/{name}") != sha256]
        for some in _batches(missing):
            for name in some:
                self.push(files[name], f"{STORE}/{name}")
            arrived = self.hashes([f"{STORE}/{name}.part" for name in some])
            for name in some:
                if arrived.get(f"{STORE}/{name}.part") != wanted[name]:
                    raise self.lost(f"got {files[name].name} with other bytes than were sent")
            self.checked(
                ["sh", "-c", 'for file; do mv "$file.part" "$file" || exit; done', "sh"]
                + [f"{STORE}/{name}" for name in some]
            )
        return [files[name] for name in missing]

    def hashes(self, paths: Sequence[str]) -> dict[str, str]:
        """sha256 of those files of the device that can be read, by path."""
        # It complains about each file that is not there, and that is an answer too.
        found: dict[str, str] = {}
        for some in _batches(paths):
            reply = self.shell(["sha256sum", *some], deadline_s=INSTALL_DEADLINE_S).text
            found |= {path: sha256 for sha256, path in re.findall(r"^([0-9a-f]{64})\s+\*?(.+)$", reply, re.MULTILINE)}
        return found

    def recover(self) -> None:
        """Have the server and the device back, if they come within RECONNECT_S. Raises DeviceLost."""
        end = time.monotonic() + RECONNECT_S
        while True:
            self.server.ensure()
            with contextlib.suppress(DeviceLost):
                state = self.server.states().get(self.serial)
                if state == "device" and self.shell(["true"], deadline_s=5).code == 0:
                    return
                if state is None and ADDRESS.match(self.serial):
                    self.server.connect(self.serial)
                    continue
            if self.stopped.is_set() or time.monotonic() > end:
                raise self.lost(f"did not come back within {RECONNECT_S:g} s")
            time.sleep(SLICE_S)


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """A few at a time: a command line has 128 KB on Android."""
    return (names[start : start + BATCH] for start in range(0, len(names), BATCH))
