"""What adb prints: transports to devices, and why there is no server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcript import TRANSCRIPTS, transcript

from goldmask.android import adb_output
from goldmask.android.adb_output import Transport, transports
from goldmask.contract.errors import EnvironmentMissing

WIFI = "adb-ZY22MGW35T-Z3uXXq (2)._adb-tls-connect._tcp"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("briefcase-devices-l-daemon_start.out", []),
        ("briefcase-devices-l-no_devices.out", []),
        (
            "briefcase-devices-l-multiple_devices.out",
            [
                Transport("041234567892009a", "unauthorized"),
                Transport("KABCDABCDA1513", "device", model="Kogan_Agora_9"),
                Transport("emulator-5554", "device", model="Android_SDK_built_for_x86"),
                Transport("emulator-5556", "offline"),
            ],
        ),
        ("briefcase-devices-l-no_model.out", [Transport("emulator-5554", "device")]),
        (
            "briefcase-devices-l-no_permissions.out",
            [
                Transport("200ABCDEFGHIJK", "no permissions", "user russell is not in the plugdev group"),
                Transport("300ABCDEFGHIJK", "no permissions", "missing udev rules? user is in the plugdev group"),
            ],
        ),
        (
            "briefcase-devices-l-one_emulator.out",
            [Transport("emulator-5554", "device", model="Android_SDK_built_for_x86")],
        ),
        ("briefcase-devices-l-physical_device_macOS.out", [Transport("200ABCDEFGHIJK", "device", model="Pixel_7")]),
        (
            "short.txt",
            [
                Transport(WIFI, "device"),
                Transport("192.168.1.7:5555", "device"),
                Transport("ZY22MGW35T", "device"),
                Transport("????????????", "no permissions"),
            ],
        ),
        (
            "wireless.txt",
            [
                Transport(WIFI, "device", model="moto_g"),
                Transport("adb-0123456789abcdef (2)._adb-tls-connect._tcp", "unauthorized"),
            ],
        ),
        ("mismatch.txt", [Transport("0816f3699208ee6d", "device")]),
        (
            "recovery.txt",
            [Transport("ZY22MGW35T", "recovery", model="moto_g"), Transport("(no serial number)", "sideload")],
        ),
        ("client-http.txt", []),
        ("start-port-taken.txt", []),
    ],
)
def test_what_is_listed(name, found):
    assert transports(transcript(f"adb/{name}")) == found


@pytest.mark.parametrize("line", ["\x1b[31mX\tdevice", "X\u202e\tdevice", "no state", "X1\t\x07", "\tdevice"])
def test_what_a_terminal_would_obey_is_no_device(line):
    assert transports(line) == []


@pytest.mark.parametrize(
    ("serials", "number", "same"),
    [
        (("ZY22MGW35T", WIFI, "192.168.1.7:5555"), "ZY22MGW35T", 1),
        (("emulator-5554", "127.0.0.1:5555", "localhost:5555"), "EMULATOR36X1X9X0", 1),
        (("emulator-5554", "emulator-5556"), "EMULATOR36X1X9X0", 2),
        (("127.0.0.1:5555", "127.0.0.1:5557"), "EMULATOR36X1X9X0", 2),
        (("192.168.1.7:5555", "192.168.1.8:5555"), "", 2),
        (("127.0.0.1:20001", "localhost:20001"), "", 1),
    ],
)
def test_which_transports_lead_to_one_device(serials, number, same):
    assert len({Transport(serial, "device").device(number) for serial in serials}) == same


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("client-http", "what listens at 127.0.0.1:5037 is no adb server: it answers 'HTTP'"),
        ("client-ssh", "what listens at 127.0.0.1:5037 is no adb server: it answers 'SSH-'"),
        ("client-close", "what listens at 127.0.0.1:5037 is no adb server: it closes every connection"),
        (
            "start-port-taken",
            "the adb server at 127.0.0.1:5037 is of version 1.0.32 and adb is 1.0.41: it cannot be replaced (could not "
            "install *smartsocket* listener: Address already in use)",
        ),
        (
            "start-no-tmp",
            "the adb server does not start: cannot open /nowhere/adb.0.log: No such file or directory",
        ),
        (
            "start-no-home",
            "the adb server does not start: Cannot mkdir '/proc/.android': No such file or directory",
        ),
    ],
)
def test_why_there_is_no_server(name, sentence):
    error = adb_output.error(transcript(f"adb/{name}.txt"), "127.0.0.1:5037")
    assert error.what == sentence
    assert isinstance(error, EnvironmentMissing) == name.startswith("client")


def test_what_to_do_about_servers():
    other = adb_output.error(transcript("adb/client-http.txt"), "127.0.0.1:5037")
    assert other.fix.startswith("end that program (ss -ltnp 'sport = :5037')")
    assert adb_output.error(transcript("adb/start-port-taken.txt"), "x:1").fix == adb_output.ONE_ADB


def test_words_that_nobody_knows_are_shown():
    words = adb_output.error("\n".join("abcdefgh"), "x:1").what
    assert words == "the adb server does not start: a | b | c | … 2 lines … | f | g | h"
    assert adb_output.error("", "x:1").what == "the adb server does not start: adb says nothing"


def test_versions():
    assert adb_output.version("Android Debug Bridge version 1.0.41\nVersion 36.0.0-13206524\n") == 41
    assert adb_output.version("adb 7") == 0


LINES = [line for path in (TRANSCRIPTS / "adb").iterdir() for line in transcript(f"adb/{path.name}").splitlines()]


@given(st.lists(st.sampled_from(LINES) | st.text()))
def test_anything_is_a_list_and_a_sentence(lines):
    text = "\n".join(lines)
    for each in transports(text):
        assert str(each).isprintable() and each.state.isprintable() and each.device("")
    error = adb_output.error(text, "127.0.0.1:5037")
    assert error.what.isprintable() and len(error.what) < 1500
