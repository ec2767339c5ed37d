"""Intervals and null bands of docs/metrics.md §9.

The delete-half jackknife (Shao & Wu 1989): draw half of the n texts without replacement B times;
the standard deviation of the metric over the halves estimates its standard error at n, because
the factor (kept / deleted) of the general formula is 1 for halves. Never a bootstrap with
replacement: duplicates deflate hulls and diversity.

Known gaps: the interval is centred on the value, so a metric that is biased in n (a hull volume)
keeps its bias; the human corpus it is compared with counts as given, the null band shows how much
that matters. Three texts or fewer have no interval.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.errors import MetricError
from palimpsest.metrics.validation import Rows
from palimpsest.randomness import stream

HALF_SAMPLES = 100
"""B, half-samples of the jackknife."""

NORMAL_95 = 1.96
"""Standard errors on either side of the value."""

BAND_PERCENT = (2.5, 97.5)
"""Percentiles that bound the null band."""

FEWEST_FOR_INTERVAL = 4
"""Texts below which a half is a single text, and has no interval."""

Card = Callable[[Rows | None], Mapping[str, float | None]]
"""Metrics by name: of all items when called with None, else of the items in the given rows."""


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; None where the value or the interval is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Band:
    """What "nothing happened" looks like: the central 95 % of ``samples`` null values."""

    low: float | None
    high: float | None
    samples: int

    def holds(self, value: float) -> bool | None:
        """Whether the value lies inside, ends included; None where the band is undefined."""
        if self.low is None or self.high is None:
            return None
        return self.low <= value <= self.high


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
    card: Card, count: int, samples: int = HALF_SAMPLES, seed: int = 0, threads: int = 1
) -> dict[str, Interval]:
    """Every metric of a card with its delete-half jackknife interval.

    Args:
        card: gives the metrics of all ``count`` items (None) or of some rows of them.
        count: n, how many items (texts) the card is computed from.
        samples: B, how many half-samples.
        seed: for the halves; two cards with the same seed and count see the same halves.
        threads: how many halves to compute at a time; it changes no number.

    Returns:
        ``Interval(value, value − 1.96 SE, value + 1.96 SE)`` by name, SE the standard deviation
        over the halves. No interval (None) for fewer than 4 items or where a half is undefined.

    Raises:
        MetricError: a value is NaN or infinite, or a half has other metrics than the whole.
    """
    whole = _finite(card(None))
    if count < FEWEST_FOR_INTERVAL:
        return {name: Interval(value) for name, value in whole.items()}
    halves = half_samples(count, samples, seed)
    # Halves are too small for a threaded BLAS: two threads in one small product make it slower,
    # a hundredfold on shared cores.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        cards = list(pool.map(lambda rows: _finite(card(rows)), halves))
    for half in cards:
        if half.keys() != whole.keys():
            differing = sorted(half.keys() ^ whole.keys())
            raise MetricError(
                "card", wanted="the same metrics for every half-sample", got=f"{differing} in some"
            )
    return {name: _interval(value, [half[name] for half in cards]) for name, value in whole.items()}


def interval(
    metric: Callable[[Rows | None], float | None],
    count: int,
    samples: int = HALF_SAMPLES,
    seed: int = 0,
) -> Interval:
    """The delete-half jackknife of a single metric: see ``intervals``."""
    return intervals(lambda rows: {"metric": metric(rows)}, count, samples, seed)["metric"]


def null_band(values: Sequence[float | None]) -> Band:
    """The band between the 2.5th and 97.5th percentile (linear) of null values of one metric.

    Args:
        values: the metric on each null sample; None where it is undefined.

    Returns:
        The band over the values that are defined; without any, its ends are None.

    Raises:
        MetricError: a value is NaN or infinite.
    """
    known = [value for value in values if value is not None]
    if not np.isfinite(known).all():
        raise MetricError("null sample", wanted="finite values", got="NaN or infinity")
    if not known:
        return Band(None, None, 0)
    low, high = np.percentile(known, BAND_PERCENT)
    return Band(float(low), float(high), len(known))


def null_bands(cards: Sequence[Mapping[str, float | None]]) -> dict[str, Band]:
    """The band of every metric from the cards of the null samples."""
    names = list(dict.fromkeys(name for card in cards for name in card))
    return {name: null_band([card.get(name) for card in cards]) for name in names}


def _interval(value: float | None, halves: list[float | None]) -> Interval:
    known = [half for half in halves if half is not None]
    if value is None or len(known) < len(halves):
        return Interval(value)
    reach = NORMAL_95 * float(np.std(known))
    return Interval(value, value - reach, value + reach)


def _finite(card: Mapping[str, float | None]) -> dict[str, float | None]:
    for name, value in card.items():
        if value is not None and not np.isfinite(value):
            raise MetricError(name, wanted="a finite number or None", got=value)
    return {name: None if value is None else float(value) for name, value in card.items()}
