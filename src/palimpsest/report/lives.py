"""The made-up statements of a chain as a table: born when, alive how long, beside the ledger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from palimpsest.metrics.family import Triple
from palimpsest.report.documents import Written, instead
from palimpsest.report.story import g
from palimpsest.trajectory.false_statements import Life

FIRST = 12
"""Statements that are shown at once."""
MOST = 200
"""Statements on the page, those that lived longest."""


@dataclass(frozen=True)
class Mark:
    """One generation in the life of a statement."""

    generation: str
    texts: int
    """How many of its texts make the statement; 0 where none does."""


@dataclass(frozen=True)
class LifeRow:
    """A statement and its life."""

    statement: str
    ledger: str
    """What the ledger has instead, in words; empty where the documents are not known."""
    born: str
    run: int
    """Generations in a row."""
    law: bool
    marks: tuple[Mark, ...]
    """One for each generation of the chain."""


@dataclass(frozen=True)
class Lives:
    """All that the page shows of them."""

    rows: tuple[LifeRow, ...]
    statements: int
    """How many there are in all."""
    laws: int
    """How many of them became laws."""

    @property
    def first(self) -> tuple[LifeRow, ...]:
        """Those shown at once."""
        return self.rows[:FIRST]

    @property
    def more(self) -> tuple[LifeRow, ...]:
        """Those behind them."""
        return self.rows[FIRST:]


def lives_table(lives: Sequence[Life], written: Sequence[Written], generations: int) -> Lives:
    """The longest lives, with what the ledger has instead and how many texts made the statement.

    Args:
        lives: of a chain, the longest first.
        written: its documents; without them the ledger's values and counts are not known.
        generations: of the chain, 0 to one below this number.
    """
    ledger: dict[Triple, str] = {}
    texts: dict[str, Counter[Triple]] = {}
    for one in written:
        said: Counter[Triple] = Counter()
        for row in one.rows:
            untrue: dict[Triple, str] = {
                (one[1], one[2], one[3]): instead(*one) for one in row.get("untrue") or ()
            }
            ledger |= untrue
            said.update(untrue.keys())
        texts[one.name] = said
    rows = [_row(life, ledger, texts, generations) for life in lives[:MOST]]
    return Lives(tuple(rows), len(lives), sum(life.law for life in lives))


def _row(
    life: Life,
    ledger: dict[Triple, str],
    texts: dict[str, Counter[Triple]],
    generations: int,
) -> LifeRow:
    alive = set(life.generations)
    counts = {at: texts.get(g(at), Counter())[life.statement] for at in range(generations)}
    return LifeRow(
        statement="{}, {}: {}".format(*life.statement),
        ledger=ledger.get(life.statement, ""),
        born=g(life.born),
        run=life.run,
        law=life.law,
        marks=tuple(
            Mark(g(at), max(count, 1) if at in alive else 0) for at, count in counts.items()
        ),
    )
