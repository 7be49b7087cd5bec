"""`android.emulator.*`."""

from rich.text import Text

from ..android import avd
from ..android.adb import Server
from ..contract.errors import ExitCode
from ..project.config import load_config
from .console import ProgressBars, new_table, out
from .folders import root


def start_emulator() -> ExitCode:
    """`android.emulator.up`."""
    with ProgressBars() as bars, Server(avd.state_folder()) as server:
        emulator, new = avd.up(load_config(root()).android.emulator, server, bars.step)
    out.print(Text(f"{emulator.serial} is {'up' if new else 'up already'}; its log is {emulator.log}"))
    if emulator.retried:
        out.print(Text(f"note: it took a second boot: {emulator.retried}", "yellow"))
    out.print(Text("stop it: ./goldmask android.emulator.down"))
    return ExitCode.OK


def stop_emulators() -> ExitCode:
    """`android.emulator.down`."""
    with Server(avd.state_folder()) as server:
        stopped = avd.down(server)
    for emulator in stopped:
        out.print(Text(f"stopped {emulator.serial}"))
    if not stopped:
        out.print(Text("no emulator of ours is running"))
    return ExitCode.OK


def list_emulators() -> ExitCode:
    """`android.emulator.list`."""
    table = new_table("emulator", "state", "started by", "log")
    with Server(avd.state_folder()) as server:
        listed = avd.running(server)
    for each in listed:
        ours = each.emulator
        owner = "others" if not ours else "ours" if ours.kept else "ours, for a check"
        table.add_row(*map(Text, (each.serial, each.state, owner, str(ours.log) if ours else "")))
    out.print(table if listed else Text("no emulator is running"))
    return ExitCode.OK
