"""A plain fact: texts of a candidate that have one property, and whether the reference explains it.

Facts are counted over all texts of both sides, without sample or model.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import binom

LEAST_SHARE = 0.02
"""Share of the texts below which no verdict is made of a fact: a convention."""
LEVEL = 0.001
"""Probability of so many such texts, had they the reference's rate, below which it is believed."""
EXAMPLES, EXCERPT = 5, 100
"""Texts that are named for a fact, and characters that are shown of each."""


@dataclass(frozen=True)
class Example:
    """A text of the candidate that shows something."""

    row: int
    """Its position, from 0."""
    text: str
    """Its beginning, or its end where that is the point."""
    note: str = ""
    """What it shows."""


@dataclass(frozen=True)
class Fact:
    """Texts of the candidate that have one plain property."""

    rows: tuple[int, ...]
    """Their positions, in order."""
    texts: int
    """Texts of the candidate."""
    expected: float
    """Share of the reference's texts that have it, 0 to 1."""
    examples: tuple[Example, ...] = ()
    """The plainest of them."""

    @property
    def share(self) -> float:
        """Share of the candidate's texts, 0 to 1."""
        return len(self.rows) / self.texts

    @property
    def holds(self) -> bool:
        """Whether it is a verdict: a fiftieth of the texts, and more than the reference explains.

        Binomial: so many texts or more, had they the reference's rate.
        """
        return self.share >= LEAST_SHARE and self.p_value < LEVEL

    @property
    def p_value(self) -> float:
        """Probability of so many such texts or more, had they the reference's rate."""
        return float(binom.sf(len(self.rows) - 1, self.texts, self.expected))


def rate(count: int, of: int) -> float:
    """A rate that few trials cannot make zero (Laplace's rule of succession), in (0, 1)."""
    return (count + 1) / (of + 2)


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


def excerpt(text: str, end: bool = False) -> str:
    """The beginning of a text, or its end, on one line, in whole words where there are blanks."""
    line = " ".join(text.split())
    if len(line) <= EXCERPT:
        return line
    if end:
        return f"… {line[-EXCERPT:].partition(' ')[2] or line[-EXCERPT:]}"
    return f"{line[:EXCERPT].rpartition(' ')[0] or line[:EXCERPT]} …"
