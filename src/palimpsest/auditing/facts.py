"""A plain fact: texts of a candidate that have one property, and whether the reference explains it.

Facts are counted over all texts of both sides, without sample or model.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.stats import hypergeom

from palimpsest.core.words import normalised

LEAST_SHARE = 0.02
"""Share of the texts below which no verdict is made of a fact: a convention."""
DEVIATIONS = 4.0
"""Standard errors that two means or shares must lie apart (p = 6e-5)."""
LEVEL = 0.001
"""p-value of so many such texts, below which they are no chance."""
EXAMPLES, EXCERPT = 5, 100
"""Texts that are named for a fact, and characters that are shown of each."""


@dataclass(frozen=True)
class Example:
    """A text that shows something."""

    row: int
    """Its position in its corpus, from 0."""
    text: str
    """Its beginning, or its end where that is the point."""
    note: str = ""
    """What it shows."""
    of: Literal["candidate", "reference"] = "candidate"
    """Whose text it is."""


@dataclass(frozen=True)
class Fact:
    """Texts of the candidate that have one plain property."""

    rows: tuple[int, ...]
    """Their positions, in order."""
    texts: int
    """Texts of the candidate."""
    normal: int
    """Texts of the reference that have it."""
    of: int
    """Texts of the reference that were looked at."""
    examples: tuple[Example, ...] = ()
    """The plainest of them."""
    comparable: int | None = None
    """How many of them are held against ``normal``; None for all. Repeats grow with the texts among
    which they are looked for."""

    @property
    def share(self) -> float:
        """Share of the candidate's texts, 0 to 1."""
        return len(self.rows) / self.texts

    @property
    def holds(self) -> bool:
        """Whether it is a verdict: a fiftieth of the texts, more than the reference explains."""
        return self.share >= LEAST_SHARE and self.p_value < LEVEL

    @property
    def p_value(self) -> float:
        """Fisher's exact test, one-sided: so many of the candidate's, were the sides dealt anew."""
        ours = len(self.rows) if self.comparable is None else self.comparable
        # which of the two counts is called drawn changes nothing but the terms that scipy sums
        drawn, marked = sorted((ours + self.normal, self.texts))
        return float(hypergeom.sf(ours - 1, self.texts + self.of, marked, drawn))


def examples(
    rows: Collection[int], texts: Sequence[str], notes: Mapping[int, str] | None = None
) -> tuple[Example, ...]:
    """The first texts that differ from each other, in the order of the rows, at most `EXAMPLES`."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(texts[row], row)
    known = notes or {}
    return tuple(
        Example(row, excerpt(texts[row]), known.get(row, ""))
        for row in [*first.values()][:EXAMPLES]
    )


def one_line(text: str) -> str:
    """A text in Unicode's composed form, its blanks made single."""
    return " ".join(normalised(text).split())


def excerpt(text: str, end: bool = False) -> str:
    """The beginning of a text, or its end, on one line, in whole words where there are blanks."""
    line = one_line(text)
    if len(line) <= EXCERPT:
        return line
    if end:
        return f"… {line[-EXCERPT:].partition(' ')[2] or line[-EXCERPT:]}"
    return f"{line[:EXCERPT].rpartition(' ')[0] or line[:EXCERPT]} …"
