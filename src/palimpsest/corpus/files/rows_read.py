"""What became of a file's rows: where each text stood, and what was left out, counted and named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from palimpsest.core.errors import CorpusError, shown

NAMED = 3
"""Rows that a line names; the others are counted."""


class Place(NamedTuple):
    """Where a text stands."""

    file: str
    """The file as the caller named it, or ``standard input``."""
    number: int
    """Counted from 1."""
    unit: str = "row"
    """What is counted: ``row`` of a table or list, ``line`` of a file, ``file`` for a whole one."""

    def __str__(self) -> str:
        return self.file if self.unit == "file" else f"{self.unit} {self.number} of {self.file}"


@dataclass
class FileRows:
    """The texts of one file while it is read."""

    name: str
    unit: str = "row"
    texts: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """Row or line of each text."""
    fields: list[str] = field(default_factory=list)
    """The columns, where the file has a table's."""
    blank: int = 0
    """Pieces of plain text that hold nothing but blanks: they are no texts."""
    left_out: dict[str, list[int]] = field(default_factory=dict)
    """Reason -> rows that could not be read."""
    mended: dict[str, list[int]] = field(default_factory=dict)
    """What was wrong -> rows that were read all the same."""
    hints: list[str] = field(default_factory=list)
    """What the user may have meant otherwise, a sentence each."""
    position: int = 0
    """Bytes of the file that were read so far."""
    chars: int = 0
    """Characters of the texts that were not taken away."""
    taken: int = 0
    """Texts, those that were taken away too."""
    _rows: int = 0
    _last: int = 0
    _first: tuple[int, str, object, object] | None = None

    def add(self, number: int, text: str) -> None:
        """Takes a text; those of one row come one after the other."""
        self.numbers.append(number)
        self.texts.append(text)
        self.chars += len(text)
        self.taken += 1
        self._rows += number != self._last
        self._last = number

    def take_away(self) -> tuple[list[str], list[int]]:
        """The texts and their numbers since the last time; they are forgotten here."""
        texts, numbers = self.texts, self.numbers
        self.texts, self.numbers, self.chars = [], [], 0
        return texts, numbers

    @property
    def one_a_row(self) -> bool:
        """Whether each text has a row to itself."""
        return self._rows == self.taken

    def mend(self, number: int, what: str) -> None:
        """Names a row that is read although something is wrong with it."""
        self.mended.setdefault(what, []).append(number)

    def leave_out(
        self, number: int, reason: str, *, wanted: object, got: object, of: str = ""
    ) -> None:
        """Leaves a row out.

        Args:
            number: of the row.
            reason: a few words that count it among its like.
            wanted: what would have been right, should this be the file's error.
            got: what was found.
            of: the part of the row that it is about, with `` of `` behind it.
        """
        self.left_out.setdefault(reason, []).append(number)
        if self._first is None:
            self._first = (number, of, wanted, got)

    def check(self) -> None:
        """Makes sure that the file is what it was taken for.

        Raises:
            CorpusError: more rows were left out than read; it names the first.
        """
        rows = self._rows
        out = len({number for numbers in self.left_out.values() for number in numbers})
        if self._first is None or out <= rows:
            return
        number, of, wanted, got = self._first
        raise CorpusError(
            f"{self.name}: {of}{self.unit} {number}",
            wanted=wanted,
            got=got,
            hint=f"{out:,} of {rows + out:,} {self.unit}s cannot be read" if out > 1 else None,
        )


@dataclass(frozen=True)
class TextsRead:
    """The texts of some files, and what became of the rest of their rows."""

    texts: list[str]
    """In the order of the files and of their rows; a null is an empty text."""
    places: list[Place]
    """Of each text."""
    left_out: Mapping[str, Sequence[Place]]
    """Reason -> rows that could not be read."""
    mended: Mapping[str, Sequence[Place]]
    """What was wrong -> rows that were read all the same."""
    hints: Sequence[str]
    """What the user may have meant otherwise."""
    blank: int
    """Blank pieces of plain text, which are no texts."""

    @classmethod
    def of(cls, files: Sequence[FileRows]) -> "TextsRead":
        """Puts files together.

        Args:
            files: read whole; they give their texts up, so that none is held twice.
        """
        texts: list[str] = []
        places: list[Place] = []
        left_out: dict[str, list[Place]] = {}
        mended: dict[str, list[Place]] = {}
        for one in files:
            some, numbers = one.take_away()
            texts += some
            places += (Place(one.name, number, one.unit) for number in numbers)
            for whole, part in ((left_out, one.left_out), (mended, one.mended)):
                for reason, numbers in part.items():
                    rows = [Place(one.name, number, one.unit) for number in numbers]
                    whole.setdefault(reason, []).extend(rows)
        hints = [hint for one in files for hint in one.hints]
        return cls(texts, places, left_out, mended, hints, sum(one.blank for one in files))

    def lines(self) -> list[str]:
        """What the user must know: rows left out, rows mended, choices in doubt; a line each."""
        return self.lines_of(len(self.texts))

    def lines_of(self, texts: int) -> list[str]:
        """The same of so many texts, whether they are held here or were taken away."""
        said = []
        if self.left_out:
            out = sum(map(len, self.left_out.values()))
            reasons = "; ".join(_counted(*item) for item in self.left_out.items())
            said.append(f"left out {out:,} of {out + texts:,} texts: {reasons}")
        if self.mended:
            reasons = "; ".join(_counted(*item) for item in self.mended.items())
            said.append(f"read all the same: {reasons}")
        return [shown(line) for line in (*said, *self.hints)]

    def __str__(self) -> str:
        return "; ".join((f"{len(self.texts):,} texts", *self.lines()))


def _counted(reason: str, places: Sequence[Place]) -> str:
    """``2 no JSON (line 4 of a.jsonl, line 17 of a.jsonl)``."""
    named = ", ".join(map(str, places[:NAMED]))
    more = f" and {len(places) - NAMED:,} more" if len(places) > NAMED else ""
    return f"{len(places):,} {reason} ({named}{more})"
