"""The made-up statements of a chain: when each was born, and how long it lived.

A scorecard lists the distinct statements of a generation that the ledger does not have. Followed
over the generations they show how an error becomes a fact of the chain: made up once, repeated,
learnt. See docs/metrics.md §7 for `lock_in` and `axioms`, which count the same thing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from palimpsest.metrics.family import Triple
from palimpsest.metrics.truth import LAW
from palimpsest.trajectory.curves import Scorecard


@dataclass(frozen=True)
class Life:
    """One untrue statement."""

    statement: Triple
    generations: tuple[int, ...]
    """Those that made it, ascending; at least one."""

    @property
    def born(self) -> int:
        """The first generation that made it."""
        return self.generations[0]

    @property
    def run(self) -> int:
        """The most generations in a row that made it, >= 1."""
        best = length = 1
        for earlier, later in pairwise(self.generations):
            length = length + 1 if later == earlier + 1 else 1
            best = max(best, length)
        return best

    @property
    def law(self) -> bool:
        """Whether it became what `palimpsest.metrics.truth.axioms` calls a law."""
        return self.run >= LAW


def lives(scorecards: Sequence[Scorecard]) -> list[Life] | None:
    """Every untrue statement of a chain, those that lived longest first.

    Args:
        scorecards: of one chain, in any order.

    Returns:
        None where no ledger says what is true; empty where nothing untrue was said.
    """
    if not any("truth" in scorecard["metrics"] for scorecard in scorecards):
        return None
    made: dict[Triple, set[int]] = defaultdict(set)
    for scorecard in scorecards:
        for entity, relation, value in scorecard["untrue"]:
            made[entity, relation, value].add(int(scorecard["generation"]))
    every = [Life(statement, tuple(sorted(when))) for statement, when in made.items()]
    return sorted(every, key=lambda one: (-one.run, -len(one.generations), one.born, one.statement))
