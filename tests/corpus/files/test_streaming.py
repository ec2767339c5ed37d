"""Texts in batches: those of the whole files, in their order, as often as they are asked for."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files import streaming
from palimpsest.corpus.files.options import ReadOptions
from palimpsest.corpus.files.own_lines import has_own_lines, own_lines
from palimpsest.corpus.files.reading import STDIN, read_texts
from palimpsest.corpus.files.streaming import TextStream, rows_again, texts_again
from tests.corpus.files.tables import parquet_file, zstd

TEXTS = [f"{n}. 渡し守 and so on" for n in range(100)]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of several kinds, one of them with rows that cannot be read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(streaming, "BATCH_TEXTS", 7)
    lines = [json.dumps({"text": text}) for text in TEXTS]
    Path("a.jsonl").write_text("\n".join([*lines[:20], "no JSON", '{"n": 1}', *lines[20:30]]))
    Path("b.jsonl.gz").write_bytes(gzip.compress("\n".join(lines[30:50]).encode()))
    Path("c.parquet").write_bytes(parquet_file(pa.table({"text": TEXTS[50:70]})))
    Path("d.csv.zst").write_bytes(zstd(("text\n" + "\n".join(TEXTS[70:80])).encode()))
    Path("e.txt").write_text("\n\n".join(TEXTS[80:90]))
    Path("f.json").write_text(json.dumps(TEXTS[90:]))
    return tmp_path


def stream_of(*sources: str, stdin: bytes | None = None) -> TextStream:
    return TextStream.of(sources, ReadOptions(), "texts", stdin)


def test_batches_hold_what_the_whole_files_hold(files: Path) -> None:
    stream, whole = stream_of("?.*"), read_texts(["?.*"])
    for _ in range(2):  # read again, the same
        batches = [*stream]
        assert all(0 < len(batch.texts) <= 10 for batch in batches)
        assert len(batches) > 10
        assert [text for batch in batches for text in batch.texts] == whole.texts == TEXTS
        assert [place for batch in batches for place in batch.places] == whole.places
        assert stream.lines() == whole.lines()
        assert stream.position == stream.size == sum(one.stat().st_size for one in files.iterdir())
    (said,) = stream.lines()
    assert said.startswith("left out 2 of 102 texts")


def test_the_place_in_the_files_only_moves_on(files: Path) -> None:
    stream = stream_of("a.jsonl", "c.parquet")
    positions = [stream.position for _ in stream]
    assert positions == sorted(positions)
    assert 0 < positions[0] < stream.size


def test_long_texts_make_small_batches(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "BATCH_CHARS", 30)
    assert {len(batch.texts) for batch in stream_of("a.jsonl")} == {2}


def test_standard_input_can_be_read_again(files: Path) -> None:
    stream = stream_of(STDIN, stdin=Path("a.jsonl").read_bytes())
    for _ in range(2):
        assert [text for batch in stream for text in batch.texts] == TEXTS[:30]


def test_an_empty_file_has_no_batch(files: Path) -> None:
    Path("none.jsonl").touch()
    assert [*stream_of("none.jsonl")] == []


def test_nothing_there_is_said_before_anything_is_read(files: Path) -> None:
    with pytest.raises(CorpusError, match="none at"):
        stream_of("a.jsonl", "not_there.jsonl")


def test_more_rows_left_out_than_read_are_an_error_at_the_end(files: Path) -> None:
    Path("bad.jsonl").write_text('{"text": "a"}\n' * 20 + '{"n": 1}\n' * 21)
    with pytest.raises(CorpusError, match="21 of 41 lines cannot be read"):
        deplete(stream_of("bad.jsonl"))


def deplete(stream: TextStream) -> None:
    for _ in stream:
        pass


def test_rows_again_are_numbered_through(files: Path) -> None:
    stream = stream_of("?.*")
    deplete(stream)
    again = [*rows_again(stream)]
    assert [row for row, _, _ in again] == [*range(100)]
    assert [text for _, text, _ in again] == TEXTS
    assert [str(place) for _, _, place in again][20:31:10] == [
        "line 23 of a.jsonl",
        "line 1 of b.jsonl.gz",
    ]


def test_texts_again_have_their_own_lines_where_there_are_any(files: Path) -> None:
    Path("g.jsonl").write_bytes(b'\xef\xbb\xbf{"x": 1,  "text": "one"}\r\n\n{"text": "two"}')
    stream = stream_of("g.jsonl", "a.jsonl")
    deplete(stream)
    assert has_own_lines(stream.files)
    again = [*texts_again(stream, lines=True)]
    assert again[:2] == [("one", '{"x": 1,  "text": "one"}'), ("two", '{"text": "two"}')]
    assert [json.loads(line)["text"] for _, line in again[2:] if line] == TEXTS[:30]
    for other in ("b.jsonl.gz", "c.parquet", "e.txt"):
        stream = stream_of("g.jsonl", other)
        deplete(stream)
        assert not has_own_lines(stream.files)
        assert {line for _, line in texts_again(stream, lines=False)} == {None}


def test_lines_are_kept_of_plain_files_in_utf_8_alone(files: Path) -> None:
    """As `own_lines` does of texts in memory."""
    Path("packed.jsonl").write_bytes(gzip.compress(Path("a.jsonl").read_bytes()))
    Path("western.jsonl").write_bytes('{"text": "Fähre"}\n{"text": "Maß"}\n'.encode("cp1252"))
    Path("plain.jsonl").write_text('{"text": "Fähre"}\n{"text": "渡"}')
    for name, has in (("packed", False), ("western", False), ("plain", True), ("a", True)):
        options = ReadOptions(encoding="cp1252")
        stream = TextStream.of([f"{name}.jsonl"], options, "texts")
        deplete(stream)
        assert has_own_lines(stream.files) is has, name
        held = own_lines(read_texts([f"{name}.jsonl"], options).places)
        assert (held is not None) is has, name
    Path("a.jsonl").unlink()
    assert not has_own_lines(stream.files)


def test_two_texts_of_one_line_have_no_line_of_their_own(files: Path) -> None:
    Path("two.jsonl").write_text('{"text": "a"}\n{"text": ["b", "c"]}\n')
    stream = TextStream.of(["two.jsonl"], ReadOptions("text[]"), "texts")
    deplete(stream)
    assert [rows.taken for rows in stream.files] == [2]
    assert not has_own_lines(stream.files)
