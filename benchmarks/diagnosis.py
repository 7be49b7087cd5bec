"""The confusion table of `diagnose`: injected bugs × named causes, on real models, by hash and by mask.

.venv/bin/python benchmarks/diagnosis.py [--small] [--model NAME …] [--case ID …] [--by hash|mask] [--pairs N]
Every hypothesis is injected as a bug into an app that is written in numpy around the reference runtime. A row is right
where the bug is the cause that is named first. What is no bug (kernels without a delegate, threads, half precision)
must not be called one. --small takes a dozen bugs of `shapes`, and no pairs.
"""

import argparse
import contextlib
import hashlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

from goldmask.contract.bundle import Predicted, Request, RequestCase, StageHashes  # noqa: E402 - after the path
from goldmask.contract.image import Pixels  # noqa: E402
from goldmask.contract.input_tensor import Tensor, stage_hash  # noqa: E402
from goldmask.contract.mask import Mask, Scores  # noqa: E402
from goldmask.contract.options import Options  # noqa: E402
from goldmask.machine.progress import Progress  # noqa: E402
from goldmask.project.gather import gather  # noqa: E402
from goldmask.project.model import Model, load_spec, model_from_path  # noqa: E402
from goldmask.verdict.diagnosis import FEWEST_PIXELS, Diagnosis  # noqa: E402
from goldmask.verdict.hypotheses_decoding import DECODINGS  # noqa: E402
from goldmask.verdict.hypotheses_mask import POSTPROCESSINGS, Postprocessing, Prediction, permutation  # noqa: E402
from goldmask.verdict.hypotheses_resize import FRAMINGS, KERNELS  # noqa: E402
from goldmask.verdict.hypotheses_tensor import LAYOUTS, ORDERS, QUANTISINGS, RANGES  # noqa: E402
from goldmask.verdict.hypothesis import Hypothesis, ImageInput, Recipe  # noqa: E402
from goldmask.workflows import by_reference, diagnose  # noqa: E402
from goldmask.workflows.diagnose import Materials, explain_cases  # noqa: E402
from goldmask.workflows.failed_case import FailedCase, photo_of  # noqa: E402
from goldmask.workflows.reference import Reference  # noqa: E402

MODELS = ("shapes", "shapes-int8", "deeplabv3", "soft")
SMALL = (
    "exif-ignored", "rotated-90", "mirrored", "nearest", "centre-crop", "bgr", "gray", "zero-to-one", "signed-bytes",
    "nchw", "mask-transposed", "labels-shifted-up",
)  # fmt: skip
SMALL_CASES = ("exif-rotated", "square", "wide")
RIGHT, RIGHT_PAIRS, UNDECIDABLE = 0.98, 0.90, 0.05
HASHES = ("decoded", "resized", "tensor")


@dataclass(frozen=True)
class Bug:
    """What is injected: a recipe, and what becomes of the mask."""

    recipe: Recipe = field(default_factory=Recipe)
    mask: Postprocessing | None = None

    @property
    def causes(self) -> tuple[Hypothesis, ...]:
        """What should be named."""
        return (*self.recipe.causes, *([self.mask] if self.mask else []))

    @property
    def name(self) -> str:
        """`bgr + mask-transposed`."""
        return " + ".join(cause.name for cause in self.causes)


@dataclass
class Remembering:
    """The reference, each of whose predictions is made once."""

    reference: Reference
    known: dict[str, Mask] = field(default_factory=dict)
    scores: dict[str, Scores] = field(default_factory=dict)
    takes_tensors: bool = True

    def predict_tensors(
        self, tensors: Sequence[Tensor], scored: Collection[int] = (), budget_s: float = 600
    ) -> tuple[list[Mask], dict[int, Scores]]:
        """The masks, and the scores of those that are `scored`."""
        keys = [stage_hash(tensor) for tensor in tensors]
        wanted = [i for i, key in enumerate(keys) if key not in self.known or (i in scored and key not in self.scores)]
        step = max(1, (200 << 20) // tensors[0].nbytes)
        for begin in range(0, len(wanted), step):
            batch = wanted[begin : begin + step]
            of_scores = [place for place, index in enumerate(batch) if index in scored]
            masks, scores = self.reference.predict_tensors([tensors[i] for i in batch], of_scores, 600)
            self.known |= {keys[i]: mask for i, mask in zip(batch, masks, strict=True)}
            self.scores |= {keys[batch[place]]: each for place, each in scores.items()}
        kept = [index for index in scored if index < len(keys) and keys[index] in self.scores]
        return [self.known[key] for key in keys], {index: self.scores[keys[index]] for index in kept}

    def predict_images(self, images: Sequence[Pixels]) -> list[Mask | None]:
        """Nothing here takes images."""
        raise TypeError("it takes tensors")


@dataclass
class Subject:
    """A model with its cases, their photos, and the tensor that is right for each."""

    name: str
    model: Model
    cases: dict[str, RequestCase]
    reference: Remembering
    image: ImageInput

    def stages(self, recipe: Recipe, case: str) -> dict[str, np.ndarray] | None:
        """What an app with this recipe hands on; None where it changes nothing of the case."""
        photo, why = photo_of(self.cases[case])
        assert photo, why
        decoded = recipe.decoded(photo)
        if decoded is None:
            return None
        resized = recipe.resized(decoded, self.image)
        tensor = np.ascontiguousarray(recipe.tensor(resized, self.image))
        return {"decoded": decoded, "resized": recipe.ordered(resized), "tensor": tensor}

    def right(self) -> dict[str, dict[str, np.ndarray]]:
        """What the reference hands on, of each case."""
        return {case: stages for case in self.cases if (stages := self.stages(Recipe(), case))}

    def failed(self, bugs: Sequence[Bug]) -> dict[str, dict[str, tuple[FailedCase, bytes]]]:
        """For each bug the cases whose mask it changes, with a digest of what inference was fed and what came out."""
        right = self.right()
        made = {(bug.name, case): self.stages(bug.recipe, case) for bug in bugs for case in self.cases}
        tensors = [each["tensor"] for each in (*right.values(), *made.values()) if each]
        self.reference.predict_tensors(tensors, range(len(self.cases)))
        failures: dict[str, dict[str, tuple[FailedCase, bytes]]] = {bug.name: {} for bug in bugs}
        for bug in bugs:
            for case in self.cases:
                stages = made[bug.name, case]
                if not stages:
                    continue
                (mask,), scores = self.reference.predict_tensors([stages["tensor"]], (0,) if bug.mask else ())
                (expected,), _ = self.reference.predict_tensors([right[case]["tensor"]])
                if bug.mask:
                    photo, _ = photo_of(self.cases[case])
                    size = photo.upright().shape[:2] if photo else None
                    prediction = Prediction(mask, len(self.model.labels), mask.shape, size, scores.get(0))
                    changed = bug.mask.apply(prediction)
                    mask = mask if changed is None else changed
                if mask.shape == expected.shape and (mask != expected).any():
                    found = self.case(case, expected, mask, right[case], stages)
                    failures[bug.name][case] = found, hashlib.sha256(mask.tobytes()).digest()
        return failures

    def case(self, name: str, expected: Mask, actual: Mask, right: dict, stages: dict) -> FailedCase:
        """Both sides of a case."""
        was, now = (StageHashes(**{stage: stage_hash(each[stage]) for stage in HASHES}) for each in (right, stages))

        def side(mask: Mask, hashes: StageHashes) -> Predicted:
            return Predicted(
                case=name,
                image_sha256="0" * 64,
                status="ok",
                mask="m.png",
                mask_sha256="0" * 64,
                mask_size=mask.shape[::-1],
                stages=hashes,
            )

        return FailedCase(side(expected, was), side(actual, now), expected, actual)


@contextlib.contextmanager
def subject(name: str, only: Sequence[str] = ()) -> Iterator[Subject]:
    """A declared model with its cases; `soft` has two classes, foreground and background, of `shapes`' images."""
    with tempfile.TemporaryDirectory() as folder:
        declared = "shapes" if name == "soft" else name
        assets = gather(ROOT, declared, load_spec(ROOT, declared), Progress())
        model = assets.model
        if name == "soft":
            sys.path.insert(0, str(ROOT / "tests"))
            import tiny  # type: ignore[import-not-found]  # of the tests

            weights = np.array([[0.9, -0.5, 0.3], [-0.4, 0.8, -0.2]], np.float32)
            path = Path(folder) / "soft.tflite"
            path.write_bytes(tiny.scores(height=65, width=65, channels=2, trained=weights))
            model = model_from_path(path)
        assert model, f"{name} cannot be had: {assets.missing}"
        cases = {case.id: case for case in assets.cases if not only or case.id in only}
        request = Request(
            model=model.request(), options=Options(pipeline="lib_interpreter"), cases=tuple(cases.values())
        )
        image = ImageInput.of(model.request().input, model.input.scale, model.input.zero_point)
        assert image, name
        yield Subject(name, model, cases, Remembering(Reference(request, Path(folder))), image)


def bugs_of(image: ImageInput, classes: int) -> list[Bug]:
    """Every hypothesis as a bug, but for those that are what the model's own pre-processing is."""
    slots: dict[str, Sequence[Hypothesis]]
    slots = {"decoding": DECODINGS, "framing": FRAMINGS, "kernel": KERNELS, "order": ORDERS, "layout": LAYOUTS}
    slots |= {"values": RANGES} if image.dtype != "uint8" else {}
    slots |= {"quantising": QUANTISINGS} if image.dtype != "float32" else {}
    bugs = []
    for slot, known in slots.items():
        for each in known:
            bugs += [] if each.harmless else [Bug(replace(Recipe(), **{slot: each}))]  # type: ignore[arg-type]  # by name
    firsts = {each.name: each for each in reversed(POSTPROCESSINGS)}
    bugs += [Bug(mask=each) for each in reversed(firsts.values())]
    if classes > 2:
        bugs.append(Bug(mask=permutation((1, 0, *range(2, classes)))))
    return bugs


def pairs_of(bugs: Sequence[Bug], count: int) -> list[Bug]:
    """Pairs of bugs of different slots, by chance but always the same."""
    generator = random.Random(20)
    found: dict[str, Bug] = {}
    while len(found) < count:
        one, two = generator.sample(list(bugs), 2)
        slots = [{slot for slot, value in vars(each.recipe).items() if value} for each in (one, two)]
        if slots[0] & slots[1] or (one.mask and two.mask):
            continue
        both = Bug(replace(one.recipe, **{slot: getattr(two.recipe, slot) for slot in slots[1]}), one.mask or two.mask)
        found[both.name] = both
    return list(found.values())


@dataclass
class Counts:
    """Of the cases in which a mask changes: how often the cause was named first, or one that cannot be told apart."""

    cases: int = 0
    right: int = 0
    same: int = 0
    few: int = 0
    seconds: list[float] = field(default_factory=list)
    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    undecidable: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, bug: Bug, case: FailedCase, answer: Diagnosis) -> None:
        """One answer."""
        wanted, first = bug.name, " + ".join(cause.name for cause in answer.causes) or "not explained"
        self.cases += 1
        self.named[wanted, first] += 1
        if set(first.split(" + ")) == set(wanted.split(" + ")):
            self.right += 1
        elif sentence(bug) in answer.alternatives:
            self.same += 1
            self.undecidable[wanted, first] += 1
        elif case.differing < FEWEST_PIXELS:
            self.few += 1


def sentence(bug: Bug) -> str:
    """The causes of a bug as a diagnosis writes them."""
    return ", and ".join(cause.cause for cause in bug.causes)


Cases = dict[str, tuple[FailedCase, bytes]]
Failures = dict[str, Cases]


def effective(
    name: str, cases: dict[str, tuple[FailedCase, bytes]], alone: Failures
) -> dict[str, tuple[FailedCase, bytes]]:
    """The cases in which each bug of a pair changes the mask alone, too: what has no effect is no bug."""
    parts = name.split(" + ")
    return {case: found for case, found in cases.items() if all(case in alone[part] for part in parts)}


def judge(subject: Subject, failures: dict, bugs: Sequence[Bug], hidden: bool) -> Counts:
    """The diagnosis of each bug's cases, by hash or, where hashes are hidden, by mask."""
    counts = Counts()
    for bug in bugs:
        cases = {name: case for name, (case, _) in failures[bug.name].items()}
        if hidden:
            cases = {name: without_hashes(case) for name, case in cases.items()}
        materials = Materials(len(subject.model.labels), subject.image, subject.cases, subject.reference, 1e6)
        began = time.process_time()
        for name, answer in explain_cases(cases, materials).items():
            counts.add(bug, cases[name], answer)
        if cases:
            counts.seconds.append((time.process_time() - began) / len(cases))
    return counts


def without_hashes(case: FailedCase) -> FailedCase:
    """As of a target that hands on no stages."""
    return replace(case, result=case.result.model_copy(update={"stages": StageHashes()}))


def runtimes(subject: Subject, folder: Path) -> Iterator[tuple[str, FailedCase]]:
    """Masks that differ for the runtime alone: without a delegate, with other threads, in half precision."""
    right = subject.right()
    tensors = [each["tensor"] for each in right.values()]
    expected, _ = subject.reference.predict_tensors(tensors)
    request = subject.reference.reference.request
    ways = {
        "kernels without a delegate": request.model_copy(
            update={"options": Options(pipeline="lib_interpreter", delegate="cpu")}
        ),
        "four threads": request.model_copy(update={"options": Options(pipeline="lib_interpreter", threads=4)}),
    }
    if subject.image.dtype == "float32":
        path = folder / "half.tflite"
        path.write_bytes(halved(subject.model.path))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        half = request.model.model_copy(update={"file": str(path), "sha256": digest})
        ways["weights in half precision"] = request.model_copy(update={"model": half})
    for name, way in ways.items():
        masks, _ = Reference(way, folder).predict_tensors(tensors, (), 600)
        for case, was, mask in zip(right, expected, masks, strict=True):
            if (was != mask).any():
                yield name, subject.case(case, was, mask, right[case], right[case])
    if subject.image.dtype == "float32":
        rounded = [tensor.astype(np.float16).astype(np.float32) for tensor in tensors]
        masks, _ = Reference(request, folder).predict_tensors(rounded, (), 600)
        for case, was, mask, tensor in zip(right, expected, masks, rounded, strict=True):
            if (was != mask).any():
                yield (
                    "an input in half precision",
                    subject.case(case, was, mask, right[case], right[case] | {"tensor": tensor}),
                )


def halved(path: Path) -> bytes:
    """A model whose float32 weights are those that float16 has."""
    import tflite

    data = bytearray(path.read_bytes())
    model = tflite.Model.GetRootAsModel(data, 0)
    for index in range(model.Subgraphs(0).TensorsLength()):
        tensor = model.Subgraphs(0).Tensors(index)
        buffer = model.Buffers(tensor.Buffer())
        if tensor.Type() == tflite.TensorType.FLOAT32 and buffer.DataLength():
            vector = buffer._tab.Vector(buffer._tab.Offset(4))
            values = np.frombuffer(data, np.float32, buffer.DataLength() // 4, vector)
            values[:] = values.astype(np.float16)
    return bytes(data)


def main() -> int:
    """Print the table; the exit code says whether what must be shown was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--model", nargs="*", default=MODELS)
    parser.add_argument("--case", nargs="*", default=(), help="of those the model has; all by default")
    parser.add_argument("--by", nargs="*", default=("hash", "mask"), choices=("hash", "mask"))
    parser.add_argument("--pairs", type=int, default=40)
    arguments = parser.parse_args()
    diagnose.HASHES_S = by_reference.CASE_S = 1e6  # so that a busy machine counts the same
    models = ("shapes",) if arguments.small else arguments.model
    met, total = True, 0
    undecidable: Counter[tuple[str, str]] = Counter()
    print("| model | bugs | found by | cases | right | cannot be told apart | too few pixels | wrong | s a case |")
    print("|---|---|---|---|---|---|---|---|---|")
    wrong = []
    for name in models:
        with (
            subject(name, SMALL_CASES if arguments.small else arguments.case) as chosen,
            tempfile.TemporaryDirectory() as folder,
        ):
            bugs = bugs_of(chosen.image, len(chosen.model.labels))
            if arguments.small:
                bugs = [bug for bug in bugs if bug.name in SMALL]
            alone: Failures = {}
            pairs = [] if arguments.small else pairs_of(bugs, arguments.pairs)
            for kind, injected, least in (("single", bugs, RIGHT), ("pairs", pairs, RIGHT_PAIRS)):
                if not injected:
                    continue
                failures = chosen.failed(injected)
                alone = failures if kind == "single" else alone
                failures = {name: effective(name, cases, alone) for name, cases in failures.items()}
                for found_by in arguments.by:
                    counts = judge(chosen, failures, injected, hidden=found_by == "mask")
                    ok = counts.right + counts.same
                    bad = counts.cases - ok - counts.few
                    print(
                        f"| {name} | {len(injected)} {kind} | {found_by} | {counts.cases} | {counts.right} | "
                        f"{counts.same} | {counts.few} | {bad} | {max(counts.seconds, default=0):.2f} |",
                        flush=True,
                    )
                    met = met and ok >= least * (counts.cases - counts.few)
                    total += counts.cases
                    undecidable += counts.undecidable
                    wrong += [
                        f"{name}, {found_by}: {bug} → {first} ({times})"
                        for (bug, first), times in counts.named.items()
                        if set(bug.split(" + ")) != set(first.split(" + ")) and (bug, first) not in counts.undecidable
                    ]
            false, differ = 0, 0
            materials = Materials(len(chosen.model.labels), chosen.image, chosen.cases, chosen.reference, 1e6)
            for way, case in runtimes(chosen, Path(folder)):
                for each in (case, without_hashes(case)):
                    (answer,) = explain_cases({case.wanted.case: each}, materials).values()
                    differ += 1
                    if answer.cause:
                        false += 1
                        wrong.append(f"{name}: {way} is called {answer.cause}: {answer.evidence}")
            print(f"| {name} | runtime alone | both | {differ} | {differ - false} | 0 | 0 | {false} | |", flush=True)
            met = met and not false
    print("\nCannot be told apart:")
    print("\n".join(f"- {bug} · {first} ({times})" for (bug, first), times in undecidable.most_common()) or "- none")
    print("\nWrong:")
    print("\n".join(f"- {each}" for each in wrong) or "- none")
    met = met and sum(undecidable.values()) <= UNDECIDABLE * total
    print(f"\nundecidable {sum(undecidable.values())} of {total}; {'met' if met else 'NOT MET'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
