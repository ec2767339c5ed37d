"""Texts out of local files: .txt, .jsonl, .json, .csv and .parquet, without the network.

JSON and CSV go through the standard library, which takes a value as it stands (no column is guessed
to be dates or numbers); Parquet goes through pyarrow. A file may be a stranger's: what it promises
is held against its size before any of it is unpacked, and JSON is not read deeper than 100 levels.
Known gaps: a file is read whole, so it must fit in memory; a page of Parquet that lies about its
own size can take up to 2 GiB.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from palimpsest.core.errors import CorpusError
from palimpsest.core.parsing import HALF, check_depth, check_unpacked

PLAIN = (".txt", ".raw", ".tokens")
"""Plain text; WikiText calls its files .raw and .tokens."""
SUFFIXES = (*PLAIN, ".jsonl", ".json", ".csv", ".parquet")

Value = str | None
"""A text, or None where the row has none."""
MOST_ROWS = 10_000_000
"""Rows that a Parquet file may have if it has fewer bytes: equal ones take next to none."""
BATCH = 10_000
"""Rows of Parquet that are unpacked at once."""


def matching(patterns: tuple[str, ...]) -> list[Path]:
    """The files of paths and globs in order, each once.

    Raises:
        CorpusError: a pattern without a file, or a file of another kind than `SUFFIXES`.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns:
        try:
            matches, hint = _matching(Path(pattern).expanduser())
        except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
            # a name too long, a NUL in it, no such user, a glob that is none
            got = f"{pattern!r} ({error})"
            raise CorpusError("corpus.files.paths", wanted="files", got=got) from error
        if not matches:
            got = f"none at {pattern!r}"
            raise CorpusError("corpus.files.paths", wanted="files", got=got, hint=hint)
        paths.update(dict.fromkeys(matches))
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise CorpusError(str(path), wanted=f"one of {', '.join(SUFFIXES)}", got=path.suffix)
    return list(paths)


def read_file(path: Path, text_field: str, txt_unit: str) -> list[Value]:
    """Every text of a file, in its order.

    Args:
        path: of a kind in `SUFFIXES`.
        text_field: field or column of the text, where the file has fields.
        txt_unit: ``paragraph`` or ``line``, where it has none.

    Raises:
        CorpusError: the file cannot be read, has no such field, or a value there is no text.
    """
    suffix = path.suffix.lower()
    try:
        if path.stat().st_size == 0:
            return []
        if suffix in PLAIN:
            content = path.read_text(encoding="utf-8-sig")
            return list(_units(content, txt_unit))
        if suffix == ".csv":
            return _csv(path, text_field)
        if suffix == ".parquet":
            return _parquet(path, text_field)
        return _json(path, text_field)
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise CorpusError(
            str(path), wanted=f"a readable {suffix} file", got=_cause(error)
        ) from error


def require_field(fields: list[str], text_field: str, what: str) -> None:
    """Raises CorpusError unless the text's field is one of the fields."""
    if text_field not in fields:
        raise CorpusError(
            what, wanted=f"the field {text_field!r}", got=f"the fields {', '.join(fields)}"
        )


def require_texts(values: list[Any], text_field: str, what: str) -> list[Value]:
    """The values, if each is a text or missing.

    Raises:
        CorpusError: the first one that is neither, by its row.
    """
    for row, value in enumerate(values, start=1):
        if value is not None and (not isinstance(value, str) or HALF.search(value)):
            got = f"{type(value).__name__} {value!r:.40}"
            if isinstance(value, str):
                got = "half a character (a surrogate alone)"
            raise CorpusError(f"{what}: {text_field!r} of row {row}", wanted="text", got=got)
    return values


def _matching(path: Path) -> tuple[list[Path], str | None]:
    """The files of one path or glob, and what to do where there are none."""
    if path.is_file():
        return [path], None
    if path.is_dir():
        return [], "it is a folder: name its files, for example with /*"
    if path.exists():
        return [], "it is a device or a pipe: write it to a file first"
    root = Path(path.anchor)
    relative = str(path.relative_to(root)) if path.anchor else str(path)
    return sorted(match for match in root.glob(relative) if match.is_file()), None


def _units(content: str, unit: str) -> Iterator[str]:
    pieces = content.split("\n") if unit == "line" else re.split(r"\n(?:[ \t]*\n)+", content)
    return (piece.strip() for piece in pieces)


def _json(path: Path, text_field: str) -> list[Value]:
    """A list of strings or records, or one of them a line."""
    content = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".json" and content.lstrip()[:1] == "[":
        rows = _loaded(content)
    else:
        rows = [_loaded(line) for line in content.split("\n") if line.strip()]
    if rows and all(isinstance(row, str) for row in rows):
        return require_texts(rows, text_field, str(path))
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            got = f"{type(row).__name__} in row {number}"
            raise CorpusError(str(path), wanted="objects with fields, or strings", got=got)
    fields = list(dict.fromkeys(field for row in rows for field in row))
    if rows:
        require_field(fields, text_field, str(path))
    return require_texts([row.get(text_field) for row in rows], text_field, str(path))


def _loaded(content: str) -> Any:
    """A JSON value; numbers of fields beside the text may be NaN, as other programs write them."""
    check_depth(content)
    return json.loads(content)


def _csv(path: Path, text_field: str) -> list[Value]:
    """A column as it stands; a row with more cells than the header is an error.

    An unquoted comma in a text would otherwise cut the text without a word.
    """
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next((row for row in rows if row), [])
            require_field(header, text_field, str(path))
            column = header.index(text_field)
            values: list[Value] = []
            for row in rows:
                if len(row) > len(header):
                    cells = f"{len(row)} cells at line {rows.line_num}"
                    raise ValueError(f"{cells} under {len(header)} columns")
                if row:
                    values.append(row[column] if column < len(row) else None)
    finally:
        csv.field_size_limit(limit)
    return values


def _parquet(path: Path, text_field: str) -> list[Value]:
    """A column, a batch at a time; texts that are equal are one object."""
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import parquet

    values: list[Value] = []
    try:
        # a dictionary is left as it is: a long text in many rows is not written out
        with parquet.ParquetFile(path, read_dictionary=[text_field]) as file:
            require_field(list(file.schema_arrow.names), text_field, str(path))
            _check_promises(file.metadata, path)
            for batch in file.iter_batches(BATCH, columns=[text_field]):
                column = batch.column(text_field)
                if isinstance(column, pa.DictionaryArray):
                    known = column.dictionary.to_pylist()
                    rows = [None if at is None else known[at] for at in column.indices.to_pylist()]
                else:
                    rows = column.to_pylist()
                values += require_texts(rows, text_field, str(path))
    except pa.ArrowException as error:  # some are no ValueError
        raise ValueError(str(error)) from error
    return values


def _check_promises(metadata: Any, path: Path) -> None:
    """Holds what a Parquet file says of itself against its size.

    Raises:
        ValueError: it wants to unpack to more than so many bytes can honestly hold.
    """
    size = path.stat().st_size
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    if rows > max(MOST_ROWS, size):
        raise ValueError(f"{rows:,} rows in {size:,} bytes")
    check_unpacked(max(sum(group.total_byte_size for group in groups), 0), size)


def _cause(error: Exception) -> str:
    """The first line of what was said."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
