"""The rows of Parquet and of Arrow's IPC files and streams (.arrow, .feather), by pyarrow.

A file may be a stranger's: what it promises is held against its size before any of it is unpacked.
Known gap: a page of Parquet that lies about its own size can take up to 2 GiB.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from palimpsest.core.parsing import check_unpacked
from palimpsest.corpus.files.field_path import FieldPath
from palimpsest.corpus.files.rows_read import FileRows

MOST_ROWS = 10_000_000
"""Rows that a file may have if it has fewer bytes: equal ones take next to none."""
BATCH = 10_000
"""Rows of Parquet that are unpacked at once."""
IPC_FILE, FEATHER_1 = b"ARROW1\0\0", b"FEA1"
"""How Arrow's IPC files begin (a stream follows), and files of the first version of Feather."""
RECORDS, DICTIONARY = 3, 2
"""Kinds of messages in a stream that have a body."""


def parquet_rows(
    source: Path | bytes, path: FieldPath, rows: FileRows
) -> Iterator[tuple[int, object]]:
    """The column of the text, a batch at a time; texts that are equal are one object.

    Raises:
        ValueError: no Parquet, or one that promises more than it can hold.
    """
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import parquet

    size = source.stat().st_size if isinstance(source, Path) else len(source)
    opened = source if isinstance(source, Path) else pa.BufferReader(source)
    try:
        with parquet.ParquetFile(opened) as file:
            _check_promises(file.metadata, size)
            schema = file.schema_arrow
        column = _column(schema, path, rows)
        if column is None:
            return
        flat = not pa.types.is_nested(schema.field(schema.names.index(column)).type)
        # a dictionary is left as it is: a long text in many rows is not written out
        kept = {"read_dictionary": [column]} if flat else {}
        opened = source if isinstance(source, Path) else pa.BufferReader(source)
        with parquet.ParquetFile(opened, **kept) as file:
            number, every = 0, max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(BATCH, columns=[column]):
                rows.position = size * number // every
                for value in _values(batch.column(batch.schema.names.index(column))):
                    number += 1
                    yield number, {column: value}
    except pa.ArrowException as error:  # some are no ValueError
        raise ValueError(str(error)) from error


def arrow_rows(content: bytes, path: FieldPath, rows: FileRows) -> Iterator[tuple[int, object]]:
    """The column of the text in Arrow's IPC format, as a file or as a stream.

    Args:
        content: of the file.
        path: to the text.
        rows: takes the columns.

    Raises:
        ValueError: no Arrow, offsets that point outside, or more promised than it can hold.
    """
    import pyarrow as pa

    if content.startswith(FEATHER_1):
        raise ValueError("Feather version 1, which is no Arrow: write it anew with version 2")
    buffer = pa.py_buffer(content)
    if content.startswith(IPC_FILE):
        buffer = buffer.slice(len(IPC_FILE))
    try:
        _check_messages(buffer, len(content))
        with pa.ipc.open_stream(buffer) as stream:
            column = _column(stream.schema, path, rows)
            if column is None:
                return
            number = 0
            for batch in stream:
                batch.validate(full=True)  # offsets come from the file
                for value in _values(batch.column(batch.schema.names.index(column))):
                    number += 1
                    yield number, {column: value}
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _column(schema: Any, path: FieldPath, rows: FileRows) -> str | None:
    """The column that the path begins with; the file's fields are noted down."""
    rows.fields = [name for field in schema for name in _names(field)]
    return path.columns(list(schema.names))


def _names(field: Any) -> Iterator[str]:
    """A field, or the paths of the fields within it."""
    import pyarrow as pa

    kind, name = field.type, field.name
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if not pa.types.is_struct(kind.value_type):
            yield name
            return
        kind, name = kind.value_type, f"{name}[]"
    if pa.types.is_struct(kind) and kind.num_fields:
        for at in range(kind.num_fields):
            yield from (f"{name}.{inner}" for inner in _names(kind.field(at)))
    else:
        yield name


def _values(column: Any) -> list[object]:
    """The values of a column; those that are equal in a dictionary are one object."""
    import pyarrow as pa

    if isinstance(column, pa.DictionaryArray):
        known = _values(column.dictionary)
        return [None if at is None else known[at] for at in column.indices.to_pylist()]
    return [_text(value) for value in column.to_pylist()]


def _text(value: object) -> object:
    """A value, decoded where a writer left out that its bytes are a text."""
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _check_promises(metadata: Any, size: int) -> None:
    """Holds what a Parquet file says of itself against its size.

    Raises:
        ValueError: it wants to unpack to more than so many bytes can honestly hold.
    """
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    _check_rows(max(metadata.num_rows, sum(group.num_rows for group in groups)), size)
    check_unpacked(max(sum(group.total_byte_size for group in groups), 0), size)


def _check_rows(rows: int, size: int) -> None:
    if rows > max(MOST_ROWS, size):
        raise ValueError(f"{rows:,} rows in {size:,} bytes")


def _check_messages(buffer: Any, size: int) -> None:
    """Holds what the messages of a stream say of themselves against its size.

    Raises:
        ValueError: more rows, or more bytes once unpacked, than it can honestly hold.
    """
    import pyarrow as pa

    source = pa.BufferReader(buffer)
    rows = promised = 0
    while True:
        try:
            message = pa.ipc.read_message(source)
        except EOFError:
            break
        if message.body is None:
            continue
        try:
            longest, unpacked = _promises(message.metadata.to_pybytes(), message.body)
        except (struct.error, IndexError) as error:
            raise ValueError("a message that points outside itself") from error
        rows, promised = rows + longest, promised + unpacked
        _check_rows(rows, size)
        check_unpacked(promised, size)


def _promises(metadata: bytes, body: Any) -> tuple[int, int]:
    """Entries of a message's longest array, and the bytes that its buffers unpack to.

    The metadata are a table of FlatBuffers, Message and RecordBatch in Arrow's Message.fbs: an
    offset to each field stands in a table of its own; the first 8 bytes of a packed buffer say
    how long it is unpacked.
    """
    table = _number("<I", metadata, 0)
    kind = _field(metadata, table, 1)
    header = _field(metadata, table, 2)
    if kind is None or header is None or metadata[kind] not in (RECORDS, DICTIONARY):
        return 0, 0
    batch = header + _number("<I", metadata, header)
    if metadata[kind] == DICTIONARY:
        data = _field(metadata, batch, 1)
        if data is None:
            return 0, 0
        batch = data + _number("<I", metadata, data)
    lengths = [length for length, _ in _pairs(metadata, _field(metadata, batch, 1))]
    if _field(metadata, batch, 3) is None:  # not packed
        return max(lengths, default=0), 0
    unpacked = 0
    for offset, length in _pairs(metadata, _field(metadata, batch, 2)):
        if length >= 8:
            unpacked += max(_number("<q", body[offset : offset + 8], 0), 0)
    return max(lengths, default=0), unpacked


def _field(table_bytes: bytes, table: int, index: int) -> int | None:
    """Where a field of a table begins; None if it is left out."""
    offsets = table - _number("<i", table_bytes, table)
    at = 4 + 2 * index
    if at >= _number("<H", table_bytes, offsets):
        return None
    offset = _number("<H", table_bytes, offsets + at)
    return table + offset if offset else None


def _pairs(table_bytes: bytes, vector: int | None) -> Iterator[tuple[int, int]]:
    """The structs of a vector, of two long numbers each."""
    if vector is None:
        return
    start = vector + _number("<I", table_bytes, vector)
    for at in range(_number("<I", table_bytes, start)):
        place = start + 4 + 16 * at
        yield _number("<q", table_bytes, place), _number("<q", table_bytes, place + 8)


def _number(form: str, content: Any, at: int) -> int:
    if at < 0:
        raise IndexError(at)
    return int(struct.unpack_from(form, content, at)[0])
