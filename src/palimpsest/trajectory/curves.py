"""One chain as curves: every metric's value and interval by generation, over its null band.

A scorecard (the score stage's JSON) writes what is undefined as null; inside the arrays here it is
NaN, and every number that leaves this package again is a float or None, never NaN.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import MetricError
from palimpsest.metrics.truth import axioms
from palimpsest.statistics.null_band import Band

Floats = NDArray[np.float64]
Scorecard = Mapping[str, Any]
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
class Trajectory:
    """All curves of one chain.

    Attributes:
        generations: (G,) generation numbers, ascending; a chain that stopped may have gaps.
        documents: (G,) texts a generation was measured on; 0 where a scorecard does not say.
        curves: metric name -> curve; only metrics with at least one value.
        null: metric name -> null band, from generation 0's scorecard; empty without one.
        short: metric name -> place of a generation -> its own band, where its texts have too few
            words for the band of all.
        control: the control chain, the same loop on human text that no generation has seen; it
            shares generation 0. None where the chain has none.
    """

    generations: NDArray[np.int64]
    documents: NDArray[np.int64]
    curves: Mapping[str, Curve]
    null: Mapping[str, Band]
    short: Mapping[str, Mapping[int, Band]] = field(default_factory=dict)
    control: "Trajectory | None" = None

    @classmethod
    def from_scorecards(
        cls, scorecards: Sequence[Scorecard], control: Sequence[Scorecard] = ()
    ) -> "Trajectory":
        """Reads the curves out of the scorecards of one chain, in any order.

        Args:
            scorecards: of the chain.
            control: of its control chain, generation 0 included; none without one.

        Raises:
            MetricError: no scorecards; a scorecard without its generation or metrics; a generation
                twice; a number that is not finite.
        """
        if not scorecards:
            raise MetricError("scorecards", wanted="at least one generation", got="none")
        ordered = sorted(scorecards, key=_generation)
        numbers = [_generation(scorecard) for scorecard in ordered]
        for earlier, later in pairwise(numbers):
            if earlier == later:
                raise MetricError(
                    "scorecards", wanted="each generation once", got=f"g{later:02d} twice"
                )
        names = sorted({name for scorecard in ordered for name in scorecard["metrics"]})
        curves = {name: _curve(name, ordered) for name in names}
        bands = [_bands(scorecard) for scorecard in ordered]
        null = bands[0] if numbers[0] == 0 else {}
        short: dict[str, dict[int, Band]] = {}
        for at, own in enumerate(bands):
            for name, band in own.items() if numbers[at] else ():
                short.setdefault(name, {})[at] = band
        return cls(
            generations=np.array(numbers, dtype=np.int64),
            documents=np.array(
                [int(scorecard.get("documents") or 0) for scorecard in ordered], np.int64
            ),
            curves={name: curve for name, curve in curves.items() if curve.known.any()},
            null=null,
            short=short,
            control=cls.from_scorecards(control) if control else None,
        )

    def __contains__(self, name: str) -> bool:
        return name in self.curves

    def curve(self, name: str) -> Curve:
        """The curve of a metric; all NaN if no generation has it."""
        if name in self.curves:
            return self.curves[name]
        return Curve(*(np.full(len(self.generations), np.nan) for _ in range(3)))

    @property
    def comparable(self) -> NDArray[np.bool_]:
        """(G,) whether a generation was held against text of which nothing is in it.

        So were all, but for generation 0 of a chain without null samples: there the basis is its
        own, and it reads better than any other human text.
        """
        return (self.generations > 0) | bool(self.null)

    def band(self, name: str, at: int) -> Band | None:
        """The null band of a metric at a generation's place; None where there is none."""
        return self.short.get(name, {}).get(at) or self.null.get(name)

    def of_control(self, name: str) -> Curve:
        """The control chain's curve of a metric at this chain's generations; NaN where unknown."""
        parts = np.full((3, len(self.generations)), np.nan)
        if self.control is not None:
            theirs = self.control.curve(name)
            shared = np.isin(self.generations, self.control.generations)
            at = np.searchsorted(self.control.generations, self.generations[shared])
            parts[:, shared] = theirs.value[at], theirs.low[at], theirs.high[at]
        return Curve(*parts)

    def difference(self, name: str) -> Curve:
        """A metric less that of the control chain; NaN where either is unknown, 0 at generation 0.

        Half the width of its interval is the root of the sum of the two squared: the chains
        sample with the same random numbers, which makes it too wide rather than too narrow.
        """
        own, theirs = self.curve(name), self.of_control(name)
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


def with_axioms(scorecards: Sequence[Scorecard]) -> list[Scorecard]:
    """The scorecards with what only a row of generations shows: statements that became laws.

    Args:
        scorecards: of generations 0, 1, …, in this order; without truth metrics they stay as they
            are.
    """
    if not scorecards or "truth" not in scorecards[0]["metrics"]:
        return list(scorecards)
    extended: list[Scorecard] = []
    for index, scorecard in enumerate(scorecards):
        held = axioms([earlier["untrue"] for earlier in scorecards[: index + 1]])
        more = {name: {"value": value, "low": None, "high": None} for name, value in held.items()}
        extended.append({**scorecard, "metrics": {**scorecard["metrics"], **more}})
    return extended


def custom_names(scorecards: Sequence[Scorecard]) -> list[str]:
    """The names of the project's own metrics (`score.custom`), of any of the scorecards.

    Raises:
        MetricError: one that is no name; it becomes that of a file.
    """
    names = sorted({name for scorecard in scorecards for name in scorecard.get("custom") or ()})
    for name in names:
        if not re.fullmatch(r"\w+", name):
            raise MetricError("scorecard.custom", wanted="names of metrics", got=repr(name))
    return names


def number(value: float) -> float | None:
    """A float that JSON can hold: NaN and infinities become None."""
    return float(value) if math.isfinite(value) else None


def _generation(scorecard: Scorecard) -> int:
    generation = scorecard.get("generation")
    if not isinstance(generation, int) or isinstance(generation, bool) or generation < 0:
        raise MetricError(
            "scorecard.generation", wanted="a whole number >= 0", got=repr(generation)
        )
    if not isinstance(scorecard.get("metrics"), Mapping):
        raise MetricError(f"scorecard g{generation:02d}", wanted="a mapping of metrics", got="none")
    return generation


def _bands(scorecard: Scorecard) -> dict[str, Band]:
    label = f"scorecard g{scorecard['generation']:02d}: null"
    entries = sorted((scorecard.get("null") or {}).items())
    return {name: Band.from_dict(band, f"{label}.{name}") for name, band in entries}


def _curve(name: str, scorecards: Sequence[Scorecard]) -> Curve:
    columns = np.full((3, len(scorecards)), np.nan)
    for column, scorecard in enumerate(scorecards):
        entry = scorecard["metrics"].get(name)
        if entry is None:
            continue
        for row, part in enumerate(("value", "low", "high")):
            label = f"scorecard g{scorecard['generation']:02d}: {name}.{part}"
            columns[row, column] = _finite(label, entry.get(part))
    return Curve(*columns)


def _finite(label: str, value: Any) -> float:
    """The value as a float; NaN for null."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise MetricError(label, wanted="a finite number or null", got=repr(value))
    return float(value)
