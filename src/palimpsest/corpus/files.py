"""Texts out of local files: .txt, .jsonl, .json, .csv and .parquet, without the network.

JSON and CSV go through the standard library, which takes a value as it stands (no column is guessed
to be dates or numbers); Parquet goes through pyarrow. Known gap: a file is read whole, so it must
fit in memory.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from palimpsest.core.errors import CorpusError

PLAIN = (".txt", ".raw", ".tokens")
"""Plain text; WikiText calls its files .raw and .tokens."""
SUFFIXES = (*PLAIN, ".jsonl", ".json", ".csv", ".parquet")

Value = str | None
"""A text, or None where the row has none."""


def matching(patterns: tuple[str, ...]) -> list[Path]:
    """The files of paths and globs in order, each once.

    Raises:
        CorpusError: a pattern without a file, or a file of another kind than `SUFFIXES`.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_file():
            matches = [path]
        elif path.is_dir():
            matches = []
        else:
            root = Path(path.anchor)
            relative = str(path.relative_to(root)) if path.anchor else str(path)
            matches = sorted(match for match in root.glob(relative) if match.is_file())
        if not matches:
            hint = "it is a folder: name its files, for example with /*" if path.is_dir() else None
            raise CorpusError(
                "corpus.files.paths", wanted="files", got=f"none at {pattern!r}", hint=hint
            )
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
    if path.stat().st_size == 0:
        return []
    try:
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
        if value is not None and not isinstance(value, str):
            raise CorpusError(
                f"{what}: {text_field!r} of row {row}",
                wanted="text",
                got=f"{type(value).__name__} {value!r:.40}",
            )
    return values


def _units(content: str, unit: str) -> Iterator[str]:
    pieces = content.split("\n") if unit == "line" else re.split(r"\n(?:[ \t]*\n)+", content)
    return (piece.strip() for piece in pieces)


def _json(path: Path, text_field: str) -> list[Value]:
    """A list of strings or records, or one of them a line."""
    content = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".json" and content.lstrip()[:1] == "[":
        rows = json.loads(content)
    else:
        rows = [json.loads(line) for line in content.split("\n") if line.strip()]
    if rows and all(isinstance(row, str) for row in rows):
        return list(rows)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            got = f"{type(row).__name__} in row {number}"
            raise CorpusError(str(path), wanted="objects with fields, or strings", got=got)
    fields = list(dict.fromkeys(field for row in rows for field in row))
    if rows:
        require_field(fields, text_field, str(path))
    return require_texts([row.get(text_field) for row in rows], text_field, str(path))


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
    from pyarrow import parquet  # type: ignore[import-untyped]

    require_field(list(parquet.read_schema(path).names), text_field, str(path))
    column = parquet.read_table(path, columns=[text_field]).column(text_field)
    return require_texts(column.to_pylist(), text_field, str(path))


def _cause(error: Exception) -> str:
    """The first line of what was said."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
