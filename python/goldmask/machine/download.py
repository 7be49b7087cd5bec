"""One file from the web into an unfinished file: resumed, not longer than it may be, and not slower than a deadline."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.errors import EnvironmentMissing
from ..contract.files import is_html

if TYPE_CHECKING:
    import requests

Now = Callable[[], float]
OnBytes = Callable[[int, int | None], None]  # bytes so far, bytes in all when known

CHUNK_BYTES = 1 << 16
TIMEOUT_S = (10, 60)  # to connect, between bytes
# A server that hands out a byte a second never runs into a timeout: it has so long, and so much more for what came.
GRACE_S = 20
SLOWEST_BYTES_PER_S = 10_000
LOOK_S = 0.1
GONE = (401, 403, 404, 410)


@dataclass
class Transfer:
    """The tries to get one file from one URL: what came in all of them, since when, and whether they are given up."""

    url: str
    unfinished: Path
    size: int | None
    limit: int
    on_bytes: OnBytes
    now: Now = time.monotonic
    came: int = 0
    since_s: float = 0
    given_up: bool = False

    def __post_init__(self) -> None:
        self.since_s = self.now()

    def resume(self) -> None:
        """Continue the unfinished file from where it stopped, or start over where the server cannot continue.

        Raises EnvironmentMissing where another try will not help, requests.RequestException where it may.
        """
        failures: list[BaseException] = []

        def work() -> None:
            try:
                self._move_bytes()
            except BaseException as error:
                failures.append(error)

        # A thread, because no timeout of a socket counts from the beginning: neither that of headers nor of a body.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_S)
            waited_s = self.now() - self.since_s
            if thread.is_alive() and waited_s > GRACE_S + self.came / SLOWEST_BYTES_PER_S:
                self.given_up = True  # the thread ends at the next byte, and writes it nowhere
                raise EnvironmentMissing(f"too slow: {self.came:,} bytes came in {waited_s:.0f} s")
        if failures:
            raise failures[0]

    def _move_bytes(self) -> None:
        import requests

        done = self.unfinished.stat().st_size if self.unfinished.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
        with requests.get(self.url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                self.unfinished.unlink()
                raise requests.RequestException("the partial download did not fit; starting over")
            if response.status_code in GONE:
                raise EnvironmentMissing(f"HTTP {response.status_code} {response.reason}")  # asking again will not help
            response.raise_for_status()
            resumed = response.status_code == requests.codes.partial_content
            done = done if resumed else 0
            length = response.headers.get("Content-Length", "")
            total = done + int(length) if length.isdecimal() else self.size
            if total and total > self.limit:
                raise EnvironmentMissing(f"it announces {total:,} bytes, expected {self.limit:,} bytes at most")
            with self.unfinished.open("ab" if resumed else "wb") as stream:
                while not self.given_up and done <= self.limit and (chunk := self._chunk(response)):
                    stream.write(chunk)
                    done += len(chunk)
                    self.came += len(chunk)
                    self.on_bytes(done, total)
        if done > self.limit:
            self.unfinished.unlink()
            raise EnvironmentMissing(f"it sends more than {self.limit:,} bytes")
        expected = self.size or total
        if expected and done != expected:
            with self.unfinished.open("rb") as stream:
                html = is_html(stream.read(512))
            if html:
                self.unfinished.unlink()  # nothing to resume from
            what = "an HTML page" if html else f"{done:,} bytes"
            raise requests.RequestException(f"got {what}, expected {expected:,} bytes")

    def _chunk(self, response: "requests.Response") -> bytes:
        """The bytes that are there by now; requests' own iter_content waits until a chunk is full."""
        import requests

        try:
            chunk: bytes = response.raw.read1(CHUNK_BYTES)
        except Exception as error:  # urllib3's, which requests translates where it reads itself
            raise requests.ConnectionError(error) from error
        return chunk
