"""The program where it is installed, and `python -m goldmask`: a signal is one sentence from the first moment on."""

import sys


def main() -> None:
    """Load the tasks, and run those that the command line names."""
    try:
        from .machine import interrupts

        interrupts.catch()
        from .tasks import main as run_tasks
    except BaseException as error:
        # Of an interrupt in a class's __set_name__ Python 3.11 makes a RuntimeError.
        cause: BaseException | None = error
        while cause and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__cause__ or cause.__context__
        if not cause:
            raise
        print("goldmask: interrupted; what was started is stopped", file=sys.stderr)
        raise SystemExit(130) from None
    run_tasks()


if __name__ == "__main__":
    main()
