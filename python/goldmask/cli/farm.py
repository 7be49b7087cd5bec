"""`android.farm.*`."""

from pathlib import Path

from rich.text import Text

from ..contract.bundle import RequestCase
from ..contract.errors import EnvironmentMissing, ExitCode, UsageError
from ..project.case import cases_from_files
from ..project.config import load_config
from ..project.gather import gather
from ..project.model import Model, find_model, load_spec, model_names
from ..targets import android_device, test_lab
from ..targets.target import Context
from ..workflows.check import request_for
from ..workflows.selection import options_for
from .console import ProgressBars, out
from .folders import out_folder, root
from .run import one


def model_and_cases(model: str, images: list[str], bars: ProgressBars) -> tuple[Model, tuple[RequestCase, ...]]:
    """A model, and the images that the user names or else the declared model's cases that are here."""
    if images:
        return find_model(root(), model, bars.download), cases_from_files([Path(image) for image in images])
    if model not in model_names(root()):
        raise UsageError("a model of yours needs images", fix="--image FILE, or --model NAME of ./goldmask models.list")
    assets = gather(root(), model, load_spec(root(), model), bars)
    for error in dict.fromkeys(map(str, assets.missing.values())):
        out.print(Text(f"note: left out: {error}", "yellow"))
    if not assets.model or not assets.cases:
        raise EnvironmentMissing(f"none of {model}'s cases is here", fix=f"./goldmask models.fetch --model {model}")
    return assets.model, assets.cases


def plan_farm(
    flank: bool,
    firebase: bool,
    model: str,
    images: list[str],
    pipeline: str,
    devices: list[str],
    retries: int,
    shards: int,
    folder: str,
) -> ExitCode:
    """`android.farm`: what Flank or gcloud is to run."""
    if not (flank or firebase):
        raise UsageError("android.farm writes a file for one of two programs", fix="--flank or --firebase")
    config, path = load_config(root()), out_folder(folder, "build/farm")
    selection = one(android_device.NAME, pipeline, {})
    options = options_for(config, selection, android_device.NAME)
    path.mkdir(parents=True, exist_ok=True)
    with ProgressBars() as bars:
        found, cases = model_and_cases(model, images, bars)
        test_lab.check_plan(len(cases), devices, retries, shards)  # before the APKs are built
        request = request_for(found, cases, selection.pipeline, options)
        context = Context(root(), path / "logs", options, android=config.android, progress=bars)
        apks = android_device.build(selection.pipeline, context)
        plan = test_lab.Plan(apks, tuple(devices), retries, shards)
        written = test_lab.write(request, plan, path, flank=flank, gcloud=firebase)
    for shard in written:
        if flank:
            out.print(Text(f"run: flank firebase test android run -c {shard.folder / test_lab.FLANK_FILE}"))
        if firebase:
            out.print(Text(f"run: {shard.folder / test_lab.GCLOUD_FILE}"))
    out.print(Text(f"then: ./goldmask android.farm.collect --results DIR --plan {path}"))
    return ExitCode.OK


def collect_farm(results: str, plan: str, folder: str) -> ExitCode:
    """`android.farm.collect`: bundles of what a farm left behind."""
    collected = test_lab.collect(
        Path(results), out_folder(plan, "build/farm"), out_folder(folder, "build/farm/bundles")
    )
    for each in collected:
        if each.bundle:
            out.print(Text(f"bundle: {each.folder} ({each.bundle.target.device or each.bundle.target.os})"))
    failures = test_lab.failures(collected)
    for sentence in failures:
        out.print(Text(f"ERROR {sentence}", "bold red"))
    out.print(Text("compare: ./goldmask compare --golden models/NAME/goldens/PIPELINE --bundle DIR"))
    return ExitCode.RUN if failures else ExitCode.OK
