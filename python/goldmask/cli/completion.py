"""Completion in shells: tasks, flags, and the values that flags can have."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from invoke import Exit
from invoke.parser import ParserContext

from ..contract.errors import GoldmaskError
from ..contract.options import Pipeline
from ..project.options import OPTIONS

# The program that was typed is asked, not one of that name on PATH: a clone has its own.
BASH = """_goldmask_complete() {
    local candidates
    candidates=$("${COMP_WORDS[0]}" --complete -- "${COMP_WORDS[*]:0:COMP_CWORD+1}" 2>/dev/null)
    COMPREPLY=($(compgen -W "${candidates}" -- "$2"))
}
complete -F _goldmask_complete -o default goldmask ./goldmask
"""
ZSH = """autoload -Uz compinit && compinit -u 2>/dev/null
_goldmask_complete() {
    local -a candidates
    candidates=(${(f)"$("${words[1]}" --complete -- "${words[1,CURRENT]}" 2>/dev/null)"})
    compadd -a candidates || _files
}
compdef _goldmask_complete goldmask ./goldmask
"""
FISH = """function __goldmask_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] --complete -- "$words" 2>/dev/null
end
complete -c goldmask -f -a '(__goldmask_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def script(shell: str) -> str:
    """The completion script of a shell. Raises invoke's Exit for another shell."""
    if shell not in SCRIPTS:
        raise Exit(f"goldmask: there is no completion for {shell!r}\n  try: one of {', '.join(SCRIPTS)}", 1)
    return SCRIPTS[shell]


def complete(typed: Sequence[str], contexts: Sequence[ParserContext]) -> list[str]:
    """What can stand where `words`, all those after the program's name, end: tasks, flags, or a flag's values."""
    tasks = {name: context for context in contexts for name in (context.name, *context.aliases) if name}
    task = next((tasks[word] for word in typed if word in tasks), None)
    if task is None:
        return sorted(context.name for context in contexts if context.name)
    for flag in (typed[-1], typed[-2]) if len(typed) > 1 else ():
        argument = task.flags.get(flag)
        if argument is not None and argument.takes_value:
            return values(task.name or "", argument.name, typed)
    return sorted(flag for flag in task.flag_names() if flag.startswith("--"))


def values(task: str, flag: str, typed: Sequence[str]) -> list[str]:
    """The values of a flag that are known; none for one that takes a file or anything."""
    if f"{task} {flag}" in VALUES_OF_TASK:
        return list(VALUES_OF_TASK[f"{task} {flag}"])
    option = next((each for each in OPTIONS.values() if each.parameter == flag.replace("-", "_")), None)
    if option and option.choices:
        return list(option.choices)
    find = VALUES.get(flag)
    try:
        return find(typed) if find else []
    except GoldmaskError:  # a broken goldmask.toml is told by the task, not by a Tab
        return []


def _root() -> Path:
    from .folders import root

    return root()


def _models(typed: Sequence[str]) -> list[str]:
    from ..project.model import model_names

    return model_names(_root())


def _cases(typed: Sequence[str]) -> list[str]:
    from ..project.model import load_spec, model_names

    named = [name for name in model_names(_root()) if name in typed] or model_names(_root())
    return sorted({case.id for name in named for case in load_spec(_root(), name).cases})


def _suites(typed: Sequence[str]) -> list[str]:
    from ..project.config import load_config

    return list(load_config(_root()).suites)


def _targets(typed: Sequence[str]) -> list[str]:
    from ..targets.target import target_names

    return list(target_names())


def _runtimes(typed: Sequence[str]) -> list[str]:
    return list(OPTIONS["runtime"].examples)


VALUES: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "case": _cases,
    "model": _models,
    "pipeline": lambda typed: list(get_args(Pipeline)),
    "runtime": _runtimes,
    "suite": _suites,
    "target": _targets,
    "version": lambda typed: ["v1", "v2", "v3", "v3+"],
}
# Where a flag of a task has the name of an option of runs, and another meaning.
VALUES_OF_TASK = {"golden.record mode": ("all", "failed", "missing", "never")}
