"""Physical iPhones and iPads, by `xcrun devicectl`: which are paired, and files in and out of an app's container."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ..contract.errors import EnvironmentMissing, RunError, excerpt
from ..machine.scratch import scratch_folder
from .tool_json import Known, entries_of, first_object
from .xcrun import xcrun

DEADLINE_S = 600
# The three groups of an entry, and what Xcode 27 calls them: one group `properties` of several.
GROUPS = {
    "hardwareProperties": ("hardware",),
    "deviceProperties": ("software", "state"),
    "connectionProperties": ("connection",),
}
NO_HARDWARE = (
    "devicectl lists it without its hardware: the phone does not trust this Mac yet, or its iOS is older than 17"
)
TRUST = "connect the phone by cable, unlock it, tap Trust, and look for it in xcrun devicectl list devices"


class _Hardware(Known):
    udid: str = Field(default="", pattern=r"^[0-9A-Za-z-]*$", max_length=64)
    platform: str = ""
    kind: str = Field(default="", alias="deviceType")
    model: str = Field(default="", alias="marketingName")
    reality: str = "physical"


class _Properties(Known):
    name: str = ""
    os: str = Field(default="", alias="osVersionNumber")
    developer_mode: str = Field(default="", alias="developerModeStatus")

    @field_validator("os", mode="before")
    @classmethod
    def _os(cls, value: Any) -> Any:
        return value.get("stringValue", "") if isinstance(value, Mapping) else value

    @field_validator("developer_mode", mode="before")
    @classmethod
    def _developer_mode(cls, value: Any) -> Any:
        return next(iter(value), "") if isinstance(value, Mapping) else value


class _Connection(Known):
    pairing: str = Field(default="", alias="pairingState")


class _Entry(Known):
    identifier: str = Field(pattern=r"^[0-9A-Za-z-]+$", max_length=64)
    visibility: str = Field(default="default", alias="visibilityClass")
    hardware: _Hardware = Field(default=_Hardware(), alias="hardwareProperties")
    properties: _Properties = Field(default=_Properties(), alias="deviceProperties")
    connection: _Connection = Field(default=_Connection(), alias="connectionProperties")

    @model_validator(mode="before")
    @classmethod
    def _groups(cls, entry: Any) -> Any:
        """The groups that every Xcode has, out of those of Xcode 27 where only these are there."""
        if not isinstance(entry, Mapping):
            return entry
        newer = entry.get("properties")
        newer = newer if isinstance(newer, Mapping) else {}
        groups: dict[str, Any] = {}
        for name, sources in GROUPS.items():
            older = entry.get(name) or {}
            if not isinstance(older, Mapping):
                return entry
            merged: dict[str, Any] = {}
            for source in sources:
                if isinstance(newer.get(source), Mapping):
                    merged.update(newer[source])
            groups[name] = {**merged, **older}
        return {key: value for key, value in entry.items() if key != "properties"} | groups

    @property
    def ios(self) -> bool:
        """Whether it is a phone or a tablet of its own, and not a Mac, a watch or (from Xcode 27) a simulator."""
        platform = self.hardware.platform or {"iPhone": "iOS", "iPad": "iOS"}.get(self.hardware.kind, "")
        real = self.hardware.reality == "physical" and self.visibility != "simulators"
        return real and platform in ("iOS", "iPadOS")


class Phone(BaseModel):
    """A paired device that runs iOS; `identifier` is devicectl's own, `udid` the hardware's.

    `developer_mode` is None where devicectl does not tell, as that of Xcode 26 for a phone it is not connected to.
    """

    model_config = ConfigDict(frozen=True)

    identifier: str
    udid: str
    name: str
    model: str
    os: str
    developer_mode: bool | None

    def answers_to(self, destination: str) -> bool:
        """Whether a user means this one."""
        return destination.lower() in (self.identifier.lower(), self.udid.lower()) or destination == self.name


@dataclass(frozen=True)
class Ghost:
    """An entry that devicectl lists and nothing can be run on, and why."""

    identifier: str
    name: str
    why: str
    fix: str

    def answers_to(self, destination: str) -> bool:
        """Whether a user means this one."""
        return destination.lower() == self.identifier.lower() or (bool(self.name) and destination == self.name)


@dataclass(frozen=True)
class Devices:
    """What devicectl lists: what can be used, and what cannot; Macs, watches and simulators are in neither."""

    phones: tuple[Phone, ...]
    ghosts: tuple[Ghost, ...]


def list_devices(logs: Path) -> Devices:
    """The paired phones, and the entries that are none. Raises RunError where devicectl cannot be asked."""
    with scratch_folder() as folder:
        # Its stdout is for people and may change; the JSON file is what Apple promises.
        path = folder / "devices.json"
        xcrun(["devicectl", "list", "devices", "--json-output", path], logs / "devicectl-list.log", DEADLINE_S)
        return parse_devices(path.read_text("utf-8", "replace"))


def find_phone(destination: str, logs: Path) -> Phone:
    """The phone that a destination names. Raises EnvironmentMissing with why it cannot be used, and RunError."""
    devices = list_devices(logs)
    found = next((phone for phone in devices.phones if phone.answers_to(destination)), None)
    if ghost := next((ghost for ghost in devices.ghosts if ghost.answers_to(destination)), None):
        raise EnvironmentMissing(f"{destination} cannot be used: {ghost.why}", ghost.fix)
    if not found:
        # A ghost has lost the name that it is looked for by.
        nameless = [ghost for ghost in devices.ghosts if not ghost.name]
        also = "".join(f"; there is {ghost.identifier} too, but {ghost.why}" for ghost in nameless[:1])
        raise EnvironmentMissing(
            f"no simulator and no paired phone is called {destination!r}{also}",
            fix=nameless[0].fix if nameless else "./goldmask ios.simulator.list",
        )
    if found.developer_mode is False:
        raise EnvironmentMissing(
            f"{found.name} is not in developer mode", fix="Settings, Privacy & Security, Developer Mode on the phone"
        )
    return found


def parse_phones(text: str) -> list[Phone]:
    """The phones in `devicectl list devices --json-output`. Raises RunError."""
    return list(parse_devices(text).phones)


def parse_devices(text: str) -> Devices:
    """`devicectl list devices --json-output` as values; one entry that is strange spoils no other. Raises RunError."""
    fix = "xcrun devicectl list devices"
    try:
        listing = first_object(text)
    except ValueError as error:
        raise RunError(f"devicectl list answers no JSON: {excerpt(text) or 'nothing'}", fix) from error
    result = listing.get("result")
    listed = result.get("devices") if isinstance(result, Mapping) else None
    if not isinstance(listed, list):
        raise RunError(f"devicectl list answers in another way: {_failure(listing) or excerpt(text)}", fix)
    entries, problems = entries_of(_Entry, listed)
    if listed and not entries:
        raise RunError(f"devicectl list answers in another way: {problems[0]}", fix)
    phones, ghosts = [], []
    for entry in entries:
        if entry.ios and entry.hardware.udid and entry.connection.pairing == "paired":
            phones.append(_phone(entry))
        elif not entry.hardware.udid:
            ghosts.append(Ghost(entry.identifier, entry.properties.name, NO_HARDWARE, TRUST))
        elif entry.ios:
            state = entry.connection.pairing or "of unknown pairing"
            ghosts.append(Ghost(entry.identifier, entry.properties.name, f"devicectl lists it as {state}", TRUST))
    return Devices(tuple(phones), tuple(ghosts))


def _phone(entry: _Entry) -> Phone:
    mode = entry.properties.developer_mode
    return Phone(
        identifier=entry.identifier,
        udid=entry.hardware.udid,
        name=entry.properties.name or entry.hardware.model or entry.hardware.udid,
        model=entry.hardware.model,
        os=f"iOS {entry.properties.os}".strip(),
        developer_mode=mode == "enabled" if mode in ("enabled", "disabled") else None,
    )


def _failure(listing: Mapping[str, Any]) -> str:
    """devicectl's own sentence where its JSON says that it failed."""
    error = listing.get("error")
    details = error.get("userInfo") if isinstance(error, Mapping) else None
    described = details.get("NSLocalizedDescription") if isinstance(details, Mapping) else None
    text = described.get("string") if isinstance(described, Mapping) else described
    return excerpt(text) if isinstance(text, str) else ""


def install(phone: Phone, app: Path, logs: Path) -> None:
    """Install a signed .app. Raises RunError with devicectl's reason."""
    argv: list[str | Path] = ["devicectl", "device", "install", "app", "--device", phone.identifier, app]
    xcrun(argv, logs / f"devicectl-install-{phone.udid}.log", DEADLINE_S)


def send(phone: Phone, bundle_id: str, folder: Path, remote: str, logs: Path) -> None:
    """Copy a folder to `place` in an app's container. Raises RunError."""
    # Never --remove-existing-content true: it empties the whole container, whatever the destination.
    argv: list[str | Path] = ["devicectl", "device", "copy", "to", *_container(phone, bundle_id)]
    argv += ["--source", folder, "--destination", remote, "--remove-existing-content", "false"]
    xcrun(argv, logs / f"devicectl-send-{phone.udid}.log", DEADLINE_S)


def receive(phone: Phone, bundle_id: str, remote: str, folder: Path, logs: Path) -> Path:
    """Copy the folder `place` of an app's container to `folder`; where its files are now. Raises RunError."""
    folder.mkdir(parents=True, exist_ok=True)
    argv: list[str | Path] = ["devicectl", "device", "copy", "from", *_container(phone, bundle_id)]
    argv += ["--source", remote, "--destination", folder]
    xcrun(argv, logs / f"devicectl-receive-{phone.udid}.log", DEADLINE_S)
    # It sends a folder's content and, other than that, brings the folder itself; not every version does.
    nested = folder / PurePosixPath(remote).name
    return nested if nested.is_dir() else folder


def _container(phone: Phone, bundle_id: str) -> tuple[str, ...]:
    return ("--device", phone.identifier, "--domain-type", "appDataContainer", "--domain-identifier", bundle_id)
