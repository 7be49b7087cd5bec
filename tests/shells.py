"""A program at a pseudo-terminal, with somebody who types and reads."""

import os
import select
import termios
import time

DEADLINE_S = 60


class Shell:
    """A shell, or another program, at a pseudo-terminal of its own."""

    def __init__(self, argv: list[str], folder, **environment: str) -> None:
        self.pid, self.terminal = os.forkpty()
        if not self.pid:
            os.chdir(folder)
            termios.tcsetwinsize(0, (40, 120))
            os.environ.pop("CI", None)  # people who type are not in CI
            os.environ |= {"TERM": "dumb", "PS1": "> ", "HOME": str(folder), "ZDOTDIR": str(folder)} | environment
            os.execvp(argv[0], argv)
        self.seen = ""

    def type(self, text: str) -> None:
        """Keys, as somebody presses them."""
        os.write(self.terminal, text.encode())

    def wait_for(self, what: str) -> None:
        """Read until the screen has shown `what` after all that was waited for before."""
        deadline = time.monotonic() + DEADLINE_S
        while what not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.terminal], [], [], 0.2)[0]:
                self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
        self.seen = self.seen.split(what, 1)[1]

    def ending(self) -> int:
        """Read until it ends; its exit code."""
        try:
            while data := os.read(self.terminal, 65536):
                self.seen += data.decode("utf-8", "replace")
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self) -> None:
        """End it."""
        os.close(self.terminal)
        os.waitpid(self.pid, 0)
