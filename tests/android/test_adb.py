"""adb without a device: how the server is found, and what a hostile server can do."""

import contextlib
import socket
import struct
import threading

import pytest
from clock import Clock

from goldmask.android import adb
from goldmask.contract.errors import EnvironmentMissing, RunError, UsageError
from goldmask.machine.shell import Finished


@contextlib.contextmanager
def fake_server(answer, monkeypatch, tmp_path):
    """A device behind an "adb server" that sends `answer` to every command, and then hangs up."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(listener.getsockname()[1]))
        monkeypatch.setattr("adbutils._adb.time", Clock())  # it sleeps at every end of a connection

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client, contextlib.suppress(OSError):
                        if client.recv(4) and answer(client):
                            return

        threading.Thread(target=serve, daemon=True).start()
        yield adb.Device(adb.Server(tmp_path), "X1")
        listener.shutdown(socket.SHUT_RDWR)


def transport_then(frames: bytes):
    """Accept the transport and the service, then send `frames`."""

    def answer(client):
        client.recv(1000)
        client.sendall(b"OKAY" + bytes(8))
        client.recv(1000)
        client.sendall(b"OKAY" + frames)

    return answer


def frame(kind: int, data: bytes) -> bytes:
    """A frame of the shell protocol."""
    return struct.pack("<BI", kind, len(data)) + data


def test_output_and_exit_code(monkeypatch, tmp_path):
    frames = frame(1, b"one\ntw") + frame(2, b"oops\n") + frame(9, b"?") + frame(1, b"o\r\nlast") + frame(3, b"\x07")
    heard: list[str] = []
    with fake_server(transport_then(frames), monkeypatch, tmp_path) as device:
        said = device.shell(["x"], on_line=heard.append)
    assert (said.code, said.text, said.reason) == (7, "one\ntwo\r\nlast", "oops")
    assert heard == ["one", "two", "last"]


@pytest.mark.parametrize(
    ("frames", "error", "words"),
    [
        (frame(1, b"half"), adb.DeviceLost, "X1 was lost during `x`"),
        (b"\x01\xff", adb.DeviceLost, "X1 was lost during `x`"),
        (frame(1, bytes(2000)), RunError, "sends more than 1,000 bytes"),
    ],
)
def test_what_breaks_off_or_never_ends(frames, error, words, monkeypatch, tmp_path):
    with fake_server(transport_then(frames), monkeypatch, tmp_path) as device, pytest.raises(error, match=words):
        device.shell(["x"], limit=1000)


def test_a_command_has_a_deadline(monkeypatch, tmp_path):
    monkeypatch.setattr(adb, "time", Clock(tick_s=0.1))
    monkeypatch.setattr(adb, "SLICE_S", 0.01)
    over = threading.Event()

    def answer(client):
        transport_then(b"")(client)
        over.wait(10)

    with fake_server(answer, monkeypatch, tmp_path) as device:
        with pytest.raises(adb.Expired, match="did not end within 0.3 s"):
            device.shell(["x"], deadline_s=0.3)
        device.stopped.set()
        over.set()
        with pytest.raises(adb.Stopped):
            device.shell(["x"], deadline_s=5)


def test_a_line_puts_the_deadline_off(monkeypatch, tmp_path):
    monkeypatch.setattr(adb, "time", Clock(tick_s=0.1))
    frames = frame(1, b"still there\n") * 20 + frame(3, b"\0")
    heard: list[str] = []
    with fake_server(transport_then(frames), monkeypatch, tmp_path) as device:
        assert device.shell(["x"], deadline_s=1, on_line=heard.append).code == 0
        assert len(heard) == 20
        with pytest.raises(adb.Expired):
            device.shell(["x"], deadline_s=1)


def block(text: bytes) -> bytes:
    """A string as the server sends it."""
    return b"%04x" % len(text) + text


def test_serials_that_a_terminal_would_obey_are_no_devices(monkeypatch, tmp_path):
    def answer(client):
        client.recv(1000)
        client.sendall(b"OKAY" + block(b"\x1b[31mX\tdevice\nX1\tdevice\nX2\tno permissions (see http)\nno tab\n"))

    with fake_server(answer, monkeypatch, tmp_path) as device:
        assert device.server.states() == {"X1": "device", "X2": "no permissions"}


@pytest.mark.parametrize("text", [b"zzzz", b"", b"00", b"ffffX1\tdevice", b"-001"])
def test_a_list_that_breaks_off_is_a_lost_server_or_no_devices(text, monkeypatch, tmp_path):
    def answer(client):
        client.recv(1000)
        client.sendall(b"OKAY" + text)

    with fake_server(answer, monkeypatch, tmp_path) as device:
        try:
            assert device.server.states() in ({}, {"X1": "device"})
        except adb.DeviceLost as error:
            assert error.what == "adb's protocol is broken: the answer breaks off"


def test_a_server_elsewhere_is_not_started_here(monkeypatch, tmp_path):
    monkeypatch.setenv("ANDROID_ADB_SERVER_HOST", "127.0.0.2")
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "1")
    with pytest.raises(EnvironmentMissing, match="no adb server answers at 127.0.0.2:1"), adb.Server(tmp_path):
        pass


def test_a_port_that_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "adb")
    with pytest.raises(UsageError, match="ANDROID_ADB_SERVER_PORT is 'adb'"):
        adb.Server(tmp_path)


@pytest.mark.parametrize(("usb", "env"), [(True, {}), (False, {"ADB_LIBUSB": "0"})])
def test_where_there_is_no_usb_adb_does_not_wait_for_it(usb, env, monkeypatch, tmp_path):
    envs = []
    done = Finished(("adb",), 0, 0, "", tmp_path / "log")
    monkeypatch.setattr(adb.shell, "run", lambda argv, env, **_: envs.append(env) or done)
    monkeypatch.setattr(adb, "adb_path", lambda: "adb")
    monkeypatch.setattr(adb, "USB", tmp_path if usb else tmp_path / "none")
    monkeypatch.setattr(adb.sys, "platform", "linux")
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "1")
    adb.Server(tmp_path).ensure()
    assert envs == [env]


def test_a_server_that_refuses_says_why(monkeypatch, tmp_path):
    def answer(client):
        client.recv(1000)
        client.sendall(b"FAIL0020device 'X1' \x1b[31mis not to be had")

    with fake_server(answer, monkeypatch, tmp_path) as device, pytest.raises(adb.DeviceLost) as caught:
        device.shell(["x"])
    assert "adb says: device 'X1'" in caught.value.what and "\x1b" not in caught.value.what


@pytest.mark.parametrize(
    ("greeting", "how"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "answers 'HTTP'"),
        (b"SSH-2.0\r\n", "answers 'SSH-'"),
        (b"", "closes every connection"),
    ],
)
def test_what_listens_there_is_no_adb_server(greeting, how, monkeypatch, tmp_path):
    with fake_server(lambda client: client.sendall(greeting), monkeypatch, tmp_path) as device:
        with pytest.raises(EnvironmentMissing) as caught:
            device.server.ensure()
        with pytest.raises(adb.DeviceLost, match="adb's protocol is broken"):
            device.shell(["x"])
    assert caught.value.what == f"what listens at 127.0.0.1:{device.server.port} is no adb server: it {how}"


@pytest.mark.parametrize(("mine", "named"), [(b"39", True), (b"41", False)])
def test_a_server_that_another_version_ended(mine, named, monkeypatch, tmp_path):
    """adb ends a server of another version, whoever uses it at that moment."""

    def answer(client):
        client.recv(1000)
        client.sendall(b"OKAY" + block(b"0029"))

    with fake_server(answer, monkeypatch, tmp_path) as device:
        device.server.ensure()
    said = b"Android Debug Bridge version 1.0." + mine
    done = Finished(("adb", "version"), 0, 0, said.decode(), tmp_path / "log")
    monkeypatch.setattr(adb.shell, "run", lambda argv, **_: done)
    monkeypatch.setattr(adb, "adb_path", lambda: "adb")
    with pytest.raises(adb.DeviceLost) as caught:
        device.server.states()
    versions = ": it was of version 1.0.41, and the adb on PATH (1.0.39) ends servers of other versions"
    assert caught.value.what == f"the adb server is gone{versions if named else ''}"
