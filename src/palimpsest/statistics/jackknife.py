"""Intervals by the delete-half jackknife (docs/metrics.md §9).

Draw half of the n texts without replacement B times (Shao & Wu 1989); the standard deviation of the
metric over the halves estimates its standard error at n, because the factor (kept / deleted) of the
general formula is 1 for halves. Never a bootstrap with replacement: duplicates deflate hulls and
diversity.

Known gaps: the interval is centred on the value, so a metric that is biased in n (a hull volume)
keeps its bias; the human corpus it is compared with counts as given, the null band shows how much
that matters. Three texts or fewer have no interval.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.core.errors import MetricError
from palimpsest.core.rng import stream

HALF_SAMPLES = 100
"""B, half-samples of the jackknife."""

NORMAL_95 = 1.96
"""Standard errors on either side of the value."""

FEWEST_FOR_INTERVAL = 4
"""Texts below which a half is a single text, and has no interval."""

Rows = NDArray[np.integer[Any]]
"""Positions of the items of a half-sample."""
Compute = Callable[[Rows | None], Mapping[str, float | None]]
"""Metrics by name: of all items when called with None, else of the items in the given rows."""


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; None where the value or the interval is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


def half_samples(count: int, samples: int = HALF_SAMPLES, seed: int = 0) -> list[Rows]:
    """Sorted positions of ⌊count/2⌋ items, drawn without replacement, ``samples`` times.

    Raises:
        MetricError: fewer than one sample is asked for.
    """
    if samples < 1:
        raise MetricError("samples", wanted=">= 1", got=samples)
    rng = stream(seed, "uncertainty.half")
    return [np.sort(rng.choice(count, count // 2, replace=False)) for _ in range(samples)]


def intervals(
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
    whole = _finite(compute(None))
    if count < FEWEST_FOR_INTERVAL:
        return {name: Interval(value) for name, value in whole.items()}
    rows_of_halves = half_samples(count, samples, seed)
    # Halves are too small for a threaded BLAS: two threads in one small product make it slower,
    # a hundredfold on shared cores.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        halves = list(pool.map(lambda rows: _finite(compute(rows)), rows_of_halves))
    for half in halves:
        if half.keys() != whole.keys():
            differing = sorted(half.keys() ^ whole.keys())
            raise MetricError(
                "half-sample",
                wanted="the same metrics as the whole",
                got=f"{differing} in one only",
            )
    return {
        name: _interval(value, [half[name] for half in halves]) for name, value in whole.items()
    }


def _interval(value: float | None, halves: list[float | None]) -> Interval:
    known = [half for half in halves if half is not None]
    if value is None or len(known) < len(halves):
        return Interval(value)
    reach = NORMAL_95 * float(np.std(known))
    return Interval(value, value - reach, value + reach)


def _finite(numbers: Mapping[str, float | None]) -> dict[str, float | None]:
    for name, value in numbers.items():
        if value is not None and not np.isfinite(value):
            raise MetricError(name, wanted="a finite number or None", got=value)
    return {name: None if value is None else float(value) for name, value in numbers.items()}
