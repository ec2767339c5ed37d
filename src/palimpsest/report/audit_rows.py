"""What an audit found of single texts, as files: the flagged rows, and the candidate without them.

A flag is a fact about one text (`palimpsest.auditing.measure.Audit.flags`). Known gap: of texts
that equal each other the first stays, whichever of them is the better record.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palimpsest.core.formatting import as_cell
from palimpsest.corpus.files.field_path import FieldPath

Flags = Mapping[int, Sequence[str]]
"""Row of the candidate, from 0 -> what is wrong with the text; rows without a flag are absent."""

TAKEN_OUT = {
    "empty": "empty",
    "copy": "equal to a text of the reference",
    "duplicate": "equal to an earlier text",
    "loop": "loops",
}
"""Flags of texts that a clean candidate goes without, the plainest first, in words."""

PLACE = ("file", "number", "unit")
"""Where a text stands: number 17 of what the unit says, row or line, in a file."""


@dataclass(frozen=True)
class Cleaned:
    """Which texts a clean candidate keeps."""

    kept: tuple[int, ...]
    """Their rows, in order."""
    taken_out: Mapping[str, int]
    """How many went, by the plainest of their flags."""

    def __str__(self) -> str:
        return _counted(len(self.kept), self.taken_out)


def cleaned(flags: Flags, texts: int) -> Cleaned:
    """A candidate without exact copies, loops and empty texts.

    Args:
        flags: of an audit.
        texts: how many the candidate has.
    """
    kept = tuple(row for row in range(texts) if _fault(flags.get(row, ())) is None)
    return Cleaned(kept, _taken_out(flags))


def cleaning_of_many(flags: Flags, texts: int) -> str:
    """What `cleaned` says in words, without a list of the rows."""
    out = _taken_out(flags)
    return _counted(texts - sum(out.values()), out)


def clean_file(
    cleaning: Cleaned, texts: Sequence[str], field: str, records: Sequence[str] | None
) -> bytes:
    """The texts that stay, as JSON lines in their order.

    Args:
        cleaning: which of them stay.
        texts: all of the candidate.
        field: what a text is called in a record; "text" where that is a path or empty.
        records: the candidate's own lines, one a text, to be kept as they stand; None where it has
            none, and a record holds the text alone.
    """
    lines = [None] * len(texts) if records is None else records
    return b"".join(_line(texts[row], lines[row], field) for row in cleaning.kept)


def clean_lines(
    flags: Flags, texts: Iterable[tuple[str, str | None]], field: str
) -> Iterator[bytes]:
    """The lines of `clean_file`, made while the candidate is gone through once more.

    Args:
        flags: of an audit.
        texts: all of the candidate in order, each with its own line, if that is kept.
        field: see `clean_file`.
    """
    for row, (text, record) in enumerate(texts):
        if _fault(flags.get(row, ())) is None:
            yield _line(text, record, field)


def rows_file(
    path: Path, flags: Flags, texts: Sequence[str], places: Sequence[tuple[str, int, str]] | None
) -> bytes:
    """Every flagged row: where it stands, its flags and its text.

    Args:
        path: what it is written to; ``.csv`` is a table, any other suffix JSON lines.
        flags: of an audit.
        texts: all of the candidate.
        places: file, number in it from 1, and what is counted (row, line) of each text; None where
            they are not known.
    """
    rows = ((row, texts[row], None if places is None else places[row]) for row in sorted(flags))
    return b"".join(row_lines(path, flags, rows, places is not None))


def row_lines(
    path: Path,
    flags: Flags,
    rows: Iterable[tuple[int, str, tuple[str, int, str] | None]],
    placed: bool = True,
) -> Iterator[bytes]:
    """The lines of `rows_file`, a row after the other.

    Args:
        path: see `rows_file`.
        flags: of an audit.
        rows: each text with its row and its place; those without a flag are passed over.
        placed: whether places are known.
    """
    table = path.suffix.lower() == ".csv"
    columns = ("row", *(PLACE if placed else ()), "flags", "text")
    if table:
        yield _cells(columns)
    for row, text, at in rows:
        if row not in flags:
            continue
        place = {} if at is None else dict(zip(PLACE, at, strict=True))
        entry: dict[str, Any] = {"row": row, **place, "flags": [*flags[row]], "text": text}
        if table:
            entry["flags"] = " ".join(entry["flags"])
            yield _cells([as_cell(entry[column]) for column in columns])
        else:
            line = json.dumps(entry, ensure_ascii=False) + "\n"
            yield line.encode("utf-8", "backslashreplace")


def _fault(flags: Sequence[str]) -> str | None:
    """The plainest of the flags for which a text is taken out."""
    return next((flag for flag in TAKEN_OUT if flag in flags), None)


def _taken_out(flags: Flags) -> dict[str, int]:
    """How many texts go for each flag, the plainest first."""
    counts = Counter(map(_fault, flags.values()))
    return {flag: counts[flag] for flag in TAKEN_OUT if counts[flag]}


def _counted(kept: int, taken_out: Mapping[str, int]) -> str:
    count = sum(taken_out.values())
    said = [f"{number} {TAKEN_OUT[flag]}" for flag, number in taken_out.items()]
    why = f" ({', '.join(said)})" if said else ""
    return f"{kept} of {kept + count} texts, {count} taken out{why}"


def _line(text: str, record: str | None, field: str) -> bytes:
    """A text's own record, or else a new one under the name of the field."""
    if record is not None:
        return f"{record}\n".encode()
    name = "text" if not field or FieldPath(field).is_path else field
    line = json.dumps({name: text}, ensure_ascii=False)
    return f"{line}\n".encode("utf-8", "backslashreplace")


def _cells(row: Sequence[object]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(row)
    return line.getvalue().encode("utf-8", "backslashreplace")
