"""JSON lines a piece at a time: the rows of the whole file, wherever the pieces end."""

import gzip
from pathlib import Path

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files import unpacking
from palimpsest.corpus.files.field_path import FieldPath
from palimpsest.corpus.files.json_lines import json_lines
from palimpsest.corpus.files.json_rows import json_rows
from palimpsest.corpus.files.reading import read_texts
from palimpsest.corpus.files.rows_read import FileRows
from tests.corpus.files.tables import zstd

LINES = (
    '\ufeff\n{"text": "渡し守", "n": 1}\r\n\n \t\n{"text": "a\\nb"}\n'
    'no JSON\n"bare"\n{"text": 1, "text": "c"}'
)
PACK = {"plain": bytes, "gzip": gzip.compress, "zstd": zstd}


@pytest.mark.parametrize("size", [1, 2, 7, 64, 2**20])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("pack", PACK)
def test_rows_are_those_of_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: str, end: str, size: int
) -> None:
    monkeypatch.setattr(unpacking, "PIECE", size)
    path = tmp_path / "a.jsonl"
    path.write_bytes(PACK[pack]((LINES + end).encode()))
    ours, theirs = FileRows("a"), FileRows("a")
    found = json_lines(path, ours)
    assert found is not None
    rows = [*found]
    assert rows == [*json_rows(LINES + end, FieldPath("text"), theirs)]
    assert [number for number, _ in rows] == [2, 5, 7, 8]
    assert ours.unit == theirs.unit == "line"
    assert (ours.left_out, ours.mended) == (theirs.left_out, theirs.mended)
    assert ours.left_out == {"no JSON": [6]}
    assert ours.position == path.stat().st_size


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n \n",
        b'{"text": "alone"}\n',
        b'[\n{"text": "a"},\n{"text": "b"}\n]',
        '{"text": "a"}\n{"text": "b"}'.encode("utf-16"),
        '{"text": "a"}\n{"text": "b"}'.encode("utf-16-le"),
    ],
)
def test_what_must_be_read_as_a_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    try:
        assert json_lines(tmp_path / "a.jsonl", FileRows("a")) is None
    except UnicodeDecodeError:  # a byte order mark of UTF-16 is no UTF-8
        assert content.startswith(b"\xff\xfe")


def test_a_late_wrong_byte_is_named_as_in_any_other_file(tmp_path: Path) -> None:
    content = b'{"text": "a"}\n' * 1000 + '{"text": "Fährmann"}\n'.encode("cp1252")
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(CorpusError, match=r"byte 0xe4 at offset 14,011 \(line 1,001\)"):
        read_texts([str(tmp_path / "a.jsonl")])


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"text": "a"}\n' * 100_000)
    (tmp_path / "a.jsonl.gz").write_bytes(packed[:-20])
    with pytest.raises(CorpusError, match="it cannot be unpacked"):
        read_texts([str(tmp_path / "a.jsonl.gz")])
