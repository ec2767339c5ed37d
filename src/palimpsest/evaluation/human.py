"""The human side of an evaluation: a fit sample, and null samples that nothing is fitted on.

Both come from one pool of human texts, without a text in common. The chain's pool is the part
``null`` of the corpus, the audit's is the reference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import FEWEST_SAMPLES
from palimpsest.metrics.family import Facts, Reference, Sample
from palimpsest.metrics.likelihood import Scored, Written
from palimpsest.statistics.null_band import sample_rows

Rows = NDArray[np.int64]
T = TypeVar("T")


class OnDemand(Sequence[T]):
    """Things that are made each time they are asked for: 20 samples of 100,000 texts, copied out of
    their pool, would take 3 GB at once.

    Args:
        count: how many.
        make: makes number i, 0 <= i < count.
    """

    def __init__(self, count: int, make: Callable[[int], T]) -> None:
        self._numbers, self._make = range(count), make

    def __len__(self) -> int:
        """How many there are."""
        return len(self._numbers)

    def __getitem__(self, at: Any) -> Any:
        """One of them, or those of a slice."""
        if isinstance(at, slice):
            return [self._make(number) for number in self._numbers[at]]
        return self._make(self._numbers[at])


@dataclass(frozen=True)
class Texts:
    """Texts with what was computed of them; row i of each belongs to text i."""

    texts: Sequence[str]
    embeddings: NDArray[np.float32]
    scored: Scored | None

    def at(self, rows: Rows) -> "Texts":
        """The texts at some positions."""
        scored = self.scored
        if scored is not None:
            scored = Scored(scored.nll_nats[rows], scored.tokens[rows])
        return Texts([self.texts[row] for row in rows.tolist()], self.embeddings[rows], scored)

    def first(self, count: int) -> "Texts":
        """The first texts; the arrays are not copied."""
        scored = self.scored
        if scored is not None:
            scored = Scored(scored.nll_nats[:count], scored.tokens[:count])
        return Texts(self.texts[:count], self.embeddings[:count], scored)

    def sample(self) -> Sample:
        """The texts as something that an evaluator measures."""
        written = None if self.scored is None else Written(human=self.scored, own=None)
        return Sample(self.texts, self.embeddings, written)


@dataclass(frozen=True)
class HumanSide:
    """What samples of n texts are held against."""

    fit: Texts
    """The n texts that bases, centres and vocabularies are fitted on."""
    null: Sequence[Texts]
    """Fresh samples of n texts."""
    widening: float
    """Factor >= 1 on the deviation of the null samples, for their overlap."""

    def reference(
        self,
        training: Sequence[str],
        facts: Facts | None,
        lam: float,
        words: int,
        first: NDArray[np.float32] | None = None,
    ) -> Reference:
        """What an evaluator is fitted on; see `palimpsest.metrics.family.Reference`."""
        null = OnDemand(len(self.null), lambda at: self.null[at].embeddings)
        fit = self.fit
        return Reference(fit.texts, fit.embeddings, training, facts, lam, words, null, first)


def human_side(pool: Texts, size: int, samples: int, seed: int, what: str) -> HumanSide:
    """Deals a pool into the fit sample and the null samples.

    Args:
        pool: human texts in random order.
        size: n.
        samples: how many null samples.
        seed: of samples that are drawn.
        what: what the pool is called in an error.

    Raises:
        CorpusError: the pool holds fewer than 3n texts.
    """
    count, least = len(pool.texts), FEWEST_SAMPLES * size
    if count < least:
        wanted = f">= {least} texts: a fit sample of {size} and twice as many for null samples"
        hint = "give more human texts, or measure samples of fewer (generate.documents)"
        raise CorpusError(what, wanted=wanted, got=count, hint=hint)
    rows, widening = sample_rows(count - size, size, samples, seed, what)
    null = OnDemand(len(rows), lambda at: pool.at(size + rows[at]))
    return HumanSide(pool.first(size), null, widening)
