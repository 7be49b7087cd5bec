"""What a process had finished when it died."""

from pathlib import Path

import pytest
from conftest import REPO

from goldmask.contract.bundle import Bundle, load_bundle
from goldmask.contract.errors import RunError
from goldmask.contract.journal import JOURNAL_FILE, Journal, read_journal

SAMPLE = load_bundle(REPO / "tests/samples")


def write(folder: Path, results: int) -> Bundle:
    """The first results of the sample, written down."""
    journal = Journal(folder, SAMPLE.model_copy(update={"results": ()}))
    for result in SAMPLE.results[:results]:
        journal.add(result)
    return SAMPLE.model_copy(update={"results": SAMPLE.results[:results]})


@pytest.mark.parametrize("results", range(1, len(SAMPLE.results) + 1))
def test_results_come_back_as_they_were(tmp_path: Path, results: int):
    assert len(SAMPLE.results) >= 2
    assert read_journal(tmp_path / "new") is None
    assert write(tmp_path / "new", results) == read_journal(tmp_path / "new")


def test_half_a_line_is_no_result(tmp_path: Path):
    kept = write(tmp_path, 1)
    with (tmp_path / JOURNAL_FILE).open("ab") as stream:
        stream.write(SAMPLE.results[1].model_dump_json().encode()[:40])
    assert read_journal(tmp_path) == kept


def test_without_a_result_there_is_nothing(tmp_path: Path):
    write(tmp_path, 0)
    assert read_journal(tmp_path) is None


@pytest.mark.parametrize("line", [b"{}\n", b"]}]}\n", b"\xff\n", b'{"case": "flag"}\n', b"\n"])
def test_a_damaged_one_is_refused(tmp_path: Path, line: bytes):
    write(tmp_path, 1)
    with (tmp_path / JOURNAL_FILE).open("ab") as stream:
        stream.write(line)
    with pytest.raises(RunError, match="is damaged"):
        read_journal(tmp_path)


def test_what_is_no_file_is_refused(tmp_path: Path):
    (tmp_path / JOURNAL_FILE).mkdir()
    with pytest.raises(RunError, match="cannot be read"):
        read_journal(tmp_path)


def test_a_whole_bundle_needs_none(tmp_path: Path):
    Journal(tmp_path, SAMPLE).remove()
    assert list(tmp_path.iterdir()) == []
