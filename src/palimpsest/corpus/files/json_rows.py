"""The rows of JSON: a value a line, one list, or the objects that pandas and others write.

Every shape ends as rows: bare strings, objects with fields, or something that is no row. A key
that stands twice in an object counts with its last value; NaN is a number; a date stays the text
that it is. Nothing is read deeper than `palimpsest.core.parsing.DEEPEST` levels.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from palimpsest.core.parsing import check_depth
from palimpsest.corpus.files.decoding import MARK
from palimpsest.corpus.files.field_path import FieldPath
from palimpsest.corpus.files.rows_read import FileRows

TWICE = "with a key twice, of which the last counts"
LONGEST_WHOLE = 4000
"""Digits of a whole number that Python reads; longer ones are as good as infinite."""
SPACE = " \t\n\r" + MARK


class _Reader:
    """Reads values and remembers the objects that have a key twice."""

    def __init__(self) -> None:
        self._twice: set[int] = set()
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_int=_whole, strict=False
        )

    def value(self, text: str) -> Any:
        """The one value of a text.

        Raises:
            ValueError: no JSON, or nested too deeply.
        """
        check_depth(text)
        return self._decoder.decode(text)

    def values(self, text: str) -> list[Any]:
        """The values of a text, one after the other."""
        check_depth(text)
        found, at, end = [], _past_space(text, 0), len(text)
        while at < end:
            value, at = self._decoder.raw_decode(text, at)
            found.append(value)
            at = _past_space(text, at)
        return found

    def has_twice(self, value: object) -> bool:
        """Whether an object in the value has a key twice."""
        if not self._twice:
            return False
        if isinstance(value, dict):
            return id(value) in self._twice or any(map(self.has_twice, value.values()))
        return isinstance(value, list) and any(map(self.has_twice, value))

    def forget(self) -> None:
        """Forgets the objects so far, whose places in memory others may take."""
        self._twice.clear()

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            self._twice.add(id(value))
        return value


def json_rows(content: str, path: FieldPath, rows: FileRows) -> Iterator[tuple[int, object]]:
    """The rows of a file with their numbers; what is no JSON is left out.

    Raises:
        ValueError: the file as a whole is no JSON.
    """
    reader = _Reader()
    lines = [
        (number, line.strip(SPACE))
        for number, line in enumerate(content.split("\n"), start=1)
        if line.strip(SPACE)
    ]
    if begins_lines(lines):
        yield from rows_of_lines(lines, rows)
        return
    try:
        values = reader.values(content)
    except ValueError as error:
        if not any(_is_row(reader, line) for _, line in lines[1:]):
            raise ValueError(f"no JSON ({error})") from error
        yield from rows_of_lines(lines, rows)
        return
    found = rows_of(values[0], path) if len(values) == 1 else values
    for number, row in enumerate(found, start=1):
        if reader.has_twice(row):
            rows.mend(number, TWICE)
        yield number, row


def begins_lines(lines: Sequence[tuple[int, str]]) -> bool:
    """Whether lines that are not blank, the first ones at least, are those of JSON lines."""
    return len(lines) > 1 and _parses(_Reader(), lines[0][1])


def rows_of_lines(lines: Iterable[tuple[int, str]], rows: FileRows) -> Iterator[tuple[int, object]]:
    """The value of each line with the line's number; what is no JSON is left out.

    Args:
        lines: those that are not blank, with their numbers.
        rows: takes what is left out.
    """
    rows.unit, reader = "line", _Reader()
    for number, line in lines:
        reader.forget()
        try:
            value = reader.value(line)
        except ValueError as error:
            rows.leave_out(number, "no JSON", wanted="JSON", got=str(error))
            continue
        if reader.has_twice(value):
            rows.mend(number, TWICE)
        yield number, value


def looks_like_json(text: str) -> bool:
    """Whether a text without blanks before it is JSON, or means to be: an object always is.

    A list is if it ends, in its first line or later; a string if the next line is one, too, since
    prose may begin with a quotation.
    """
    reader, lines = _Reader(), text.split("\n")
    if text.startswith("["):
        return _parses(reader, lines[0]) or _parses(reader, text)
    if text.startswith('"'):
        return all(_parses(reader, line) for line in [one for one in lines if one.strip()][:2])
    return text.startswith("{")


def rows_of(document: object, path: FieldPath) -> list[object]:
    """The rows of a whole JSON document.

    Args:
        document: a list; an object of columns, by row or as lists; an object around a list; what
            pandas writes with any ``orient``; or a single row.
        path: to the text.
    """
    if isinstance(document, list):
        return _named_cells(document)
    if not isinstance(document, dict) or not document:
        return [document]
    names, data = document.get("columns"), document.get("data")
    if isinstance(data, list) and isinstance(names, list):  # orient: split
        return [_named([str(name) for name in names], row) for row in data]
    by_column = _by_column(document, path)
    if by_column is not None:
        return by_column
    found = path.find(document)
    if found is not None:
        return found if len(found) > 1 else [document]
    inner = list(document.values())
    fitting = [one for one in inner if isinstance(one, list) and _has_field(one, path)]
    if len(fitting) == 1:
        return list(fitting[0])
    if isinstance(data, list):  # also a series, split
        return _named_cells(data)
    if len(inner) == 1 and isinstance(inner[0], list):
        return _named_cells(inner[0])
    if _is_index(document):
        return inner
    return inner if all(key.isdigit() for key in document) else [document]  # a series, by row


def _has_field(rows: list[Any], path: FieldPath) -> bool:
    """Whether one of the first rows is an object with the text."""
    return any(isinstance(row, dict) and path.find(row) is not None for row in rows[:100])


def _is_index(document: dict[str, Any]) -> bool:
    """Whether an object is one of rows by their names (orient: index): all with the same fields.

    A single one counts if its name is a number: it may be a row with an object within.
    """
    inner = list(document.values())
    if not all(isinstance(one, dict) and one.keys() == inner[0].keys() for one in inner):
        return False
    return len(inner) > 1 or next(iter(document)).isdigit()


def _by_column(document: dict[str, Any], path: FieldPath) -> list[object] | None:
    """The rows of an object of columns: lists of values, or objects of values by row.

    Returns:
        Objects with the column of the text alone; None if the object is something else, such as a
        single row with an object or a list within.
    """
    name = path.columns(list(document))
    column = document[name] if name is not None else None
    if isinstance(column, list):
        if any(isinstance(cell, dict | list) for cell in column):
            return None
        return [{name: cell} for cell in column]
    if not isinstance(column, dict):
        return None
    if not all(key.lstrip("-").isdigit() for key in column):
        alike = all(
            isinstance(one, dict) and one.keys() == column.keys() for one in document.values()
        )
        if not alike or name != path.field:
            return None
    return [{name: cell} for cell in column.values()]


def _named_cells(rows: list[Any]) -> list[object]:
    """Rows as they are; lists of cells without names (orient: values) by the cells' numbers.

    The one cell that is a text in all of them is the text, whatever the field is called.
    """
    if not rows or not all(isinstance(row, list) for row in rows):
        return rows
    width = max(map(len, rows))
    texts = [
        at
        for at in range(min(width, 1000))
        if all(len(row) > at and isinstance(row[at], str | None) for row in rows)
        and any(isinstance(row[at], str) for row in rows)
    ]
    if len(texts) == 1:
        return [row[texts[0]] for row in rows]
    return [_named([str(at) for at in range(len(row))], row) for row in rows]


def _named(names: list[str], row: object) -> object:
    if not isinstance(row, list):
        return row
    return dict(zip(names, row, strict=False))


def _parses(reader: _Reader, line: str) -> bool:
    try:
        reader.value(line)
    except ValueError:
        return False
    finally:
        reader.forget()
    return True


def _is_row(reader: _Reader, line: str) -> bool:
    """Whether a line is an object or a text, which no line within a longer value is."""
    return line[:1] in '{"' and _parses(reader, line)


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in SPACE:
        at += 1
    return at


def _whole(digits: str) -> float:
    return int(digits) if len(digits) < LONGEST_WHOLE else float(digits)
