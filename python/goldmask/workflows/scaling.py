"""Apps that scale by a kernel of their own (`scaling = "own"`): the reference predicts from what they hand on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from ..contract.bundle import Bundle, Failed, Predicted, Request, RequestCase, Result
from ..contract.errors import EnvironmentMissing, ExitCode, GoldmaskError, RunError
from ..contract.files import sha256_of, write_atomically
from ..contract.handed_on import STAGES, HandedOn, Values, read_handed_on, tensor_of
from ..contract.image import Pixels, decode
from ..contract.input_tensor import to_tensor
from ..contract.options import Kernel, Options, TapName
from ..project.config import Config
from ..project.golden import Golden, same_runtime
from ..project.options import TargetOptions
from ..targets.python import runtime_of
from ..targets.target import REFERENCE, Context, find_target
from ..verdict import own_scaling
from ..verdict.compare import Asked, Comparison, Judged, Verdict, compare_case
from ..verdict.kernels import OwnScaling, scale
from .compare import tolerances_of

ANDROID = "android"


@dataclass(frozen=True)
class Scaled:
    """The bundle of one destination against a golden, and what it takes to run the reference from its pixels on."""

    config: Config
    target: str
    request: Request
    golden: Golden
    bundle: Bundle
    folder: Path
    out: Path
    context: Context
    asked: Asked


@dataclass(frozen=True)
class Claim:
    """A row that failed, the pixels that its app's kernel makes, and what the app hands on of its own."""

    row: Judged
    result: Predicted
    kernel: Kernel
    expected: Pixels
    handed_on: HandedOn
    own: OwnScaling | None = None


def handed_on_taps(config: Config, model: str, pipeline: str, target: str) -> tuple[TapName, ...]:
    """The intermediate outputs that a request asks for: none but where a case may be judged from its own scaling on."""
    if target == REFERENCE:
        return ()
    wanted = config.tolerances.scaling == "own"
    for override in config.overrides:
        matches = ((override.model, model), (override.pipeline, pipeline), (override.target, target))
        if override.changes.get("scaling") == "own" and all(name in (None, actual) for name, actual in matches):
            wanted = True
    return STAGES if wanted else ()


def judge_own_scaling(rows: Sequence[Comparison], scaled: Scaled) -> list[Comparison]:
    """The rows, those that failed where `scaling = "own"` judged from the pixels or the tensor that the app hands on.

    The reference runs once, for all of them, with the golden's runtime and options; not at all where nothing failed.
    """
    judged: dict[str, Comparison] = {}
    claims: list[Claim] = []
    for row in rows:
        if not isinstance(row, Judged) or row.exit_code is not ExitCode.MASKS_DIFFER or row.across or not row.metrics:
            continue
        tolerances, _ = tolerances_of(scaled.config, scaled.bundle, row.model, scaled.target, row.case)
        if tolerances.scaling == "own":
            found = _claim(row, scaled)
            if isinstance(found, Claim):
                claims.append(found)
            else:
                judged[row.case] = found
    if claims:
        judged |= _from_there(claims, scaled)
    return [judged.get(row.case, row) for row in rows]


def _claim(row: Judged, scaled: Scaled) -> Claim | Comparison:
    """What an app says of its scaling, its pixels held against its kernel; the row where they are not those."""
    result = scaled.bundle.result(row.case)
    assert isinstance(result, Predicted)  # its mask was judged
    if result.scaling is None:
        return own_scaling.unexcused(row, "the app names no kernel (docs/scaling.md)")
    if not set(STAGES) & set(result.taps):
        return own_scaling.unexcused(row, "the app hands on neither its pixels nor its tensor (docs/scaling.md)")
    spec, (case,) = scaled.request.model.input, (each for each in scaled.request.cases if each.id == row.case)
    try:
        if result.scaling == "platform bilinear" and scaled.bundle.target.platform != ANDROID:
            platform = scaled.bundle.target.platform
            raise EnvironmentMissing(
                f"'platform bilinear' is Android's, and goldmask cannot compute that of {platform}",
                fix="scale by another kernel of docs/scaling.md",
            )
        handed_on = read_handed_on(scaled.folder, result, scaled.request)
        pixels = decode(Path(case.file), case.orientation)
        expected = scale(pixels, spec.height, spec.width, result.scaling)
    except GoldmaskError as error:
        return own_scaling.unjudged(row, error)
    claim = Claim(row, result, result.scaling, expected, handed_on)
    if handed_on.resized is None:
        return claim
    own = own_scaling.measured(row, claim.kernel, own_scaling.pixel_levels(handed_on.resized, expected))
    return replace(claim, own=own) if own.is_within else own_scaling.other_pixels(row, own, "resized")


def _from_there(claims: Sequence[Claim], scaled: Scaled) -> Mapping[str, Comparison]:
    """Each claim's row: one run of the reference on all that was handed on, and the masks against its masks."""
    folder = scaled.out / "scaling" / claims[0].row.target / scaled.bundle.pipeline / scaled.request.model.name
    try:
        cases = tuple(case for index, claim in enumerate(claims) for case in _cases(index, claim, folder))
        reference = _run_reference(cases, folder, scaled)
    except (GoldmaskError, OSError) as error:
        known = error if isinstance(error, GoldmaskError) else RunError(f"{folder} cannot be written: {error.strerror}")
        return {claim.row.case: own_scaling.unjudged(claim.row, known) for claim in claims}
    return {claim.row.case: _judge(index, claim, reference, folder, scaled) for index, claim in enumerate(claims)}


def _cases(index: int, claim: Claim, folder: Path) -> Iterable[RequestCase]:
    """What the reference predicts of a claim: from its pixels; without these from its tensor, and its kernel's pixels.

    The tensor that the reference makes of these pixels is what the app's is held against.
    """
    pixels = claim.expected if claim.handed_on.resized is None else claim.handed_on.resized
    path = folder / "images" / f"{index}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    yield RequestCase(id=f"pixels-{index}", file=str(path.resolve()), sha256=sha256_of(path), orientation=1)
    if claim.handed_on.resized is None and claim.handed_on.tensor is not None:
        path = path.with_suffix(".bin")
        write_atomically(path, claim.handed_on.tensor)
        yield RequestCase(id=f"tensor-{index}", file=str(path.resolve()), sha256=sha256_of(path), stage="tensor")


def _run_reference(cases: tuple[RequestCase, ...], folder: Path, scaled: Scaled) -> Bundle:
    """The reference on `cases` as the golden was recorded. Raises GoldmaskError."""
    recorded = scaled.golden.provenance.options.model_copy(update={"warmup": 0, "runs": 1, "min_duration_s": 0.0})
    options = Options(**recorded.model_dump(), pipeline=scaled.golden.bundle.pipeline, taps=("margin", "tensor"))
    request = scaled.request.model_copy(update={"cases": cases, "options": options})
    chosen = TargetOptions(**recorded.model_dump(), runtime=runtime_of(scaled.golden.bundle.runtime))
    with find_target(REFERENCE).session(replace(scaled.context, options=chosen)) as session:
        session.prepare(options.pipeline)
        return session.run(request, folder)


def _judge(index: int, claim: Claim, reference: Bundle, folder: Path, scaled: Scaled) -> Comparison:
    """A claim's row, once the reference has run."""
    row, spec, own = claim.row, scaled.request.model.input, claim.own
    made = reference.result(f"pixels-{index}")
    result = made if own else reference.result(f"tensor-{index}")
    for each in (made, result):
        if not isinstance(each, Predicted):
            why = f"{each.error.stage}: {each.error.message}" if isinstance(each, Failed) else "it has no result"
            return own_scaling.unjudged(row, RunError(f"the reference could not predict from there on: {why}"))
    assert isinstance(made, Predicted) and isinstance(result, Predicted)
    if claim.handed_on.tensor is not None:
        try:
            expected = _tensor_of(made, claim, folder, scaled)
        except GoldmaskError as error:
            return own_scaling.unjudged(row, error)
        levels = own_scaling.tensor_levels(tensor_of(claim.handed_on.tensor, spec.dtype), expected, spec)
        if own is None:
            own = own_scaling.measured(row, claim.kernel, levels)
            if not own.is_within:
                return own_scaling.other_pixels(row, own, "tensor")
        elif not own_scaling.is_of_its_pixels(levels, spec):
            return own_scaling.other_tensor(row, own, float(levels.max()))
    assert own  # a claim has pixels or a tensor
    stages = claim.result.stages.model_copy(update={"decoded": None})
    as_golden: Result = result.model_copy(
        update={"case": row.case, "image_sha256": claim.result.image_sha256, "stages": stages}
    )
    tolerances, override = tolerances_of(scaled.config, scaled.bundle, row.model, scaled.target, row.case)
    outcome = compare_case(
        model=row.model,
        case=row.case,
        golden_folder=folder,
        golden=reference.model_copy(update={"results": (as_golden,)}),
        folder=scaled.folder,
        bundle=scaled.bundle,
        labels=scaled.request.model.labels,
        tolerances=tolerances,
        warnings=scaled.config.warnings,
        asked=scaled.asked,
        override=override,
    )
    if isinstance(outcome, Judged) and outcome.verdict is Verdict.FAIL and outcome.metrics is None:
        return outcome
    note = "" if same_runtime(reference.runtime, scaled.golden.bundle.runtime) else f"; there {reference.runtime} ran"
    return own_scaling.from_there(row, own, outcome, note)


def _tensor_of(made: Predicted, claim: Claim, folder: Path, scaled: Scaled) -> Values:
    """The tensor that the reference made of a claim's pixels, in one row. Raises RunError."""
    spec = scaled.request.model.input
    if "tensor" in made.taps:
        handed_on = read_handed_on(
            folder, made.model_copy(update={"taps": {"tensor": made.taps["tensor"]}}), scaled.request
        )
        assert handed_on.tensor is not None
        return tensor_of(handed_on.tensor, spec.dtype)
    # The Task Library keeps its tensor to itself, and takes none that is quantised with a sign.
    pixels = claim.expected if claim.handed_on.resized is None else claim.handed_on.resized
    return np.ravel(to_tensor(pixels, spec))
