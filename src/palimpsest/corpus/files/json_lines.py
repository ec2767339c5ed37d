"""The rows of a file of JSON lines, read a piece at a time: the file need not fit in memory."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from palimpsest.corpus.files.decoding import half_nul
from palimpsest.corpus.files.json_rows import SPACE, begins_lines, rows_of_lines
from palimpsest.corpus.files.rows_read import FileRows
from palimpsest.corpus.files.unpacking import unpacked_pieces


def json_lines(path: Path, rows: FileRows) -> Iterator[tuple[int, object]] | None:
    """The rows of a file of JSON lines, as `palimpsest.corpus.files.json_rows` reads them.

    Args:
        path: to the file, packed or not.
        rows: takes what is left out and how far the file is read.

    Returns:
        None where the file must be read as a whole: it has one line, the first is no JSON, or the
        characters are no UTF-8.

    Raises:
        UnicodeDecodeError: at the first line that is not UTF-8, here or while the rows are read.
        ValueError: the file cannot be unpacked.
    """
    lines = _full(_lines(path, rows))
    begun = [*islice(lines, 2)]
    return rows_of_lines(chain(begun, lines), rows) if begins_lines(begun) else None


def _lines(path: Path, rows: FileRows) -> Iterator[bytes]:
    """Every line; none at all where half of the first bytes are zeros, as in UTF-16."""
    rest = list[bytes]()
    with path.open("rb") as file:
        for at, piece in enumerate(unpacked_pieces(file, path.stat().st_size)):
            if at == 0 and half_nul(piece) is not None:
                return
            rows.position = file.tell()
            first, *others = piece.split(b"\n")
            rest.append(first)
            if others:
                yield b"".join(rest)
                yield from others[:-1]
                rest = [others[-1]]
    yield b"".join(rest)


def _full(lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    for number, line in enumerate(lines, start=1):
        text = line.decode("utf-8").strip(SPACE)
        if text:
            yield number, text
