"""Physical iPhones and iPads, by `xcrun devicectl`: which are paired, and files in and out of an app's container."""

import tempfile
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..contract.errors import RunError
from ..contract.schema import first_problem
from .xcode import xcrun

DEADLINE_S = 600


class _Known(BaseModel):
    """Apple adds keys with every Xcode; what is not read here may be anything."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class _Hardware(_Known):
    udid: str = Field(pattern=r"^[0-9A-Fa-f-]{24,40}$")
    platform: str = ""
    model: str = Field(default="", alias="marketingName")


class _Properties(_Known):
    name: str = ""
    os: str = Field(default="", alias="osVersionNumber")
    developer_mode: str = Field(default="", alias="developerModeStatus")


class _Connection(_Known):
    pairing: str = Field(default="", alias="pairingState")


class _Entry(_Known):
    identifier: str
    hardware: _Hardware = Field(alias="hardwareProperties")
    properties: _Properties = Field(alias="deviceProperties")
    connection: _Connection = Field(alias="connectionProperties")


class _Result(_Known):
    devices: tuple[_Entry, ...] = ()


class _Listing(_Known):
    result: _Result


class Phone(BaseModel):
    """A paired device that runs iOS; `identifier` is devicectl's own, `udid` the hardware's."""

    model_config = ConfigDict(frozen=True)

    identifier: str
    udid: str
    name: str
    model: str
    os: str
    developer_mode: bool

    def answers_to(self, destination: str) -> bool:
        """Whether a user means this one."""
        return destination.lower() in (self.identifier.lower(), self.udid.lower()) or destination == self.name


def list_phones(logs: Path) -> list[Phone]:
    """The paired iOS devices. Raises RunError where devicectl cannot be asked or understood."""
    with tempfile.TemporaryDirectory(prefix="goldmask-") as folder:
        # Its stdout is for people and may change; the JSON file is what Apple promises.
        path = Path(folder) / "devices.json"
        xcrun(["devicectl", "list", "devices", "--json-output", path], logs / "devicectl-list.log", DEADLINE_S)
        return parse_phones(path.read_text("utf-8"))


def parse_phones(text: str) -> list[Phone]:
    """`devicectl list devices --json-output` as values. Raises RunError."""
    try:
        entries = _Listing.model_validate_json(text).result.devices
    except ValidationError as error:
        raise RunError(
            f"devicectl list answers in another way: {first_problem(error)}", fix="xcrun devicectl list devices"
        ) from error
    return [
        Phone(
            identifier=entry.identifier,
            udid=entry.hardware.udid,
            name=entry.properties.name,
            model=entry.hardware.model,
            os=f"iOS {entry.properties.os}",
            developer_mode=entry.properties.developer_mode == "enabled",
        )
        for entry in entries
        if entry.hardware.platform in ("iOS", "iPadOS") and entry.connection.pairing == "paired"
    ]


def install(phone: Phone, app: Path, logs: Path) -> None:
    """Install a signed .app. Raises RunError with devicectl's reason."""
    words = ["devicectl", "device", "install", "app", "--device", phone.identifier, app]
    xcrun(words, logs / f"devicectl-install-{phone.udid}.log", DEADLINE_S)


def send(phone: Phone, bundle_id: str, folder: Path, place: str, logs: Path) -> None:
    """Copy a folder to `place` in an app's container. Raises RunError."""
    # Never --remove-existing-content true: it empties the whole container, whatever the destination.
    words = ["devicectl", "device", "copy", "to", *_container(phone, bundle_id)]
    words += ["--source", folder, "--destination", place, "--remove-existing-content", "false"]
    xcrun(words, logs / f"devicectl-send-{phone.udid}.log", DEADLINE_S)


def receive(phone: Phone, bundle_id: str, place: str, folder: Path, logs: Path) -> Path:
    """Copy the folder `place` of an app's container to `folder`; where its files are now. Raises RunError."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["devicectl", "device", "copy", "from", *_container(phone, bundle_id)]
    words += ["--source", place, "--destination", folder]
    xcrun(words, logs / f"devicectl-receive-{phone.udid}.log", DEADLINE_S)
    # It sends a folder's content and, other than that, brings the folder itself; not every version does.
    nested = folder / PurePosixPath(place).name
    return nested if nested.is_dir() else folder


def _container(phone: Phone, bundle_id: str) -> tuple[str, ...]:
    return ("--device", phone.identifier, "--domain-type", "appDataContainer", "--domain-identifier", bundle_id)
