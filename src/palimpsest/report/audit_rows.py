"""What an audit found of single texts, as files: the flagged rows, and the candidate without them.

A flag is a fact about one text (`palimpsest.auditing.measure.Audit.flags`). Known gap: of texts
that equal each other the first stays, whichever of them is the better record.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
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
        count = sum(self.taken_out.values())
        said = [f"{number} {TAKEN_OUT[flag]}" for flag, number in self.taken_out.items()]
        why = f" ({', '.join(said)})" if said else ""
        return f"{len(self.kept)} of {len(self.kept) + count} texts, {count} taken out{why}"


def cleaned(flags: Flags, texts: int) -> Cleaned:
    """A candidate without exact copies, loops and empty texts.

    Args:
        flags: of an audit.
        texts: how many the candidate has.
    """
    counts = dict.fromkeys(TAKEN_OUT, 0)
    kept = []
    for row in range(texts):
        why = next((flag for flag in TAKEN_OUT if flag in flags.get(row, ())), None)
        if why is None:
            kept.append(row)
        else:
            counts[why] += 1
    return Cleaned(tuple(kept), {flag: count for flag, count in counts.items() if count})


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
    if records is not None:
        return "".join(f"{records[row]}\n" for row in cleaning.kept).encode()
    name = "text" if not field or FieldPath(field).is_path else field
    lines = (json.dumps({name: texts[row]}, ensure_ascii=False) for row in cleaning.kept)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


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
    entries: list[dict[str, Any]] = []
    for row in sorted(flags):
        place = {} if places is None else dict(zip(PLACE, places[row], strict=True))
        entries.append({"row": row, **place, "flags": [*flags[row]], "text": texts[row]})
    if path.suffix.lower() != ".csv":
        lines = (json.dumps(entry, ensure_ascii=False) for entry in entries)
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
    columns = ("row", *(() if places is None else PLACE), "flags", "text")
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(columns)
    for entry in entries:
        entry["flags"] = " ".join(entry["flags"])
        writer.writerow(as_cell(entry[column]) for column in columns)
    return table.getvalue().encode("utf-8", "backslashreplace")
