"""The null band: what a metric reads on fresh human samples (docs/metrics.md §9).

The samples come from a pool of human texts that nothing else was fitted on. A *new* human sample
falls inside the band 95 % of the time, and outside it where its p-value is below 5 %. One `Band`
serves chain, audit and pictures.

Known gap: null samples are taken as normal about their mean; docs/metrics.md has for every metric
how far that holds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import CorpusError, MetricError
from palimpsest.core.rng import stream
from palimpsest.statistics.student import quantile, two_sided

LEVEL = 0.05
"""Share of new human samples that fall outside."""
LEAST_POOL = 2
"""A pool holds at least so many samples: from less, they overlap too much to tell anything."""


@dataclass(frozen=True)
class Band:
    """What "nothing happened" looks like for one metric."""

    low: float
    """Lower end: the mean less t(S−1) times a new sample's deviation, in the metric's range."""
    high: float
    """Upper end."""
    samples: int
    """S, the number of null samples, at least 2."""
    mean: float
    """Mean over the null samples."""
    sd: float
    """Standard deviation that a new sample is believed to have, > 0."""

    def holds(self, value: float) -> bool:
        """Whether a value lies inside the band, ends included."""
        return self.low <= value <= self.high

    def p_value(self, value: float) -> float:
        """Two-sided p-value of a new human sample so far from the mean, in [0, 1].

        t = (x − mean) / (sd · √(1 + 1/S)) with S − 1 degrees of freedom. It never falls as the
        value comes nearer to the mean or as the deviation grows.
        """
        distance = abs(value - self.mean) / (self.sd * math.sqrt(1.0 + 1.0 / self.samples))
        return two_sided(distance, self.samples - 1)

    def as_dict(self) -> dict[str, float | int]:
        """Plain values for JSON."""
        return {
            "low": self.low,
            "high": self.high,
            "samples": self.samples,
            "mean": self.mean,
            "sd": self.sd,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], name: str = "band") -> Self:
        """Reads what `as_dict` wrote.

        Raises:
            MetricError: a part is missing, no finite number or out of its range; says which.
        """
        parts: dict[str, Any] = {}
        for part in ("low", "high", "samples", "mean", "sd"):
            value = values.get(part)
            if isinstance(value, bool) or not isinstance(value, int | float):
                value = None
            if value is None or not math.isfinite(value):
                got = repr(values.get(part))
                raise MetricError(f"{name}.{part}", wanted="a finite number", got=got)
            parts[part] = value
        for part, least in (("sd", 0.0), ("samples", 1)):
            if parts[part] <= least:
                raise MetricError(f"{name}.{part}", wanted=f"> {least:g}", got=parts[part])
        return cls(**parts)


def null_band(
    values: Sequence[float | None],
    resolution: float = 0.0,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    widening: float = 1.0,
) -> Band | None:
    """The band of one metric from its values on the null samples.

    Args:
        values: None where the metric is undefined on a sample.
        resolution: the least standard deviation that is believed, > 0 where samples may all agree:
            what one text more or less can change.
        bounds: the metric's range, to which the band is clipped.
        widening: factor >= 1 on the deviation, for samples that overlap (`sample_rows`).

    Returns:
        The band over the values that are defined; None with fewer than two.

    Raises:
        MetricError: a value is NaN or infinite.
    """
    known: list[float] = [value for value in values if value is not None]
    if not all(math.isfinite(value) for value in known):
        raise MetricError("null sample", wanted="finite values", got="NaN or infinity")
    count = len(known)
    if count < 2:
        return None
    mean = float(np.mean(known))
    # equal numbers may differ by rounding: no deviation is finer than that
    finest = max(resolution, 1e-12 * abs(mean), 1e-300)
    sd = max(widening * float(np.std(known, ddof=1)), finest)
    reach = quantile(LEVEL, count - 1) * sd * math.sqrt(1.0 + 1.0 / count)
    low, high = max(mean - reach, bounds[0]), min(mean + reach, bounds[1])
    return Band(low, high, count, mean, sd)


def sample_rows(
    pool: int, size: int, samples: int, seed: int, what: str
) -> tuple[list[NDArray[np.int64]], float]:
    """Which texts of a pool make up each null sample, and how much wider truth is than they say.

    A pool that has them all gives samples without a common text. A smaller one gives samples
    without replacement that overlap: they vary by σ²/n (1 − n/P) about the pool's mean, where a new
    sample varies by σ²/n (1 + n/P); the root of the quotient is returned, 1 without overlap.

    Args:
        pool: P, how many texts there are.
        size: n, texts of a sample.
        samples: how many.
        seed: of samples that are drawn.
        what: what the pool is called in an error.

    Raises:
        CorpusError: the pool holds fewer than two samples.
    """
    if pool < LEAST_POOL * size:
        wanted = f">= {LEAST_POOL * size} texts to draw null samples of {size} from"
        raise CorpusError(what, wanted=wanted, got=pool)
    if pool >= samples * size:
        return [np.arange(size * at, size * (at + 1)) for at in range(samples)], 1.0
    draws = [
        stream(seed, "null", item=at).choice(pool, size, replace=False) for at in range(samples)
    ]
    return draws, math.sqrt((pool + size) / (pool - size))
