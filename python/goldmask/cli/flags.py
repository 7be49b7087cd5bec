"""The flags of a task: each that takes a value has one, and those of invoke that would change nothing are refused."""

from collections.abc import Sequence

from invoke import Context, ParseError, Task
from invoke.parser import Argument

from ..contract.errors import UsageError

# What flags mean; those of targets' options say it themselves (project/options.py).
HELP = {
    "a": "one side, what differs from the other: delegate=cpu,threads=4 (model, target, pipeline, runtime, …)",
    "b": "the other side",
    "folder": "a folder with reports of earlier checks below it, in place of git's history",
    "profile": "time each operator as well, which makes all of it a little slower",
    "pairs": "how many pairs of blocks are measured at most",
    "suite": "a suite of goldmask.toml",
    "model": "a declared model; run and models.info take the path of a .tflite as well",
    "pipeline": "lib_interpreter or lib_task_api",
    "target": "where to run; a target that is named must run",
    "case": "only cases of this id, or of ids that match a pattern such as 'a*'",
    "last_failed": "only what failed in the last report of --out",
    "fail_fast": "run nothing more after the first model, pipeline and target of which a case fails",
    "ops": "compare operator by operator: at which one of the model do the sides --a and --b part?",
    "threshold": "what the output of an operator may differ by, as a share of its range: 0.001",
    "out": "the folder for results",
    "format": "text; markdown: a comment for a pull request; github: annotations, and the summary of the job",
    "artifact": "the name under which CI keeps the results; Markdown says so",
    "image": "a JPEG, PNG, BMP or WebP file",
    "file": "a .tflite file",
    "name": "what the model is to be called; by default as its file",
    "truth": "a folder of ground truths: 8-bit PNGs named as the images, pixel = class",
    "ci": "github: write a workflow as well",
    "mean": "what is subtracted from a pixel; one number, or one for each of red, green and blue",
    "std": "what a pixel is divided by then; as many as of --mean",
    "label": "the name of a class, in order",
    "declare": "a line of model.toml that says what the file leaves open: output.kind=classes, input.layout=nchw",
    "variant_of": "the declared model of which the file is another precision; it has that model's images",
    "variants": "say as a table what another precision changes: 'float32 vs int8', of the variants in model.toml",
    "write": "write what is proposed into goldmask.toml",
    "ties": "have pend what differs in near-ties only as well, as it does between machines",
    "all": "everything that pends",
    "reason": "why; kept in the golden's provenance",
    "from_": "results of a check, downloaded from CI for example; what pends there",
    "abi": "an ABI of the app; all of them by default",
    "mode": "all, failed, missing or never; the default is missing, in CI never",
    "assume": "declare in model.toml how pixels are normalised, where that was only assumed",
    "runtime": "a version of the TensorFlow Lite AAR",
    "destination": "name or UDID of a simulator or phone",
    "golden": "a golden, any bundle, or a declared model whose goldens to compare with",
    "bundle": "the bundle to judge, or a declared model whose goldens are judged",
    "across": "judge by the gates what another model than the golden's predicts, which else is stale",
    "against": "a commit whose goldens are compared with; in CI the one where it and HEAD parted",
    "apk": "an APK file",
    "version": "v1, v2, v3 or v3+",
    "steps": "training steps; the schedule is fitted to them",
    "seed": "decides the data and the weights to begin with",
    "weights": "the folder of a finished training",
    "head": "classes or soft: one file whose output is a class map, or a soft mask",
    "accept_licences": "you have read and accept the licence that is named",
    "binary": "benchmark_model for the device's ABI",
    "flank": "write flank.yml",
    "firebase": "write gcloud.sh",
    "phone": "a device of Firebase Test Lab: model=Pixel6,version=33",
    "retries": "how often Test Lab runs a test again that wrote no bundle",
    "shards": "share the cases out to so many runs",
    "results": "the folder that a farm's results were downloaded to",
    "plan": "the folder that android.farm wrote",
    "transcripts": "the folder for what tools answered; what is in it is removed",
    "fast": "only tests that start no process: under a minute",
    "coverage": "measure how much of each room is run, and require it of the pure rooms",
    "fuzz": "only the fuzz suites, with inputs of their own making, for about so many minutes",
    "verbose": "show every row, with its figures, runtime, delegate and threads",
    "select": "only tests that match, as pytest -k",
}


class Flag(Argument):
    """A flag, whose value is not empty: `--device "$DEVICE"` without a DEVICE is not meant to leave --device out."""

    def __repr__(self) -> str:
        return f"--{str(self.name).rstrip('_').replace('_', '-')}"  # as invoke's errors quote it

    def set_value(self, value: object, cast: bool = True) -> None:
        """Take a value from the command line. Raises ParseError for an empty one, and for one that is there already."""
        if value == "":
            raise ParseError(f"{self!r} is empty")
        if self.kind is list and value in self.value:
            raise ParseError(f"{self!r} {value} is given twice")
        if self.kind is not list and self.takes_value and self.raw_value is not None:
            raise ParseError(f"{self!r} is given twice, and takes one value")
        super().set_value(value, cast)


class CommandTask(Task):
    """An invoke task of goldmask."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The task's flags, for invoke's parser."""
        arguments = super().get_arguments(ignore_unknown_help)
        for argument in arguments:
            argument.__class__ = Flag
            # invoke 3 lets a flag that may be given several times pass without a value: its list is a value for it.
            if argument.kind is list:
                argument.raw_value = None
            if argument.name == "verbose":
                argument.names = ("verbose", "v")
        return arguments


def check_core(context: Context) -> None:
    """Raise UsageError for `--dry`, which shows what invoke would start, and for words that invoke reads no more.

    goldmask starts nothing through invoke, and no task looks at what follows `--`.
    """
    if context.config.run.dry:
        raise UsageError("--dry has no effect, everything would run", fix="leave --dry out")
    if context.remainder:
        raise UsageError(f"what follows -- has no effect: {context.remainder}", fix="leave -- out")


# Flags that take all words up to the next flag.
SPREAD = (
    "--case", "--declare", "--destination", "--image", "--label", "--mean", "--model", "--phone", "--pipeline",
    "--runtime", "--std", "--target",
)  # fmt: skip


def spread(typed: Sequence[str], several: Sequence[str] = SPREAD) -> list[str]:
    """`--image a.jpg b.jpg`, as a shell's glob expands, as the `--image a.jpg --image b.jpg` that invoke reads."""
    spread_words: list[str] = []
    flag = None
    for word in typed:
        if word.startswith("-"):
            flag = word if word in several else None
        elif flag and spread_words[-1] != flag:
            spread_words.append(flag)
        spread_words.append(word)
    return spread_words
