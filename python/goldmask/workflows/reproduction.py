"""A folder for the maintainers of a runtime: the operator that differs as a model, its input, and what each side made.

Each side has a script. That of a Python runtime needs nothing but `uv run`, or an environment with that runtime; that
of another program has the paths of this machine, and the program's source beside it.
"""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..contract.files import write_atomically
from ..contract.tensor_runs import REQUEST_FILE, TensorRequest, Values, load, load_values
from ..targets.target import TensorCommand
from .operator_runs import Compared, Running
from .operators import Operators

FOLDER = "reproduce"
PACKAGES = {
    "LiteRT Interpreter": ("ai-edge-litert", "from ai_edge_litert import interpreter as tflite"),
    "TensorFlow Lite Interpreter": ("tensorflow", "from tensorflow.lite.python import interpreter as tflite"),
}
SCRIPT = '''\
# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["{package}=={version}", "numpy"]
# ///
"""{title}

Runs {model} as side {name} did, {runtime}, and holds it against what both sides made then.
Exit code 0: it makes what side {name} made, and not what side {other} made. 1: it does not.

uv run --script {script}
"""

import sys
from pathlib import Path

import numpy as np
{imported}

FOLDER = Path(__file__).resolve().parent
DELEGATE, THREADS = "{delegate}", {threads}


def main() -> int:
    resolver = tflite.OpResolverType
    kind = resolver.AUTO if DELEGATE == "xnnpack" else resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tflite.Interpreter(
        str(FOLDER / "{model}"), num_threads=THREADS, experimental_op_resolver_type=kind
    )
    interpreter.allocate_tensors()
    for index, detail in enumerate(interpreter.get_input_details()):
        interpreter.set_tensor(detail["index"], np.load(FOLDER / f"input-{{index}}.npy"))
    interpreter.invoke()
    own, other = [], []
    for index, detail in enumerate(interpreter.get_output_details()):
        made = interpreter.get_tensor(detail["index"]).astype(np.float64)
        a, b = (np.load(FOLDER / f"{{side}}-{{index}}.npy").astype(np.float64) for side in ("{own}", "{others}"))
        own.append(float(np.abs(made - a).max(initial=0)))
        other.append(float(np.abs(made - b).max(initial=0)) if made.shape == b.shape else float("inf"))
        print(f"{{detail['name']}}: {{own[-1]:.6g}} at most from side {name}, {{other[-1]:.6g}} from side {other}")
    reproduced = max(own) < max(other)
    print("reproduced" if reproduced else "NOT reproduced")
    return 0 if reproduced else 1


if __name__ == "__main__":
    sys.exit(main())
'''
SHELL = """\
#!/bin/sh
# Runs {model} as side {name} did, {runtime}, and compares what it makes with {own}-*.bin, byte by byte.
# The paths are those of the machine on which goldmask ran; {source} is the program.
set -e
folder=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
printf 'again\\0%s{inputs}' "$folder/{model}" {files} > "$out/runs.txt"
{environment} {argv} "$out/runs.txt" "$out"
for index in {outputs}; do
    cmp "$out/again-$index.bin" "$folder/{own}-$index.bin"
done
echo reproduced
"""


def write_reproduction(found: Operators, out: Path) -> Path | None:
    """Write the folder; None where no operator was found.

    The model is the operator by itself where that differs, else the shortest prefix that does.
    """
    if found.first is None:
        return None
    alone = found.alone is not None and found.alone.exceeds(found.limits.own)
    name = "alone" if alone else f"prefix-{found.first + 1}"
    compared = found.alone if alone else found.prefixes[found.first + 1]
    assert compared
    folder = out / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ran = [_ran_in(side, name) for side in found.sides]
    models = [(each / f"{name}.tflite").read_bytes() for each in ran]
    shared = models[0] == models[1]
    files = ["model.tflite", "model.tflite"] if shared else ["model-a.tflite", "model-b.tflite"]
    for file, data in zip(files, models, strict=True):
        (folder / file).write_bytes(data)
    requests = [load(each / REQUEST_FILE, TensorRequest) for each in ran]
    run = next(run for run in requests[0].runs if run.name == name)
    inputs = [load_values(saved, ran[0]) for saved in run.inputs]
    _save(folder, "input", inputs)
    for name_of_side, values in zip("ab", compared.values, strict=True):
        _save(folder, name_of_side, list(values.values()))
    scripts = []
    for index, side in enumerate(found.sides):
        command = None if compared.errors[index] else side.session.tensor_command(requests[index])
        if command:
            outputs = len(compared.values[index])
            scripts.append(_shell(side, command, files[index], len(inputs), outputs, folder))
        else:
            scripts.append("" if compared.errors[index] else _script(found, index, files[index], folder))
    write_atomically(folder / "README.md", _readme(found, compared, alone, files, scripts).encode())
    return folder


def _ran_in(side: Running, name: str) -> Path:
    """The folder in which a run of a side lies; several prefixes may have run in one."""
    return next(path.parent for path in sorted(side.folder.glob(f"*/{name}.tflite")))


def _save(folder: Path, name: str, values: Sequence[Values]) -> None:
    """Each tensor as an .npy file, and as its bytes for programs that are not Python."""
    for index, each in enumerate(values):
        (folder / f"{name}-{index}.bin").write_bytes(np.ascontiguousarray(each).data)
        with (folder / f"{name}-{index}.npy").open("wb") as stream:
            np.save(stream, each, allow_pickle=False)


def _shell(side: Running, command: TensorCommand, model: str, inputs: int, outputs: int, folder: Path) -> str:
    """Write the script of a side that is another program; its name."""
    own = side.side.name.lower()
    shutil.copyfile(command.source, folder / command.source.name)
    text = SHELL.format(
        model=model,
        name=side.side.name,
        own=own,
        runtime=side.runtime,
        source=command.source.name,
        inputs="\\0%s" * inputs,
        files=" ".join(f'"$folder/input-{index}.bin"' for index in range(inputs)),
        environment=" ".join(f"{name}={shlex.quote(value)}" for name, value in command.environment.items()),
        argv=shlex.join(map(str, command.argv)),
        outputs=" ".join(map(str, range(outputs))),
    )
    script = folder / f"reproduce-{own}.sh"
    script.write_text(text, "utf-8")
    script.chmod(0o755)
    return script.name


def _script(found: Operators, index: int, model: str, folder: Path) -> str:
    """Write the script of a side, where it is a Python runtime; its name, or nothing."""
    side, other = found.sides[index], found.sides[1 - index]
    runtime = side.ran
    if runtime is None or runtime.name not in PACKAGES or found.first is None:
        return ""
    package, imported = PACKAGES[runtime.name]
    own = side.side.name.lower()
    script = f"reproduce-{own}.py"
    text = SCRIPT.format(
        package=package,
        version=runtime.version,
        title=f"{side.graph.operators[found.first].kind}: {side.side.name} and {other.side.name} differ.",
        model=model,
        name=side.side.name,
        other=other.side.name,
        own=own,
        others=other.side.name.lower(),
        runtime=runtime,
        script=script,
        imported=imported,
        delegate=side.delegate,
        threads=side.threads,
    )
    (folder / script).write_text(text, "utf-8")
    return script


def _readme(found: Operators, compared: Compared, alone: bool, files: Sequence[str], scripts: Sequence[str]) -> str:
    assert found.first is not None
    what = "the operator by itself" if alone else f"the first {found.first + 1} operators of the model, up to it"
    lines = [
        f"# {found.sides[0].graph.name(found.first)}",
        "",
        f"{', '.join(dict.fromkeys(files))}: {what}. input-*.npy: the model's inputs, in its order.",
        "",
    ]
    for side, file, script, error in zip(found.sides, files, scripts, compared.errors, strict=True):
        name = side.side.name
        made = f"fails: {error}" if error else f"made {name.lower()}-*.npy"
        lines.append(f"- Side {name}, {side.runtime}, ran {file} and {made}.")
        if script:
            start = f"uv run --script {script}" if script.endswith(".py") else f"./{script}"
            lines.append(f"  Again: `{start}`")
    lines += ["", *(f"Output {index}: {each}." for index, each in enumerate(compared.differences.values())), ""]
    return "\n".join(lines)
