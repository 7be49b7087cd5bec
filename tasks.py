"""The tasks: `./goldmask check` and `inv check` are the same program (python/goldmask/tasks.py)."""

import sys

try:
    if sys.flags.no_site:  # the launcher's -S: a Ctrl-C while Python looks for packages would show a traceback
        import site

        site.main()
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parent / "python"))

    from goldmask.machine import interrupts

    interrupts.catch()

    from goldmask.tasks import main, namespace
except BaseException as error:
    # Of an interrupt in a class's __set_name__ Python 3.11 makes a RuntimeError.
    cause: BaseException | None = error
    while cause and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    if not cause:
        raise
    print("goldmask: interrupted; what was started is stopped", file=sys.stderr)
    raise SystemExit(130) from None

__all__ = ["namespace"]

if __name__ == "__main__":
    main()
