"""Texts of files in batches, for corpora that do not fit in memory: what was read is forgotten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from palimpsest.corpus.files.matching import files_within
from palimpsest.corpus.files.options import ReadOptions
from palimpsest.corpus.files.own_lines import beside_lines
from palimpsest.corpus.files.reading import file_rows, reading, sources_of
from palimpsest.corpus.files.rows_read import FileRows, Place, TextsRead

BATCH_TEXTS, BATCH_CHARS = 10_000, 8_000_000
"""Texts of a batch, and characters from which on it has no more."""


class Batch(NamedTuple):
    """Some texts of one file, in their order."""

    texts: list[str]
    numbers: list[int]
    """Row or line of each in the file, from 1."""
    file: FileRows

    @property
    def places(self) -> list[Place]:
        """Where each text stands."""
        return [Place(self.file.name, number, self.file.unit) for number in self.numbers]


@dataclass
class TextStream:
    """Texts of files, in the order in which `read_texts` reads them.

    To iterate goes through the files once and yields a `Batch` at a time; to iterate again reads
    them again. Beside the batch, memory holds the numbers of the rows that were left out and, of
    files that cannot be read a piece at a time (`palimpsest.corpus.files.reading`), one whole file.
    """

    sources: Sequence[Path | bytes]
    """Of `palimpsest.corpus.files.reading.sources_of`."""
    options: ReadOptions
    """How to read them."""
    files: list[FileRows] = field(default_factory=list)
    """Those that were begun the last time."""

    @classmethod
    def of(
        cls, sources: Sequence[str], options: ReadOptions, what: str, stdin: bytes | None = None
    ) -> "TextStream":
        """The texts of sources; nothing is read yet.

        Raises:
            CorpusError: no such file, or an unknown kind, see `read_texts`.
        """
        return cls(sources_of(sources, options, what, stdin), options)

    def __iter__(self) -> Iterator[Batch]:
        """The batches, none of them empty.

        Raises:
            CorpusError: a file that cannot be read, see `read_texts`.
        """
        self.files = []
        for source in self.sources:
            rows = file_rows(source)
            self.files.append(rows)
            for _ in reading(source, self.options, rows):
                if len(rows.texts) >= BATCH_TEXTS or rows.chars >= BATCH_CHARS:
                    yield Batch(*rows.take_away(), rows)
            if rows.texts:
                yield Batch(*rows.take_away(), rows)
            rows.position = _size(source)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(map(_size, self.sources))

    @property
    def position(self) -> int:
        """Bytes that were read so far, as far as files tell."""
        return sum(rows.position for rows in self.files)

    def lines(self) -> list[str]:
        """What the user must know of what was read so far, see `TextsRead.lines`."""
        count = sum(rows.taken for rows in self.files)
        return TextsRead.of(self.files).lines_of(count)


def rows_again(stream: TextStream) -> Iterator[tuple[int, str, Place]]:
    """Every text with its row, from 0, and its place; the files are read once more."""
    row = 0
    for batch in stream:
        for text, place in zip(batch.texts, batch.places, strict=True):
            yield row, text, place
            row += 1


def texts_again(stream: TextStream, lines: bool) -> Iterator[tuple[str, str | None]]:
    """Every text with its own line, or with None; the files are read once more.

    Args:
        stream: the texts.
        lines: whether they have lines (`palimpsest.corpus.files.own_lines.has_own_lines`).

    Raises:
        CorpusError: a file that cannot be read again, or has changed.
    """
    for name, batches in groupby(stream, lambda batch: batch.file.name):
        pairs = (pair for one in batches for pair in zip(one.texts, one.numbers, strict=True))
        if lines:
            yield from beside_lines(name, pairs)
        else:
            yield from ((text, None) for text, _ in pairs)


def _size(source: Path | bytes) -> int:
    if isinstance(source, bytes):
        return len(source)
    return sum(file.stat().st_size for file in files_within(source))
