"""Rows of Parquet and of Arrow's files and streams, within what a file can honestly hold."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from palimpsest.corpus.files import arrow_rows as arrow_module
from palimpsest.corpus.files.arrow_rows import arrow_rows, parquet_rows
from palimpsest.corpus.files.field_path import FieldPath
from palimpsest.corpus.files.rows_read import FileRows
from tests.corpus.files.tables import arrow_file, arrow_stream, parquet_file

TEXTS = ["one", None, "", "日本\n語", "one"]
Read = Callable[..., list[object]]


def from_arrow(table: pa.Table, field: str = "text", rows: FileRows | None = None) -> list[object]:
    """What a stream's rows lead to; a file holds the same."""
    path = FieldPath(field)
    found = [
        [path.find(row) for _, row in arrow_rows(content, path, rows or FileRows("a"))]  # type: ignore[arg-type]
        for content in (
            arrow_stream(table),
            arrow_file(table),
            arrow_file(table, "lz4"),
            arrow_stream(table, "zstd"),
        )
    ]
    assert all(one == found[0] for one in found)
    return [value for values in found[0] for value in values or ["absent"]]


def from_parquet(
    table: pa.Table, field: str = "text", rows: FileRows | None = None
) -> list[object]:
    """What a Parquet file's rows lead to."""
    path = FieldPath(field)
    found = parquet_rows(parquet_file(table), path, rows or FileRows("a"))
    return [value for _, row in found for value in path.find(row) or ["absent"]]  # type: ignore[arg-type]


both = pytest.mark.parametrize("read", [from_arrow, from_parquet])


@both
@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.dictionary(pa.int8(), pa.string()),
    ],
)
def test_every_type_of_text(read: Read, kind: pa.DataType) -> None:
    column = (
        pa.array(TEXTS).dictionary_encode()
        if pa.types.is_dictionary(kind)
        else pa.array(
            [
                text if text is None or not pa.types.is_binary(kind) else text.encode()
                for text in TEXTS
            ],
            kind,
        )
    )
    assert read(pa.table({"n": range(5), "text": column})) == TEXTS


@both
def test_fields_within_fields(read: Read) -> None:
    chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    table = pa.table({"data": [{"text": "a", "n": 1}] * 3, "m": [chat] * 3})
    assert read(table, "data.text") == ["a"] * 3
    assert read(table, "m[].content") == ["q", "a"] * 3
    rows = FileRows("a")
    assert read(table, "text", rows) == []
    assert rows.fields == ["data.text", "data.n", "m[].role", "m[].content"]


@both
def test_a_column_whose_name_has_a_dot_wins(read: Read) -> None:
    table = pa.table({"data": [{"text": "no"}] * 2, "data.text": ["a", "b"]})
    assert read(table, "data.text") == ["a", "b"]


@both
def test_a_table_without_rows_has_no_text(read: Read) -> None:
    assert read(pa.table({"text": pa.array([], pa.string())})) == []


@both
def test_columns_of_one_name(read: Read) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["n", "text"])
    assert read(table.rename_columns(["text", "text"])) in (["a"], ["b"])


def test_rows_are_numbered_through_all_batches(tmp_path: Path) -> None:
    table = pa.table({"text": [str(n) for n in range(25_000)]})
    (tmp_path / "a.parquet").write_bytes(parquet_file(table, row_group_size=7_000))
    found = list(parquet_rows(tmp_path / "a.parquet", FieldPath("text"), FileRows("a")))
    assert [number for number, _ in found] == list(range(1, 25_001))
    assert found[-1] == (25_000, {"text": "24999"})
    batches = pa.Table.from_batches(table.to_batches(max_chunksize=999))
    found = list(arrow_rows(arrow_stream(batches), FieldPath("text"), FileRows("a")))
    assert found[-1] == (25_000, {"text": "24999"})


@both
def test_equal_texts_are_one_text_in_memory(read: Read) -> None:
    rows = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0] * 900), ["a" * 50_000, "b"])
    values = read(pa.table({"text": rows}))
    assert values[:4] == ["a" * 50_000, "b", None, "a" * 50_000]
    assert values[0] is values[3]


def test_what_promises_more_rows_than_it_can_hold() -> None:
    nothing = pa.table({"text": pa.nulls(12_000_000)})
    packed = pa.table({"text": pa.nulls(12_000_000, pa.string())})
    content = parquet_file(packed, compression="zstd")
    assert len(content) < 100_000
    with pytest.raises(ValueError, match=r"12,000,000 rows in [\d,]+ bytes"):
        list(parquet_rows(content, FieldPath("text"), FileRows("a")))
    within = pa.ListArray.from_arrays(pa.array([0, 12_000_000], pa.int32()), pa.nulls(12_000_000))
    for table in (nothing, pa.table({"text": within})):
        with pytest.raises(ValueError, match=r"12,000,000 rows in [\d,]+ bytes"):
            list(arrow_rows(arrow_stream(table), FieldPath("text"), FileRows("a")))


@pytest.mark.parametrize("write", [arrow_stream, arrow_file])
def test_what_promises_more_bytes_than_it_can_hold(
    write: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"text": ["x" * 1000 + str(n) for n in range(900)]})
    dictionary = pa.table(
        {"text": pa.array([f"{n}" * 1000 for n in range(900)]).dictionary_encode()}
    )
    contents = [write(table, "zstd"), write(dictionary, "zstd")]
    assert all(
        len(list(arrow_rows(one, FieldPath("text"), FileRows("a")))) == 900 for one in contents
    )
    monkeypatch.setattr("palimpsest.core.parsing.MOST_UNPACKED", 100_000)
    monkeypatch.setattr("palimpsest.core.parsing.MOST_RATIO", 2)
    for content in contents:
        with pytest.raises(ValueError, match=r"\d\d\d,\d+ bytes packed into"):
            list(arrow_rows(content, FieldPath("text"), FileRows("a")))
    with pytest.raises(ValueError, match=r"9\d\d,\d+ bytes packed into"):
        list(parquet_rows(parquet_file(table), FieldPath("text"), FileRows("a")))


def test_offsets_that_point_outside() -> None:
    content = arrow_stream(pa.table({"text": ["aaaa", "bbbb"]}))
    at = content.index(bytes([0, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0]))
    hostile = content[: at + 8] + b"\xff\xff\xff\x6f" + content[at + 12 :]
    with pytest.raises(ValueError, match=r"\w+"):
        list(arrow_rows(hostile, FieldPath("text"), FileRows("a")))


@pytest.mark.parametrize(
    "content", [b"x", b"ARROW1\0\0", b"\xff\xff\xff\xff\x10\0\0\0", b"\0" * 99]
)
def test_what_is_no_arrow(content: bytes) -> None:
    with pytest.raises((ValueError, OSError)):
        list(arrow_rows(content, FieldPath("text"), FileRows("a")))


def test_feather_of_the_first_version() -> None:
    with pytest.raises(ValueError, match="Feather version 1, which is no Arrow"):
        list(arrow_rows(b"FEA1\0\0", FieldPath("text"), FileRows("a")))


def test_what_is_no_parquet() -> None:
    with pytest.raises(ValueError, match=r"[Pp]arquet"):
        list(parquet_rows(b"x", FieldPath("text"), FileRows("a")))


def test_a_message_whose_table_points_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    content = arrow_stream(pa.table({"text": ["a"]}))
    real = arrow_module._promises
    for cut in (0, 3, 20):
        monkeypatch.setattr(
            arrow_module, "_promises", lambda data, body, cut=cut: real(data[:cut], body)
        )
        with pytest.raises(ValueError, match="a message that points outside itself"):
            list(arrow_rows(content, FieldPath("text"), FileRows("a")))
