"""One chain as curves: every metric's value and interval by generation, over its null band.

A card (the score stage's JSON) writes what is undefined as null; inside the arrays here it is
NaN, and every number that leaves this package again is a float or None, never NaN.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from palimpsest.errors import MetricError
from palimpsest.metrics.truth import axioms

Floats = NDArray[np.float64]
Card = Mapping[str, Any]
"""What the score stage writes about one generation, read from JSON."""


@dataclass(frozen=True)
class Curve:
    """A metric by generation; NaN where a generation has no value or no interval."""

    value: Floats
    """(G,) the metric, in its own unit."""
    low: Floats
    """(G,) lower end of the 95 % interval."""
    high: Floats
    """(G,) upper end of the 95 % interval."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """(G,) whether the generation has a value."""
        return np.isfinite(self.value)


@dataclass(frozen=True)
class Band:
    """What "nothing happened" looks like: a metric on fresh human samples against the corpus."""

    low: float
    """2.5th percentile over the null samples."""
    high: float
    """97.5th percentile over the null samples."""
    samples: int
    """Number of null samples, at least 1."""
    mean: float
    """Mean over the null samples; the band's middle where a card does not store it."""
    sd: float
    """Standard deviation over the null samples; NaN if there are fewer than 2."""

    def holds(self, value: float) -> bool:
        """Whether a value lies inside the band, ends included."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Trajectory:
    """All curves of one chain.

    Attributes:
        generations: (G,) generation numbers, ascending; a chain that stopped may have gaps.
        documents: (G,) texts a generation was measured on; 0 where a card does not say.
        curves: metric name -> curve; only metrics with at least one value.
        null: metric name -> null band, from generation 0's card; empty without one.
        lineage: the null lineage, the same loop on human text that no generation has seen; it
            shares generation 0. None where the chain has none.
    """

    generations: NDArray[np.int64]
    documents: NDArray[np.int64]
    curves: Mapping[str, Curve]
    null: Mapping[str, Band]
    lineage: "Trajectory | None" = None

    @classmethod
    def from_cards(cls, cards: Sequence[Card], lineage: Sequence[Card] = ()) -> "Trajectory":
        """Reads the curves out of the cards of one chain, in any order.

        Args:
            cards: of the chain.
            lineage: of its null lineage, generation 0 included; none without one.

        Raises:
            MetricError: no cards; a card without its generation or metrics; a generation twice;
                a number that is not finite.
        """
        if not cards:
            raise MetricError("cards", wanted="at least one generation", got="none")
        ordered = sorted(cards, key=_generation)
        numbers = [_generation(card) for card in ordered]
        for earlier, later in pairwise(numbers):
            if earlier == later:
                raise MetricError("cards", wanted="each generation once", got=f"g{later:02d} twice")
        names = sorted({name for card in ordered for name in card["metrics"]})
        curves = {name: _curve(name, ordered) for name in names}
        first = ordered[0]
        bands = first.get("null") or {} if numbers[0] == 0 else {}
        return cls(
            generations=np.array(numbers, dtype=np.int64),
            documents=np.array([int(card.get("documents") or 0) for card in ordered], np.int64),
            curves={name: curve for name, curve in curves.items() if curve.known.any()},
            null={
                name: _band(name, band)
                for name, band in sorted(bands.items())
                if band.get("low") is not None and band.get("high") is not None
            },
            lineage=cls.from_cards(lineage) if lineage else None,
        )

    def __contains__(self, name: str) -> bool:
        return name in self.curves

    def curve(self, name: str) -> Curve:
        """The curve of a metric; all NaN if no generation has it."""
        if name in self.curves:
            return self.curves[name]
        return Curve(*(np.full(len(self.generations), np.nan) for _ in range(3)))

    def of_lineage(self, name: str) -> Curve:
        """The null lineage's curve of a metric at this chain's generations; NaN where unknown."""
        found = np.full((3, len(self.generations)), np.nan)
        if self.lineage is not None:
            theirs = self.lineage.curve(name)
            shared = np.isin(self.generations, self.lineage.generations)
            at = np.searchsorted(self.lineage.generations, self.generations[shared])
            found[:, shared] = theirs.value[at], theirs.low[at], theirs.high[at]
        return Curve(*found)

    def difference(self, name: str) -> Curve:
        """A metric less that of the null lineage; NaN where either is unknown, 0 at generation 0.

        Half the width of its interval is the root of the sum of the two squared: the lineages
        sample with the same random numbers, which makes it too wide rather than too narrow.
        """
        own, theirs = self.curve(name), self.of_lineage(name)
        value = own.value - theirs.value
        reach = np.hypot(own.high - own.value, theirs.high - theirs.value)
        reach[self.generations == 0] = 0.0  # it is the same generation
        return Curve(value, value - reach, value + reach)

    def first(self, name: str) -> float | None:
        """The metric at generation 0 (or the first one measured); None if unknown there."""
        return number(self.curve(name).value[0])

    def last(self, name: str) -> float | None:
        """The metric at the last generation; None if unknown there."""
        return number(self.curve(name).value[-1])


def with_axioms(cards: Sequence[Card]) -> list[Card]:
    """The cards with what only a row of generations shows: statements that became laws.

    Args:
        cards: of generations 0, 1, …, in this order; without truth metrics they stay as they are.
    """
    if not cards or "truth" not in cards[0]["metrics"]:
        return list(cards)
    extended: list[Card] = []
    for index, card in enumerate(cards):
        found = axioms([earlier["untrue"] for earlier in cards[: index + 1]])
        more = {name: {"value": value, "low": None, "high": None} for name, value in found.items()}
        extended.append({**card, "metrics": {**card["metrics"], **more}})
    return extended


def custom_names(cards: Sequence[Card]) -> list[str]:
    """The names of the project's own metrics (`score.custom`), of any of the cards."""
    return sorted({name for card in cards for name in card.get("custom") or ()})


def number(value: float) -> float | None:
    """A float that JSON can hold: NaN and infinities become None."""
    return float(value) if math.isfinite(value) else None


def band_width_in_sd(samples: int) -> float:
    """Half the expected 2.5–97.5 percentile band of `samples` normal draws, in their sd.

    1.96 for many samples, 1.65 for 20: the percentiles of few draws cannot reach the tails. The
    expected order statistics are Blom's (1958), interpolated as `numpy.percentile` does.
    """
    position = 0.975 * (samples - 1)
    below = math.floor(position)
    above = min(below + 1, samples - 1)
    ranks = np.array([below, above]) + 1.0
    expected = norm.ppf((ranks - 0.375) / (samples + 0.25))
    return float(expected[0] + (position - below) * (expected[1] - expected[0]))


def _generation(card: Card) -> int:
    generation = card.get("generation")
    if not isinstance(generation, int) or isinstance(generation, bool) or generation < 0:
        raise MetricError("card.generation", wanted="a whole number >= 0", got=repr(generation))
    if not isinstance(card.get("metrics"), Mapping):
        raise MetricError(f"card g{generation:02d}", wanted="a mapping of metrics", got="none")
    return generation


def _curve(name: str, cards: Sequence[Card]) -> Curve:
    columns = np.full((3, len(cards)), np.nan)
    for column, card in enumerate(cards):
        entry = card["metrics"].get(name)
        if entry is None:
            continue
        for row, part in enumerate(("value", "low", "high")):
            label = f"card g{card['generation']:02d}: {name}.{part}"
            columns[row, column] = _finite(label, entry.get(part))
    return Curve(*columns)


def _band(name: str, band: Mapping[str, Any]) -> Band:
    low, high = (_finite(f"card g00: null.{name}.{end}", band[end]) for end in ("low", "high"))
    samples = int(band.get("samples") or 1)
    mean, sd = (_finite(f"card g00: null.{name}.{part}", band.get(part)) for part in ("mean", "sd"))
    if samples < 2:
        sd = math.nan
    elif math.isnan(sd):
        sd = (high - low) / 2 / band_width_in_sd(samples)
    return Band(low, high, samples, (low + high) / 2 if math.isnan(mean) else mean, sd)


def _finite(label: str, value: Any) -> float:
    """The value as a float; NaN for null."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise MetricError(label, wanted="a finite number or null", got=repr(value))
    return float(value)
