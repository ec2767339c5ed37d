"""The lines of JSON-lines files as they stand, so that records can be kept to the letter."""

from collections.abc import Sequence
from pathlib import Path

from palimpsest.corpus.files.rows_read import Place

JSON_LINES = (".jsonl", ".ndjson")
"""Names of files that have a record a line."""


def own_lines(places: Sequence[Place]) -> list[str] | None:
    """The line of each text.

    Args:
        places: where the texts stood.

    Returns:
        None where a text has no line to itself: in files of another kind (packed ones too), in
        records of more than one text, on standard input; and where a file cannot be read again.
    """
    files = {place.file for place in places}
    own = all(place.unit == "line" for place in places) and len({*places}) == len(places)
    if not own or any(Path(name).suffix.lower() not in JSON_LINES for name in files):
        return None
    try:
        lines = {name: Path(name).read_bytes().decode("utf-8-sig").split("\n") for name in files}
        return [lines[place.file][place.number - 1].removesuffix("\r") for place in places]
    except (OSError, UnicodeDecodeError, IndexError):
        return None
