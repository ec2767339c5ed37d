"""The null band: what a metric reads on fresh human samples (docs/metrics.md §9).

One `Band` serves the chain, the audit and the pictures. Known gap: null samples are taken as normal
where a p-value is asked for.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.stats import t as student

from palimpsest.core.errors import MetricError

BAND_PERCENT = (2.5, 97.5)
"""Percentiles that bound the null band."""


@dataclass(frozen=True)
class Band:
    """What "nothing happened" looks like for one metric."""

    low: float
    """2.5th percentile over the null samples."""
    high: float
    """97.5th percentile over the null samples."""
    samples: int
    """Number of null samples, at least 1."""
    mean: float
    """Mean over the null samples."""
    sd: float
    """Standard deviation over the null samples; NaN if there are fewer than 2."""

    def holds(self, value: float) -> bool:
        """Whether a value lies inside the band, ends included."""
        return self.low <= value <= self.high

    def p_value(self, value: float, documents: int) -> float:
        """Two-sided p-value of a new draw from the null samples' normal distribution.

        t = (x − mean) / (sd · √(1 + 1/S)) with S − 1 degrees of freedom.

        Args:
            value: the metric of the new draw.
            documents: texts it has; a null whose samples all agree gets one part in so many of its
                mean as standard deviation.

        Returns:
            In [0, 1]; NaN with a single null sample.
        """
        least = (abs(self.mean) or 1.0) / max(documents, 1)
        sd = self.sd if self.sd != 0.0 else least
        distance = abs(value - self.mean) / (sd * np.sqrt(1.0 + 1.0 / self.samples))
        return float(2.0 * student.sf(distance, self.samples - 1))

    def as_dict(self) -> dict[str, float | int | None]:
        """Plain values for JSON; NaN becomes None."""
        sd = None if math.isnan(self.sd) else self.sd
        return {
            "low": self.low, "high": self.high, "samples": self.samples, "mean": self.mean, "sd": sd
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], name: str = "band") -> Self:
        """Reads what `as_dict` wrote.

        Raises:
            MetricError: a part is missing or no finite number; says which.
        """
        parts: dict[str, Any] = {}
        for part in ("low", "high", "samples", "mean", "sd"):
            value = values.get(part)
            if part == "sd" and value is None:
                value = math.nan
            elif isinstance(value, bool) or not isinstance(value, int | float):
                raise MetricError(f"{name}.{part}", wanted="a finite number", got=repr(value))
            elif not math.isfinite(value):
                raise MetricError(f"{name}.{part}", wanted="a finite number", got=value)
            parts[part] = value
        return cls(**parts)


def null_band(values: Sequence[float | None]) -> Band | None:
    """The band of one metric from its values on the null samples.

    Args:
        values: None where the metric is undefined on a sample.

    Returns:
        The band over the values that are defined; None without any.

    Raises:
        MetricError: a value is NaN or infinite.
    """
    known = [value for value in values if value is not None]
    if not np.isfinite(known).all():
        raise MetricError("null sample", wanted="finite values", got="NaN or infinity")
    if not known:
        return None
    low, high = np.percentile(known, BAND_PERCENT)
    sd = float(np.std(known, ddof=1)) if len(known) > 1 else math.nan
    return Band(float(low), float(high), len(known), float(np.mean(known)), sd)


def null_bands(samples: Sequence[Mapping[str, float | None]]) -> dict[str, Band]:
    """The band of every metric that some null sample has, from the metrics of each sample."""
    names = dict.fromkeys(name for sample in samples for name in sample)
    bands = {name: null_band([sample.get(name) for sample in samples]) for name in names}
    return {name: band for name, band in bands.items() if band is not None}
