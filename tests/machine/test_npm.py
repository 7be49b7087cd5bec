"""Files out of npm packages, by the real npm from a registry on loopback that can break off, lie and be absent."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from needs import need
from pydantic import ValidationError

from goldmask.contract.errors import EnvironmentMissing
from goldmask.machine import npm
from goldmask.machine.fetch import Source, fetch

MODEL = b"a model" * 1000
SHA256 = hashlib.sha256(MODEL).hexdigest()


def packed(files: dict[str, bytes], link: str = "") -> bytes:
    """A package's archive; `link` is a symbolic link in it that leads to /etc/passwd."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
    return stream.getvalue()


PACKAGE = json.dumps({"name": "@tiny/models", "version": "1.2.3"}).encode()
ARCHIVE = packed({"package/package.json": PACKAGE, "package/models/mask.tflite": MODEL}, "package/models/link.tflite")


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A cache of the test's own, and no mirror."""
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GOLDMASK_MIRROR", raising=False)


@pytest.fixture
def registry(monkeypatch, tmp_path):
    """A registry with the package @tiny/models; its `archive` is what it sends of it."""
    need("npm")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.server.archive
            if not self.path.endswith(".tgz"):
                integrity = base64.b64encode(hashlib.sha512(self.server.promised).digest()).decode()
                dist = {"tarball": f"{self.server.url}/models.tgz", "integrity": f"sha512-{integrity}"}
                version = {"name": "@tiny/models", "version": "1.2.3", "dist": dist}
                body = json.dumps(
                    {"name": "@tiny/models", "dist-tags": {"latest": "1.2.3"}, "versions": {"1.2.3": version}}
                ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.archive = server.promised = ARCHIVE
    server.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", server.url)
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "npm"))
    monkeypatch.setenv("NPM_CONFIG_FETCH_RETRIES", "0")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def source(archive: bytes = ARCHIVE, **fields) -> Source:
    pinned = {
        "npm": "@tiny/models@1.2.3",
        "path": "models/mask.tflite",
        "archive_sha256": hashlib.sha256(archive).hexdigest(),
        "sha256": SHA256,
    }
    return Source.model_validate(pinned | fields)


@pytest.mark.project
def test_a_file_comes_out_of_an_npm_package_and_is_cached(registry, empty_cache, tmp_path):
    path = fetch(source(), tmp_path)
    assert path.read_bytes() == MODEL and path.name == "mask.tflite"
    registry.archive = b""
    assert fetch(source(), tmp_path) == path


@pytest.mark.project
def test_another_archive_than_is_pinned_is_refused(registry, empty_cache, tmp_path):
    registry.archive = registry.promised = packed({"package/package.json": PACKAGE, "package/models/mask.tflite": b""})
    with pytest.raises(EnvironmentMissing, match="its archive has sha256 .*, declared is"):
        fetch(source(), tmp_path)


@pytest.mark.project
def test_an_archive_that_the_registry_did_not_promise_is_refused(registry, empty_cache, tmp_path):
    registry.promised = b"another"
    with pytest.raises(EnvironmentMissing, match="npm could not pack it"):
        fetch(source(), tmp_path)


@pytest.mark.project
def test_without_a_registry_the_reason_and_the_way_out_are_told(registry, empty_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9")
    with pytest.raises(EnvironmentMissing, match="cannot fetch mask.tflite .*npm could not pack it") as caught:
        fetch(source(), tmp_path)
    assert "GOLDMASK_MIRROR=" in caught.value.fix


def test_without_npm_the_reason_is_told(empty_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentMissing, match=r"@tiny/models@1\.2\.3: npm is not on PATH"):
        fetch(source(), tmp_path)


@pytest.mark.parametrize(
    ("archive", "path", "reason"),
    [
        (ARCHIVE, "models/none.tflite", "the package has no models/none.tflite"),
        (ARCHIVE, "models/link.tflite", "the package has no models/link.tflite"),
        (ARCHIVE, "models", "the package has no models"),
        (ARCHIVE[:100], "models/mask.tflite", "its archive is damaged"),
        (b"no archive", "models/mask.tflite", "its archive is damaged"),
        (ARCHIVE, "package.json", "its package.json has 44 bytes"),
    ],
    ids=["none", "link", "folder", "half", "text", "large"],
)
def test_what_an_archive_does_not_have_is_not_made_up(tmp_path, archive, path, reason):
    (tmp_path / "a.tgz").write_bytes(archive)
    with pytest.raises(EnvironmentMissing, match=reason):
        npm._member(tmp_path / "a.tgz", path, 42, tmp_path)


def test_the_first_folder_of_an_archive_may_have_any_name(tmp_path):
    (tmp_path / "a.tgz").write_bytes(packed({"other/models/mask.tflite": MODEL}))
    assert npm._member(tmp_path / "a.tgz", "models/mask.tflite", len(MODEL), tmp_path).read_bytes() == MODEL


@pytest.mark.parametrize(
    "fields",
    [
        {"npm": "@tiny/models"},
        {"npm": "@tiny/models@latest"},
        {"npm": "@tiny/models@^1.2.3"},
        {"npm": "--registry=http://127.0.0.1@1.2.3"},
        {"npm": "http://127.0.0.1/a.tgz@1.2.3"},
        {"npm": "../models@1.2.3"},
        {"npm": "tiny/models@1.2.3"},
        {"path": None},
        {"path": "../mask.tflite"},
        {"archive_sha256": None},
        {"sha256": None},
        {"file": "mask.tflite"},
        {"npm": None, "file": "mask.tflite", "path": None},
    ],
)
def test_what_is_no_exact_package_is_refused(fields):
    with pytest.raises(ValidationError):
        source(**fields)
