"""`ios.*`."""

from rich.text import Text

from ..apple import devicectl, simctl, xcode
from ..contract.errors import ExitCode
from ..machine.scratch import scratch_folder
from ..project.config import load_config
from ..project.options import from_flags, resolve
from ..targets import ios_simulator
from ..targets.target import Context
from .console import ProgressBars, new_table, out
from .folders import from_here, out_folder, root


def build_ios(destinations: list[str], folder: str) -> ExitCode:
    """`ios.build`."""
    path = out_folder(folder, "build/ios")
    with ProgressBars() as bars:
        config = load_config(root())
        options = resolve(config.options.given(ios_simulator.NAME), from_flags({"destination": destinations}))
        products = ios_simulator.build(Context(root(), path / "logs", options, ios=config.ios, progress=bars))
    for product, apps in products:
        out.print(Text(f"built: {product.xctestrun}"))
        for app in sorted(apps.glob("*.app")):
            out.print(Text(f"app: {from_here(app)}"))
    return ExitCode.OK


def list_destinations() -> ExitCode:
    """`ios.simulator.list`."""
    table = new_table("destination", "system", "state", "id")
    with scratch_folder() as logs:
        xcode.find_xcode(logs)
        for each in simctl.simulators(simctl.list_simulators(logs)):
            table.add_row(*map(Text, (each.name, each.os, each.state.lower(), each.udid)))
        devices = devicectl.list_devices(logs)
        for phone in devices.phones:
            mode = "paired, not in developer mode" if phone.developer_mode is False else "paired"
            table.add_row(*map(Text, (phone.name, phone.os, mode, phone.udid)))
    out.print(table)
    for ghost in devices.ghosts:
        out.print(Text(f"not usable: {ghost.name or ghost.identifier}: {ghost.why}"))
    return ExitCode.OK
