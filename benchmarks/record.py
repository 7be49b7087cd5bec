"""Golden generation against a straight-line loop with the same libraries, model, images and threads.

.venv/bin/python benchmarks/record.py [--small]   prepares, then runs itself in the reference runtime's environment
--small does everything once or twice and judges no time: it shows that the benchmark works.
"""

import io
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "python/references")]

from goldmask.contract.bundle import Predicted, Request, RequestCase, load_request, save  # noqa: E402
from goldmask.contract.files import sha256_of  # noqa: E402
from goldmask.contract.image import resize  # noqa: E402

IMAGES, BLOCK = 200, 20
WIDTH, HEIGHT = 640, 480
REQUIRED_RATIO = 0.9


def prepare(folder: Path, images: int) -> Path:
    """Different JPEGs cut from the starter model's photographs, and the request for them."""
    from goldmask.contract.image import decode
    from goldmask.machine.fetch import fetch
    from goldmask.project.config import load_config
    from goldmask.project.model import fetch_model, load_spec, model_folder
    from goldmask.targets.target import Context, find_target
    from goldmask.workflows.check import request_for
    from goldmask.workflows.selection import options_for, select

    find_target("python").session(Context(ROOT, folder)).prepare("lib_interpreter")
    spec = load_spec(ROOT, "deeplabv3")
    model = fetch_model(ROOT, "deeplabv3", spec)
    photographs = [decode(fetch(case, model_folder(ROOT, "deeplabv3"))) for case in spec.cases]
    random = np.random.default_rng(0)
    cases = []
    for index in range(images):
        whole = photographs[index % len(photographs)]
        top, left = (random.integers(0, side // 4) for side in whole.shape[:2])
        cut = Image.fromarray(whole[top : top + whole.shape[0] * 3 // 4, left : left + whole.shape[1] * 3 // 4])
        path = folder / f"image-{index}.jpg"
        cut.resize((WIDTH, HEIGHT)).save(path, quality=90)
        cases.append(RequestCase(id=path.stem, file=str(path), sha256=sha256_of(path)))
    config = load_config(ROOT)
    options = options_for(config, select(config, "default"), "python")
    save(request_for(model, tuple(cases), "lib_interpreter", options, taps=("margin",)), folder / "request.json")
    return folder / "request.json"


def straight_line(request: Request, out: Path) -> float:
    """decode → resize → invoke() → argmax → PNG, and nothing else; the seconds spent in invoke()."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(request.model.file, num_threads=request.options.threads)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    invoking = 0.0
    for case in request.cases:
        pixels = np.asarray(Image.open(case.file).convert("RGB"))
        small = resize(pixels, request.model.input.height, request.model.input.width)
        interpreter.set_tensor(source, ((small.astype(np.float32) - 127.5) / 127.5)[None])
        started = time.perf_counter()
        interpreter.invoke()
        invoking += time.perf_counter() - started
        mask = interpreter.get_tensor(target)[0].argmax(-1).astype(np.uint8)
        image = Image.fromarray(mask)
        image.putpalette(bytes(range(256)) * 3)
        stream = io.BytesIO()
        image.save(stream, "PNG")
        (out / f"{case.id}.png").write_bytes(stream.getvalue())
    return invoking


def compare(request_file: Path, small: bool) -> int:
    """Both in turn, block by block, inside the reference environment."""
    from ai_edge_litert import interpreter as litert

    from goldmask.contract.engine import write_bundle
    from interpreter import InterpreterEngine

    request = load_request(request_file)
    images = len(request.cases)
    ratios, ours_total, theirs_total, our_invoke, their_invoke = [], 0.0, 0.0, 0.0, 0.0
    for start in range(0, images, BLOCK):
        block = request.model_copy(update={"cases": request.cases[start : start + BLOCK]})
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            bundle = write_bundle(
                block,
                request_file.parent,
                Path(folder),
                lambda asked: InterpreterEngine(asked, litert, "LiteRT Interpreter", "bench"),
                {},
            )
            between = time.perf_counter()
            their_invoke += straight_line(block, Path(folder))
            after = time.perf_counter()
            for result in bundle.results:  # the same work, or the times mean nothing
                assert isinstance(result, Predicted) and result.latency, result
                our_invoke += sum(result.latency.inference_ms) / 1e3
                ours = np.asarray(Image.open(Path(folder) / result.mask))
                assert (ours == np.asarray(Image.open(Path(folder) / f"{result.case}.png"))).all()
        ratios.append((after - between) / (between - started))
        ours_total += between - started
        theirs_total += after - between
    ratio = statistics.median(ratios)
    threads = request.options.threads
    print(f"{images} JPEGs of {WIDTH}×{HEIGHT}, {threads} threads, blocks of {BLOCK} in turn; masks equal")
    print(f"  golden generation, margin maps and hashes included {images / ours_total:6.1f} images/s")
    print(f"  straight-line loop                                 {images / theirs_total:6.1f} images/s")
    print(
        f"  share of the time in invoke() {our_invoke / ours_total:.0%}, in the loop {their_invoke / theirs_total:.0%}"
    )
    print(f"  throughput ratio {ratio:.2f} (at least {REQUIRED_RATIO})")
    return 0 if small or ratio >= REQUIRED_RATIO else 1


def main(small: bool) -> int:
    """Prepare here, measure where the reference runs: there is no psutil, which shell.py needs."""
    from goldmask.machine import shell

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request_file = prepare(folder, 2 if small else IMAGES)
        script = ROOT / "python/references/interpreter.py"
        argv = [sys.executable, "-m", "uv", "python", "find", "--script", str(script)]
        python = shell.run(argv, log=folder / "find.log", deadline_s=60).stdout.strip()
        words = [python, str(Path(__file__).resolve()), "--in", str(request_file), *(["--small"] if small else [])]
        done = shell.run(words, log=folder / "bench.log", deadline_s=900, on_line=print)
        sys.stderr.write(done.log_tail(20))
        return done.code


if __name__ == "__main__":
    small = "--small" in sys.argv
    sys.exit(compare(Path(sys.argv[2]), small) if sys.argv[1:2] == ["--in"] else main(small))
