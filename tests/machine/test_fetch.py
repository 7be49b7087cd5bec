"""Downloads against a real server on loopback that can break off, lie and be absent."""

import contextlib
import hashlib
import itertools
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from goldmask.contract.errors import ConfigError, EnvironmentMissing
from goldmask.machine import fetch as fetching
from goldmask.machine import scratch
from goldmask.machine.fetch import Source, fetch, repinned

BODY = bytes(range(256)) * 1024
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server():
    """A server whose `paths` map a path to how it answers; it keeps the Range headers it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, self.headers.get("Range")))
            answer = self.server.paths.get(self.path)
            if answer is None:
                self.send_error(404)
                return
            answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.paths, server.asked = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))  # how soon it sees that it shall end
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def whole(body: bytes = BODY):
    """Answers with all of `body`, or the rest of it when asked for a range."""

    def answer(handler):
        asked = handler.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        handler.send_response(206 if asked else 200)
        handler.send_header("Content-Length", str(len(body) - start))
        handler.end_headers()
        handler.wfile.write(body[start:])

    return answer


def breaks_off_once():
    """Announces the whole body, sends a third and hangs up; the next time it behaves."""
    times = []

    def answer(handler):
        times.append(1)
        if len(times) > 1:
            whole()(handler)
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY[: len(BODY) // 3])
        handler.wfile.flush()
        handler.connection.close()

    return answer


def raw(head: str, body: bytes = b"", pause_s: float = 0, times: int = 1):
    """Answers with these very bytes, `body` so many times, with a pause after each."""

    def answer(handler):
        with contextlib.suppress(OSError):  # the client has had enough
            handler.wfile.write(f"HTTP/1.1 {head}\r\n\r\n".encode("latin-1") if head else b"")
            for _ in range(times):
                handler.wfile.write(body)
                threading.Event().wait(pause_s)  # time.sleep is not there: see `cache`
        handler.close_connection = True

    return answer


class Hours:
    """A clock on which an hour passes whenever somebody looks."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 3600
        return self.now_s


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own, no mirror, and no waiting between tries."""
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GOLDMASK_MIRROR", raising=False)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    return tmp_path / "cache"


def source(*urls: str, **rest) -> Source:
    return Source(urls=urls, sha256=SHA256, **({"size": len(BODY)} | rest))


def files_in(cache) -> list[str]:
    return [path.name for path in cache.rglob("*") if path.is_file()]


@pytest.mark.parametrize("mirrored", [True, False])
def test_what_a_killed_download_left_goes_with_the_next(server, cache, tmp_path, monkeypatch, mirrored):
    """Whatever is in the cache meanwhile has its owner's name, so that only a dead one's is removed."""
    if mirrored:
        (tmp_path / "mirror").mkdir()
        (tmp_path / "mirror/model.bin").write_bytes(BODY)
        monkeypatch.setenv("GOLDMASK_MIRROR", str(tmp_path / "mirror"))
    server.paths["/model.bin"] = whole()
    place, during = cache / "files" / SHA256, []
    dead = place / f".goldmask-{os.getpid()}-1-{scratch._namespace()}-abc123"
    dead.mkdir(parents=True)
    monkeypatch.setattr(
        "goldmask.machine.cache.sha256_of" if mirrored else "pooch.core.hash_matches",
        lambda *_, **__: during.extend(path.name for path in place.iterdir()) or SHA256,
    )
    fetch(source(f"{server.url}/model.bin"), tmp_path)
    assert during and all(scratch.NAME.fullmatch(name) for name in during) and dead.name not in during
    assert [path.name for path in place.iterdir()] == ["model.bin"]


def test_a_download_is_cached_and_not_asked_for_again(server, cache, tmp_path):
    server.paths["/model.bin"] = whole()
    seen = []
    first = fetch(source(f"{server.url}/model.bin"), tmp_path, lambda *progress: seen.append(progress))
    assert first.read_bytes() == BODY and files_in(cache) == ["model.bin"]
    assert seen[-1] == ("model.bin", len(BODY), len(BODY))
    server.paths.clear()
    assert fetch(source(f"{server.url}/model.bin"), tmp_path) == first
    assert len(server.asked) == 1


def test_a_broken_download_is_resumed_where_it_stopped(server, tmp_path):
    server.paths["/model.bin"] = breaks_off_once()
    assert fetch(source(f"{server.url}/model.bin"), tmp_path).read_bytes() == BODY
    ranges = [asked for _, asked in server.asked]
    assert ranges[0] is None and ranges[1] and int(ranges[1].removeprefix("bytes=").rstrip("-")) > 0


def test_a_damaged_cache_is_fetched_again(server, tmp_path):
    server.paths["/model.bin"] = whole()
    path = fetch(source(f"{server.url}/model.bin"), tmp_path)
    path.write_bytes(b"rotten")
    assert fetch(source(f"{server.url}/model.bin"), tmp_path).read_bytes() == BODY


def test_the_second_url_serves_when_the_first_is_gone(server, tmp_path):
    server.paths["/there.bin"] = whole()
    assert fetch(source(f"{server.url}/gone.bin", f"{server.url}/there.bin"), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!DOCTYPE html><title>sign in</title>", "got an HTML page, expected"),
        (BODY[:-1] + b"x", "its bytes have another sha256"),
        (BODY + b"more", "it announces 262,148 bytes, expected 262,144 bytes at most"),
        (BODY[:1000], "got 1,000 bytes, expected 262,144"),
    ],
    ids=["html", "other bytes", "too long", "too short"],
)
def test_wrong_bytes_never_get_a_name(server, cache, tmp_path, body, why):
    server.paths["/model.bin"] = whole(body)
    with pytest.raises(EnvironmentMissing, match=why) as caught:
        fetch(source(f"{server.url}/model.bin"), tmp_path)
    assert "GOLDMASK_MIRROR" in caught.value.fix and SHA256 in caught.value.fix
    assert all(name.startswith(".") for name in files_in(cache))


def test_all_places_that_failed_are_named_without_their_secrets(server, tmp_path):
    url = f"{server.url.replace('//', '//user:pass@')}/model.bin?token=secret"
    with pytest.raises(EnvironmentMissing, match="HTTP 404") as caught:
        fetch(source(url, "http://127.0.0.1:9/model.bin"), tmp_path)
    assert "no connection" in caught.value.what
    assert "secret" not in str(caught.value) and "pass" not in str(caught.value)


DRIP = {"body": b"x", "pause_s": 0.01, "times": 1000}


@pytest.mark.parametrize(
    "answer",
    [raw("200 OK\r\nContent-Length: 262144", **DRIP), raw("200 OK", **DRIP), raw("", **DRIP)],
    ids=["body", "body of unknown length", "headers"],
)
def test_a_server_of_a_byte_now_and_then_comes_to_an_end(server, cache, tmp_path, answer):
    """No socket ever waits for long there; and another try would take as long again."""
    server.paths["/model.bin"] = answer
    with pytest.raises(EnvironmentMissing, match=r"too slow: [\d,]+ bytes came in \d+ s"):
        fetch(source(f"{server.url}/model.bin"), tmp_path, now=Hours())
    assert len(server.asked) == 1


def test_what_is_slow_and_comes_is_waited_for(server, tmp_path):
    """The twin: so many seconds, and so many more for each byte that came."""
    server.paths["/model.bin"] = raw("200 OK", BODY[:1024], 0.001, 256)
    seconds = itertools.count()
    body = BODY[:1024] * 256
    slow = Source(urls=(f"{server.url}/model.bin",), sha256=hashlib.sha256(body).hexdigest())
    assert fetch(slow, tmp_path, now=lambda: next(seconds)).read_bytes() == body


def test_a_download_that_never_ends_is_cut_at_its_limit(server, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "MAX_BYTES", 1 << 20)
    server.paths["/model.bin"] = raw("200 OK", bytes(1 << 16), 0, 100_000)
    for size, limit in ((None, "1,048,576"), (len(BODY), "262,144")):
        with pytest.raises(EnvironmentMissing, match=f"it sends more than {limit} bytes"):
            fetch(source(f"{server.url}/model.bin", size=size), tmp_path)
        assert files_in(cache) == []
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("head", "body", "why"),
    [
        ("200 OK\r\nContent-Length: 9999999999999", b"x", "it announces 9,999,999,999,999 bytes"),
        ("200 OK\r\nContent-Length: -5", b"x", "got 1 bytes, expected 262,144"),
        ("200 OK\r\nContent-Length: many", b"x", "got 1 bytes, expected 262,144"),
        ("404 gone\x1b]0;x\x07\x1b[31m", b"", r"HTTP 404 gone\\x1b\]0;x\\x07\\x1b\[31m"),
        ("\xff\xfe nonsense", b"", "cannot fetch"),
        ("302 x\r\nLocation: file:///etc/passwd\r\nContent-Length: 0", b"", "cannot fetch"),
        ("302 x\r\nLocation: /model.bin\r\nContent-Length: 0", b"", "cannot fetch"),
    ],
)
def test_a_server_that_lies_is_one_printable_sentence(server, cache, tmp_path, head, body, why):
    server.paths["/model.bin"] = raw(head, body)
    with pytest.raises(EnvironmentMissing, match=why) as caught:
        fetch(source(f"{server.url}/model.bin"), tmp_path)
    assert caught.value.what.isprintable()
    assert all(name.startswith(".") for name in files_in(cache))


@pytest.mark.parametrize("key", [SHA256, "model.bin"])
def test_a_mirror_folder_is_asked_first(server, tmp_path, monkeypatch, key):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / key).write_bytes(BODY)
    monkeypatch.setenv("GOLDMASK_MIRROR", str(mirror))
    assert fetch(source(f"{server.url}/model.bin"), tmp_path).read_bytes() == BODY
    assert server.asked == []


@pytest.mark.parametrize("key", [SHA256, "model.bin"])
def test_a_mirror_url_is_asked_first(server, tmp_path, monkeypatch, key):
    server.paths[f"/mirror/{key}"] = whole()
    monkeypatch.setenv("GOLDMASK_MIRROR", f"{server.url}/mirror/")
    assert fetch(source("http://127.0.0.1:9/model.bin"), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize(
    "mirror", ["http://[::1", "http://", "http://127.0.0.1:99999/", "https://:80/", "http://user:secret/"]
)
def test_a_mirror_that_is_no_url_is_told(tmp_path, monkeypatch, mirror):
    monkeypatch.setenv("GOLDMASK_MIRROR", mirror)
    with pytest.raises(EnvironmentMissing, match="GOLDMASK_MIRROR is no URL of a host"):
        fetch(source("http://127.0.0.1:9/model.bin"), tmp_path)


def test_a_mirror_with_other_bytes_is_told_and_passed_over(server, tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "model.bin").write_bytes(b"other")
    monkeypatch.setenv("GOLDMASK_MIRROR", str(mirror))
    with pytest.raises(EnvironmentMissing, match=r"mirror .*model.bin has sha256 .*; .*HTTP 404"):
        fetch(source(f"{server.url}/model.bin"), tmp_path)
    server.paths["/model.bin"] = whole()
    assert fetch(source(f"{server.url}/model.bin"), tmp_path).read_bytes() == BODY


def test_a_local_file_is_read_in_place_and_may_be_another_than_is_pinned(tmp_path):
    (tmp_path / "model.bin").write_bytes(BODY)
    pinned = Source(file="model.bin", sha256=SHA256)
    assert fetch(pinned, tmp_path) == tmp_path / "model.bin" and repinned(pinned, tmp_path) == ""
    (tmp_path / "model.bin").write_bytes(b"edited")
    assert fetch(pinned, tmp_path) == tmp_path / "model.bin"
    assert repinned(pinned, tmp_path) == hashlib.sha256(b"edited").hexdigest()
    assert repinned(Source(file="model.bin"), tmp_path) == ""
    with pytest.raises(ConfigError, match="does not exist"):
        fetch(Source(file="gone.bin", sha256=SHA256), tmp_path)


@pytest.mark.project
def test_a_photograph_comes_out_of_a_package(tmp_path, cache):
    photograph = Source(
        package="scikit-image==0.26.0",
        path="skimage/data/chelsea.png",
        sha256="596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    )
    assert fetch(photograph, tmp_path).name == "chelsea.png"
    assert files_in(cache) == ["chelsea.png"]
    missing = photograph.model_copy(update={"path": "skimage/data/none.png"})
    fetching.cached_file(photograph).unlink()
    with pytest.raises(EnvironmentMissing, match="the package has no skimage/data/none.png"):
        fetch(missing, tmp_path)
    assert files_in(cache) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"file": "a", "urls": ("https://example.org/a",)},
        {"file": "../a"},
        {"file": "/a"},
        {"urls": ("file:///etc/passwd",)},
        {"urls": ("ftp://example.org/a",)},
        {"urls": ("http://[::1",)},
        {"urls": ("http:///a",)},
        {"urls": ("http://example.org:99999/a",)},
        {"package": "scikit-image", "path": "a"},
        {"package": "--index-url=http://example.org/==1", "path": "a"},
        {"package": "scikit-image==0.26.0"},
        {"package": "scikit-image==0.26.0", "path": "../a"},
        {"file": "a", "sha256": "12"},
        {"file": "a", "name": "../b"},
        {"file": "a", "size": 0},
    ],
)
def test_a_source_that_is_not_one_pinned_place_is_refused(fields):
    with pytest.raises(ValidationError):
        Source(**({"sha256": SHA256} | fields))


@pytest.mark.parametrize(
    ("mirror", "reason"),
    [
        ("ftp://127.0.0.1/files", "mirror ftp://127.0.0.1/files: is neither a folder nor an http(s) URL"),
        ("file:///nowhere", "mirror file:///nowhere: is neither a folder nor an http(s) URL"),
        ("/nowhere", "mirror /nowhere: does not have it"),
        ("/dev/zero", "mirror /dev/zero: does not have it"),
        ("~nosuchuser/files", "mirror ~nosuchuser/files: Could not determine home directory."),
        ("m" * 300, "File name too long"),
    ],
)
def test_a_mirror_that_is_none_is_told_with_the_other_places(server, cache, monkeypatch, mirror, reason):
    source = Source(sha256="0" * 64, urls=(f"{server.url}/nothing.bin",))
    monkeypatch.setenv("GOLDMASK_MIRROR", mirror)
    with pytest.raises(EnvironmentMissing) as caught:
        fetch(source, cache)
    assert reason in caught.value.what and "HTTP 404" in caught.value.what


def test_a_mirror_may_be_relative_or_at_home_and_so_may_the_cache(tmp_path, monkeypatch):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / SHA256).write_bytes(BODY)
    source = Source(sha256=SHA256, urls=("http://127.0.0.1:9/model.bin",))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for number, mirror in enumerate(("files", "~/files")):
        monkeypatch.setenv("GOLDMASK_MIRROR", mirror)
        monkeypatch.setenv("GOLDMASK_CACHE", ("cache", "~/other")[number])
        found = fetch(source, tmp_path)
        assert found == tmp_path / ("cache", "other")[number] / f"files/{SHA256}/model.bin"
        assert found.read_bytes() == BODY


def test_a_cache_of_a_user_that_there_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("GOLDMASK_CACHE", "~nosuchuser/cache")
    with pytest.raises(EnvironmentMissing, match="there is no such user"):
        fetch(Source(sha256=SHA256, urls=("http://127.0.0.1:9/model.bin",)), tmp_path)
