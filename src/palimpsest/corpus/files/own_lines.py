"""The lines of JSON-lines files as they stand, so that records can be kept to the letter."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files.rows_read import FileRows, Place
from palimpsest.corpus.files.unpacking import PIECE

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


def has_own_lines(files: Sequence[FileRows]) -> bool:
    """Whether every text of files that were read has a line of JSON to itself.

    Where it has, and the files can be read again, is where `own_lines` gives them.
    """
    own = all(
        one.unit == "line" and one.one_a_row and Path(one.name).suffix.lower() in JSON_LINES
        for one in files
    )
    return own and all(_is_utf_8(Path(one.name)) for one in files)


def beside_lines(name: str, texts: Iterable[tuple[str, int]]) -> Iterator[tuple[str, str]]:
    """Texts of a file, each with its line as it stands; the file is not held.

    Args:
        name: of a file of which `has_own_lines` holds.
        texts: each with the number of its line, from 1, in order.

    Raises:
        CorpusError: the file has changed, or cannot be read again.
    """
    last = 0
    try:
        with Path(name).open(encoding="utf-8-sig", newline="\n") as file:
            for text, number in texts:
                line = next(islice(file, number - last - 1, None))
                last = number
                yield text, line.removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError, StopIteration) as error:
        got = "it has changed" if isinstance(error, StopIteration) else str(error)
        raise CorpusError(name, wanted="the file that was read before", got=got) from error


def _is_utf_8(path: Path) -> bool:
    """Whether a file can be read and is plain text in UTF-8, which nothing packed is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            for piece in iter(lambda: file.read(PIECE), b""):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except (OSError, UnicodeDecodeError):
        return False
    return True
