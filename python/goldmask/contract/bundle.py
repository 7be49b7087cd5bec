"""The contract between a program that runs a model and the one that judges it: request.json in, a bundle out.

A bundle is a directory: bundle.json, masks/<case>.png (class indices, see mask.py) and taps/. The schema of both
files is docs/bundle.schema.json, which is written from the classes here (docs/bundle.md explains it).
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, Field, JsonValue, model_validator

from .errors import RunError
from .files import read_file, write_atomically
from .latency import Conditions, Kind, Latency, Megabytes
from .mask import MAX_LABELS, MAX_MASK_BYTES, Margins, Mask, decode_margin, decode_mask, mask_size
from .options import Kernel, Options, Pipeline, TapName
from .schema import WHOLE, InvalidJson, Many, Name, Sha256, Strict, Text, parse_json
from .soft import Soft, decode_soft
from .tensors import Constant, InputSpec, OutputSpec, Side

SCHEMA: Literal[1] = 1
BUNDLE_FILE = "bundle.json"
RUN_AGAIN = "run the target again"
# Twice what ten thousand cases need.
MAX_JSON_BYTES = 32 << 20

MarginUnit = Literal["score", "step"]
# Stages in the order data passes them; "inference" is what is left when all hashes agree and masks do not.
STAGES = ("decoded", "resized", "tensor")


def _inside(name: str) -> str:
    """A path that stays in its directory on every platform."""
    if "\\" in name or ":" in name or "\0" in name or name.startswith(("/", "~")) or ".." in PurePosixPath(name).parts:
        raise ValueError(f"{name!r} leads out of the bundle")
    return name


RelativePath = Annotated[str, Field(max_length=255), AfterValidator(_inside)]
SchemaVersion = Annotated[Literal[1], WHOLE]
Orientation = Annotated[int, Field(ge=1, le=8, description="as EXIF counts them")]


class RequestModel(Strict):
    """The model to run; `file` is absolute or relative to request.json."""

    name: Name
    file: str
    sha256: Sha256
    labels: Many[Text] = Field(min_length=1, max_length=MAX_LABELS)
    input: InputSpec
    output: OutputSpec
    constants: Many[Constant] = Field(default=(), description="inputs beside the image")
    signature: Text | None = Field(default=None, description="which to run, where it is not the first subgraph's")


class RequestCase(Strict):
    """One image; `orientation` (EXIF, 1 to 8) replaces the file's own.

    With the `stage` "tensor" the file is no image but the bytes of the model's input, which the references take.
    """

    id: Name
    file: str
    sha256: Sha256
    orientation: Orientation | None = None
    stage: Literal["tensor"] | None = None


class Request(Strict):
    """request.json: what a target is asked to run."""

    schema_: SchemaVersion = Field(default=SCHEMA, alias="schema")
    model: RequestModel
    options: Options
    cases: Many[RequestCase] = Field(min_length=1)


class TargetInfo(Strict):
    """Where it ran."""

    name: Name
    kind: Kind
    platform: Text
    abi: Text
    os: Text
    device: Text = ""


class DelegatedNodes(Strict):
    """How many nodes of the model's graph the delegate took, and how many the graph has."""

    delegated: int = Field(ge=0, le=1 << 24)
    of: int = Field(ge=1, le=1 << 24)

    @model_validator(mode="after")
    def _not_more_than_all(self) -> "DelegatedNodes":
        if self.delegated > self.of:
            raise ValueError(f"a delegate cannot take {self.delegated} of {self.of} nodes")
        return self

    def __str__(self) -> str:
        return f"{self.delegated} of {self.of} nodes"


class RuntimeInfo(Strict):
    """What really ran, which is not always what was asked for."""

    name: Text
    version: Text
    delegate: Text
    threads: int = Field(ge=1, le=1 << 16)
    nodes: DelegatedNodes | None = Field(default=None, description="where the runtime tells; 0 delegated for cpu")

    @model_validator(mode="after")
    def _delegate_has_nodes(self) -> "RuntimeInfo":
        if self.nodes and (self.delegate == "cpu") != (self.nodes.delegated == 0):
            raise ValueError(f"the delegate cannot be {self.delegate} with {self.nodes}")
        return self

    @property
    def is_partial(self) -> bool:
        """Whether the runtime tells that its delegate left nodes to the CPU."""
        return self.nodes is not None and 0 < self.nodes.delegated < self.nodes.of

    def __str__(self) -> str:
        nodes = f" ({self.nodes})" if self.is_partial else ""
        return f"{self.name} {self.version}, {self.delegate}{nodes}, {self.threads} threads"


class ModelInfo(Strict):
    """The model that was run, by its bytes."""

    name: Name
    sha256: Sha256


class Failure(Strict):
    """Why a case has no mask."""

    stage: Text
    message: Text


class StageHashes(Strict):
    """sha256 of what each stage handed on; None where the runtime keeps it to itself.

    decoded, resized: RGB bytes, row by row. tensor: the input tensor's bytes, little-endian.
    """

    decoded: Sha256 | None = None
    resized: Sha256 | None = None
    tensor: Sha256 | None = None


class Tap(Strict):
    """A file kept besides the mask; `unit` is what a margin counts: model scores or quantisation steps."""

    file: RelativePath
    sha256: Sha256
    unit: MarginUnit | None = Field(default=None, description="of a margin map, which has one; of nothing else")


class SoftFile(Strict):
    """A soft mask: a 16-bit grayscale PNG of the mask's size, how probable the foreground is of each pixel.

    The mask is 1 where that is `threshold` or more, else 0.
    """

    file: RelativePath
    sha256: Sha256
    scale: float = Field(gt=0, le=1, description="what one step of the samples is worth; the highest may stand for 1")
    threshold: float = Field(gt=0, lt=1)


class Predicted(Strict):
    """One case with its mask."""

    case: Name
    image_sha256: Sha256
    status: Literal["ok"]
    mask: RelativePath
    mask_sha256: Sha256
    mask_size: tuple[Side, Side] = Field(description="width, height")
    soft: SoftFile | None = Field(default=None, description="of a model that says how sure it is")
    decoded_by: Literal["host"] | None = Field(
        default=None, description="host: goldmask decoded the image for a platform that cannot; else the target did"
    )
    scaling: Kernel | None = Field(default=None, description="how the app says that it scales to the model's size")
    stages: StageHashes = StageHashes()
    latency: Latency | None = None
    memory_init_mb: Megabytes | None = Field(default=None, description="of the process, with the model loaded")
    memory_peak_mb: Megabytes | None = None
    memory_steady_mb: Megabytes | None = Field(default=None, description="after the last run")
    target: TargetInfo | None = Field(default=None, description="where it ran, in a bundle of several devices")
    conditions: Conditions | None = Field(default=None, description="those of its device, in such a bundle")
    taps: dict[TapName, Tap] = Field(default={})

    @model_validator(mode="after")
    def _margins_have_units(self) -> Self:
        for name, tap in self.taps.items():
            if (name == "margin") != (tap.unit is not None):
                raise ValueError(f"taps.{name}: a margin map has a unit, and nothing else has one")
        return self


class Failed(Strict):
    """One case without a mask, why there is none, and what is known of the way it came."""

    case: Name
    image_sha256: Sha256
    status: Literal["error"]
    error: Failure
    stages: StageHashes = StageHashes()
    latency: Latency | None = None
    memory_peak_mb: Megabytes | None = None
    taps: dict[TapName, Tap] = Field(default={}, max_length=0)


# One case: a mask or the reason why there is none, never both; `status` says which.
Result = Annotated[Predicted | Failed, Field(discriminator="status")]


class Bundle(Strict):
    """bundle.json: what a target says it did."""

    schema_: SchemaVersion = Field(default=SCHEMA, alias="schema")
    target: TargetInfo
    pipeline: Pipeline
    runtime: RuntimeInfo
    model: ModelInfo
    started_at: Text
    environment: dict[Text, Text] = Field(default={})
    conditions: Conditions | None = None
    results: Many[Result]

    @model_validator(mode="after")
    def _one_result_each(self) -> "Bundle":
        seen = set()
        for result in self.results:
            if result.case in seen:
                raise ValueError(f"case {result.case} has two results")
            seen.add(result.case)
        return self

    @cached_property
    def by_case(self) -> dict[str, Result]:
        """The results by their case."""
        return {result.case: result for result in self.results}

    def result(self, case: str) -> Result | None:
        """The result of a case, or None."""
        return self.by_case.get(case)

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:
        """A copy with other values, which may have other results."""
        copied = super().model_copy(update=update, deep=deep)
        vars(copied).pop("by_case", None)
        return copied


Contract = TypeVar("Contract", Request, Bundle)


def load_request(path: Path) -> Request:
    """Read request.json. Raises RunError."""
    return _load(path, Request)


def load_bundle(folder: Path) -> Bundle:
    """Read `folder`/bundle.json. Raises RunError where it is missing, is no file or breaks the contract."""
    return _load(_without_links(folder, BUNDLE_FILE), Bundle)


def save(value: Request | Bundle, path: Path) -> None:
    """Write request.json or bundle.json."""
    write_atomically(path, to_json(value))


def to_json(value: BaseModel) -> bytes:
    """Indented UTF-8 JSON, in the order of the schema, without fields that say nothing."""
    return value.model_dump_json(by_alias=True, exclude_none=True, indent=2).encode() + b"\n"


def mask_of(folder: Path, result: Predicted) -> Mask:
    """The mask of a result, uint8 [h, w], its file held against what the bundle says. Raises RunError."""
    return decode_mask(*mask_bytes(folder, result))


def mask_bytes(folder: Path, result: Predicted) -> tuple[bytes, Path]:
    """The PNG of a result's mask, of the hash and the size that the bundle says, and its path. Raises RunError.

    Nothing is decoded.
    """
    data, path = verified(folder, result.mask, result.mask_sha256)
    width, height = mask_size(data, path)
    if (width, height) != result.mask_size:
        raise RunError(
            f"mask {result.mask} in {folder} is {width}×{height}, its bundle says "
            f"{result.mask_size[0]}×{result.mask_size[1]}",
            fix=RUN_AGAIN,
        )
    return data, path


def margin_of(folder: Path, result: Predicted) -> tuple[Margins, MarginUnit] | None:
    """(margins float32 [h, w], unit) of a result, or None where it has no margin map. Raises RunError."""
    found = margin_bytes(folder, result)
    unit = result.taps["margin"].unit if found else None
    return (decode_margin(*found), unit) if found and unit else None


def margin_bytes(folder: Path, result: Predicted) -> tuple[bytes, Path] | None:
    """The PNG of a result's margin map, of the mask's size and the hash that the bundle says, and its path.

    Nothing is decoded. None where a result has no margin map. Raises RunError.
    """
    if not (tap := result.taps.get("margin")):
        return None
    data, path = verified(folder, tap.file, tap.sha256)
    if mask_size(data, path) != result.mask_size:
        raise RunError(f"margin map {tap.file} in {folder} has another size than its mask", fix=RUN_AGAIN)
    return data, path


def soft_of(folder: Path, result: Predicted, mask: Mask) -> Soft | None:
    """The soft mask of a result, float32 [h, w], or None where it has none. Raises RunError.

    Its file is held against what the bundle says: its hash, its size, and that `mask` is what its threshold makes of
    it, but for pixels that the file's steps may have rounded across the threshold.
    """
    if not (soft := result.soft):
        return None
    values = decode_soft(*soft_bytes(folder, result, soft), soft.scale)
    distance = values - soft.threshold
    if (((distance >= 0) != (mask != 0)) & (abs(distance) > soft.scale)).any():
        raise RunError(f"mask {result.mask} in {folder} is not what {soft.file} makes of it", fix=RUN_AGAIN)
    return values


def soft_bytes(folder: Path, result: Predicted, soft: SoftFile) -> tuple[bytes, Path]:
    """The PNG of a soft mask, of the mask's size and the hash that the bundle says, and its path. Raises RunError.

    Nothing is decoded.
    """
    data, path = verified(folder, soft.file, soft.sha256)
    if mask_size(data, path) != result.mask_size:
        raise RunError(f"soft mask {soft.file} in {folder} has another size than its mask", fix=RUN_AGAIN)
    return data, path


def files_of(result: Result) -> tuple[str, ...]:
    """The files of a bundle that belong to a result."""
    if not isinstance(result, Predicted):
        return ()
    soft = (result.soft.file,) if result.soft else ()
    return (result.mask, *soft, *(tap.file for tap in result.taps.values()))


def verified(folder: Path, name: str, sha256: str, limit: int = MAX_MASK_BYTES) -> tuple[bytes, Path]:
    """The bytes of a file that a bundle names, of this hash and at most `limit` of them; its path. Raises RunError."""
    path = _without_links(folder, name)
    try:
        data = read_file(path, limit)
    except FileNotFoundError:
        raise RunError(f"{folder / BUNDLE_FILE} names {name}, which is missing", fix=RUN_AGAIN) from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", fix=RUN_AGAIN) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RunError(f"{path} is not what its bundle.json recorded (sha256 differs)", fix=RUN_AGAIN)
    return data, path


def _without_links(folder: Path, name: str) -> Path:
    """The path of a file of a bundle, which has no links: one of an unpacked archive may lead anywhere."""
    # The folder itself may be a link: whoever named it knows where it leads.
    path = folder
    for step in PurePosixPath(name).parts:
        path /= step
        try:
            linked = path.is_symlink()
        except OSError as error:  # a name that the file system cannot hold, a folder that one may not read
            raise RunError(f"{path} cannot be read: {error.strerror}", fix=RUN_AGAIN) from error
        if linked:
            raise RunError(f"{path} is a symbolic link; a bundle has none", fix=RUN_AGAIN)
    return path


def _load(path: Path, kind: type[Contract]) -> Contract:
    try:
        return parse_json(read_file(path, MAX_JSON_BYTES), kind)
    except FileNotFoundError:
        raise RunError(f"{path} does not exist", fix=RUN_AGAIN) from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", fix=RUN_AGAIN) from error
    except InvalidJson as error:
        raise RunError(f"{path} breaks the bundle contract: {error}", fix=RUN_AGAIN) from error


def json_schema() -> dict[str, JsonValue]:
    """The JSON Schema of request.json and bundle.json, for platforms that are not Python."""
    request, bundle = (kind.model_json_schema(by_alias=True, mode="validation") for kind in (Request, Bundle))
    definitions = request.pop("$defs") | bundle.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "goldmask request.json and bundle.json",
        "oneOf": [{"$ref": "#/$defs/Request"}, {"$ref": "#/$defs/Bundle"}],
        "$defs": dict(sorted((definitions | {"Request": request, "Bundle": bundle}).items())),
    }
