"""Who listens while something takes long."""

from collections.abc import Callable


class Watch:
    """Hears what a long run is doing; this one keeps it to itself."""

    def download(self, name: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of a download."""

    def step(self, what: str, done: int, total: int) -> None:
        """`done` of `total` parts of a step."""

    def count(self, what: str, total: int) -> Callable[[str], None]:
        """A listener that is told of each of `total` parts and passes the count on to `step`."""
        done: list[str] = []
        self.step(what, 0, total)

        def on_part(part: str) -> None:
            done.append(part)
            self.step(what, len(done), total)

        return on_part
