"""The rows of .csv and .tsv: the delimiter is seen from the header and from the width of the rows.

A cell is the text that it is; nothing is taken for a date or a number. Quotes are those of RFC
4180; a tab-separated file in which they do not close is read without quotes.
"""

import csv
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files.decoding import MARK
from palimpsest.corpus.files.field_path import FieldPath
from palimpsest.corpus.files.options import ReadOptions
from palimpsest.corpus.files.rows_read import FileRows

DELIMITERS = (",", ";", "\t", "|")
_LINE = re.compile(r"[^\r\n]*+(?:\r\n?|\n)|[^\r\n]++")
LOOKED_AT = 2000
"""Rows from which a delimiter is judged."""
LONGEST_LOOKED_AT = 2**20
"""Characters that these have at the most."""


def delimited_rows(
    content: str, path: FieldPath, options: ReadOptions, tabs: bool, rows: FileRows
) -> Iterator[tuple[int, object]]:
    """The text's cells below the header, numbered by the line on which they begin.

    A row with more cells than the header is left out: an unquoted delimiter would otherwise cut
    the text without a word. One with fewer may lack the text's cell. An empty line is no row.

    Args:
        content: of the file.
        path: to the text, whose column helps to see the delimiter.
        options: with the delimiter, if it is known.
        tabs: whether the file's name says that tabs are the delimiters.
        rows: takes the columns and what is left out.

    Raises:
        CorpusError: a delimiter that is none.
    """
    rows.unit = "line"
    delimiter, quoting = _dialect(content, path, options, tabs)
    cells_by_line = _tolerant(content, delimiter, quoting, rows)
    _, header = next(cells_by_line, (0, []))
    rows.fields = header_names(header)
    column = path.columns(rows.fields)
    if column is None:
        return
    at = rows.fields.index(column)
    for line, row in cells_by_line:
        if len(row) > len(header):
            rows.leave_out(
                line,
                "with more cells than the header",
                wanted=f"{len(header)} cells between {delimiter!r}, as in the header",
                got=f"{len(row)} cells",
            )
        else:
            yield line, {column: row[at]} if at < len(row) else {}


def header_names(cells: list[str]) -> list[str]:
    """The names of the columns, without blanks around them."""
    return [cell.strip().strip(MARK) for cell in cells]


def has_column(content: str, path: FieldPath, options: ReadOptions) -> bool:
    """Whether the first line of a text is a header with the column of the text."""
    found = DELIMITERS if options.delimiter is None else (_checked(options.delimiter),)
    return any(_fit(content, path, one, csv.QUOTE_MINIMAL, 0)[0] for one in found)


def _dialect(content: str, path: FieldPath, options: ReadOptions, tabs: bool) -> tuple[str, int]:
    """The delimiter and csv's quoting under which the file is most of a table."""
    if options.delimiter is not None:
        order: tuple[str, ...] = (_checked(options.delimiter),)
    else:
        order = ("\t", *(one for one in DELIMITERS if one != "\t")) if tabs else DELIMITERS
    best = max(order, key=lambda one: _fit(content, path, one, csv.QUOTE_MINIMAL))
    if best != "\t":
        return best, csv.QUOTE_MINIMAL
    quoted, plain = (_fit(content, path, best, one) for one in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE))
    return best, csv.QUOTE_NONE if plain > quoted else csv.QUOTE_MINIMAL


def _checked(delimiter: str) -> str:
    """A delimiter as csv takes it.

    Raises:
        CorpusError: it is no single character, or one with another meaning.
    """
    character = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    if len(character) != 1 or character in '"\r\n':
        raise CorpusError("delimiter", wanted="one character, or tab", got=repr(delimiter))
    return character


def _fit(
    content: str, path: FieldPath, delimiter: str, quoting: int, most: int = LOOKED_AT
) -> tuple[bool, float, int]:
    """How well a delimiter fits: the text's column is there, rows as wide as the header, width."""
    start = content[:LONGEST_LOOKED_AT]
    found = (cells for _, cells in _cells(start, delimiter, quoting, strict=True) if cells)
    header, widths, broken = list[str](), list[int](), False
    try:
        header = header_names(next(found, []))
        widths += (len(cells) for cells in islice(found, most))
    except csv.Error as error:
        broken = len(start) == len(content) or "unexpected end" not in str(error)
    there = path.columns(header) is not None
    share = sum(1 for width in widths if width == len(header)) / max(len(widths), 1)
    if broken:
        share /= 2
    return there, share if there or len(header) > 1 else -1.0, len(header)


def _tolerant(
    content: str, delimiter: str, quoting: int, rows: FileRows
) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells that are not empty; wrong quotation marks are said, and read as they come."""
    done, last = 0, 0
    try:
        for last, cells in _cells(content, delimiter, quoting, strict=True):
            done += 1
            if cells:
                yield last, cells
    except csv.Error:
        rows.hints.append(
            f"{rows.name}: a quotation mark behind line {last} is wrong or not closed: "
            "rows may have been taken together"
        )
        rest = islice(_cells(content, delimiter, quoting), done, None)
        yield from ((line, cells) for line, cells in rest if cells)


def _cells(
    content: str, delimiter: str, quoting: int, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells with the lines on which they begin.

    Raises:
        csv.Error: quotes that are wrong, where `strict`.
    """
    lines = (match[0] for match in _LINE.finditer(content))
    with _cells_of_any_length():
        found = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=strict)  # type: ignore[arg-type]
        line = 1
        for cells in found:
            yield line, cells
            line = found.line_num + 1


@contextmanager
def _cells_of_any_length() -> Iterator[None]:
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
