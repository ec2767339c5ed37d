"""Intervals by resampling without replacement (docs/metrics.md §9).

Two estimators of a metric's standard error at n texts. The *delete-half* jackknife (Shao & Wu
1989): the standard deviation of the metric over B halves, because the factor (kept / deleted) of
the general formula is 1 for halves. The *delete-group* jackknife (Kott 2001): the texts are dealt
into G groups, each is left out once; it is conservative for any statistic (Efron & Stein 1981), and
suits counts of distinct things, which a half of the texts measures at another size. Never a
bootstrap with replacement: duplicates deflate hulls and diversity.

The interval of a share is Wilson's (1927), for as many independent texts as the standard error
amounts to: symmetric ones miss too often where a share is near 0 or 1, and leave the range.

Known gaps: the interval is centred on the value, so a metric that is biased in n keeps its bias;
the human corpus it is compared with counts as given, the null band shows how much that matters.
Three texts or fewer have no interval.
"""

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.core.errors import MetricError
from palimpsest.core.rng import stream
from palimpsest.statistics.student import quantile

HALF_SAMPLES = 100
"""B, half-samples of the delete-half jackknife."""
GROUPS = 20
"""G, groups of the delete-group jackknife. With 50 the intervals of hulls held 90 % instead of 93
(Wikipedia, n = 500): what a few texts at the rim decide wants more of them left out at a time."""
NORMAL_95 = 1.96
"""Standard errors on either side of the value, for halves."""
FEWEST_FOR_INTERVAL = 4
"""Texts below which a half is a single text, and has no interval."""

Rows = NDArray[np.integer[Any]]
"""Positions of the items of a subsample."""
Compute = Callable[[Rows | None], Mapping[str, float | None]]
"""Metrics by name: of all items when called with None, else of the items in the given rows."""


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; None where the value or the interval is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def within(self, least: float, most: float) -> "Interval":
        """The interval without what the metric cannot be."""
        if self.low is None or self.high is None:
            return self
        return Interval(self.value, max(self.low, least), min(self.high, most))


def share_interval(interval: Interval, count: int) -> Interval:
    """The interval of a share, in [0, 1], from the symmetric one around it.

    Args:
        interval: as `delete_half` or `delete_group` gives it.
        count: n, items: as many trials as a share of 0 or 1, or one without a standard error, has.

    Returns:
        Wilson's interval; it holds the value, and is 0 to 3.84/(n + 3.84) for a share of 0.
    """
    value = interval.value
    if value is None or interval.high is None:
        return interval
    margin = interval.high - value
    binomial = value * (1.0 - value)
    # z² over the number of trials whose margin z · √(p (1 − p) / trials) this is
    per_trial = margin**2 / binomial if margin > 0 and binomial > 0 else NORMAL_95**2 / count
    centre = (value + per_trial / 2) / (1.0 + per_trial)
    reach = math.sqrt(per_trial * binomial + per_trial**2 / 4) / (1.0 + per_trial)
    low, high = max(centre - reach, 0.0), min(centre + reach, 1.0)
    # rounding must not leave out the value
    return Interval(value, min(low, value), max(high, value))


def half_samples(count: int, samples: int = HALF_SAMPLES, seed: int = 0) -> list[Rows]:
    """Sorted positions of ⌊count/2⌋ items, drawn without replacement, ``samples`` times.

    Raises:
        MetricError: fewer than one sample is asked for.
    """
    if samples < 1:
        raise MetricError("samples", wanted=">= 1", got=samples)
    rng = stream(seed, "uncertainty.half")
    return [np.sort(rng.choice(count, count // 2, replace=False)) for _ in range(samples)]


def group_samples(count: int, groups: int = GROUPS, seed: int = 0) -> list[Rows]:
    """Sorted positions of all items but one group's, for each of at most ``groups`` groups.

    Raises:
        MetricError: fewer than two groups are asked for.
    """
    if groups < 2:
        raise MetricError("groups", wanted=">= 2", got=groups)
    order = stream(seed, "uncertainty.groups").permutation(count)
    parts = np.array_split(order, min(groups, count))
    return [np.sort(np.setdiff1d(order, part)) for part in parts]


def delete_half(
    compute: Compute, count: int, samples: int = HALF_SAMPLES, seed: int = 0, threads: int = 1
) -> dict[str, Interval]:
    """Every metric of a family with its delete-half jackknife interval.

    Args:
        compute: gives the metrics of all ``count`` items (None) or of some rows of them.
        count: n, how many items (texts) they are computed from.
        samples: B, how many half-samples.
        seed: for the halves; two families with the same seed and count see the same halves.
        threads: how many halves to compute at a time; it changes no number.

    Returns:
        ``Interval(value, value − 1.96 SE, value + 1.96 SE)`` by name, SE the standard deviation
        over the halves. No interval (None) for fewer than 4 items or where a half is undefined.

    Raises:
        MetricError: a value is NaN or infinite, or a half has other metrics than the whole.
    """
    rows = half_samples(count, samples, seed) if count >= FEWEST_FOR_INTERVAL else []
    return _intervals(compute, rows, NORMAL_95, threads)


def delete_group(
    compute: Compute, count: int, groups: int = GROUPS, seed: int = 0, threads: int = 1
) -> dict[str, Interval]:
    """Every metric of a family with its delete-group jackknife interval; see `delete_half`.

    Args:
        compute: as in `delete_half`.
        count: n, how many items.
        groups: G, how many groups; one an item where there are fewer items.
        seed: for the groups.
        threads: how many subsamples to compute at a time; it changes no number.

    Returns:
        ``Interval(value, value − t SE, value + t SE)``, SE = √((G − 1)/G Σ (θ_(g) − θ̄)²) over the
        subsamples without group g, t of G − 1 degrees of freedom.

    Raises:
        MetricError: see `delete_half`.
    """
    rows = group_samples(count, groups, seed) if count >= FEWEST_FOR_INTERVAL else []
    number = max(len(rows), 2)
    factor = float(np.sqrt(number - 1))
    return _intervals(compute, rows, factor * quantile(0.05, number - 1), threads)


def _intervals(
    compute: Compute, rows_of_samples: list[Rows], reach: float, threads: int
) -> dict[str, Interval]:
    """The interval reaches ``reach`` times the standard deviation over the subsamples."""
    whole = _finite(compute(None))
    if not rows_of_samples:
        return {name: Interval(value) for name, value in whole.items()}
    # Subsamples are too small for a threaded BLAS: two threads in one small product make it slower,
    # a hundredfold on shared cores.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        samples = list(pool.map(lambda rows: _finite(compute(rows)), rows_of_samples))
    for sample in samples:
        if sample.keys() != whole.keys():
            differing = sorted(sample.keys() ^ whole.keys())
            raise MetricError(
                "subsample", wanted="the same metrics as the whole", got=f"{differing} in one only"
            )
    return {
        name: _interval(value, [sample[name] for sample in samples], reach)
        for name, value in whole.items()
    }


def _interval(value: float | None, samples: list[float | None], reach: float) -> Interval:
    known = [sample for sample in samples if sample is not None]
    if value is None or len(known) < len(samples):
        return Interval(value)
    margin = reach * float(np.std(known))
    return Interval(value, value - margin, value + margin)


def _finite(numbers: Mapping[str, float | None]) -> dict[str, float | None]:
    for name, value in numbers.items():
        if value is not None and not np.isfinite(value):
            raise MetricError(name, wanted="a finite number or None", got=value)
    return {name: None if value is None else float(value) for name, value in numbers.items()}
