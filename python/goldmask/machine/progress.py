"""Progress of long work."""

from collections.abc import Callable


class Progress:
    """Progress listener; this base class ignores everything."""

    def download(self, name: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of a download."""

    def step(self, what: str, done: int, total: int) -> None:
        """`done` of `total` units of a step."""

    def over(self, what: str) -> None:
        """The step is over, also where some of its units were not done."""

    def count(self, what: str, total: int) -> Callable[[str], None]:
        """A listener that is called once for each of `total` things and passes the count on to `step`."""
        done: list[str] = []
        self.step(what, 0, total)

        def on_each(each: str) -> None:
            done.append(each)
            self.step(what, len(done), total)

        return on_each
