"""Which metric warns first: the first generation at which it has left its null band for good.

Three conditions, all needed: the metric lies outside the null band at two generations in a row;
both lie on the same side; and the pair's p-value survives Benjamini–Hochberg over all metrics
measured at that generation. Everything at generation g uses generations up to g, so the table of a
longer chain begins with the table of a shorter one.

The p-value of one generation is the band's (`palimpsest.statistics.null_band.Band.p_value`). A
pair's is the larger of its two, since both must depart. Metrics that say the same count as one:
those that the registry calls copies, and those whose p-values have agreed at every generation so
far (one is a straight line of the other).

Known gaps: control is over metrics at a generation, not over generations; two generations are taken
as independent where nothing happens, and a chain that drifts by chance alone raises false alarms
more often (docs/metrics.md §10 has how often).
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import MetricError
from palimpsest.metrics.registry import metric
from palimpsest.statistics.multiple_testing import LEVEL, discoveries
from palimpsest.trajectory.curves import Floats, Trajectory

DIGITS = 6
"""Decimals in which the logarithms of the p-values of copies agree; their rounding differs."""


@dataclass(frozen=True)
class Alarm:
    """When one metric warned.

    Attributes:
        metric: its name.
        generation: the second of the first two generations in a row outside; None if never.
        side: "above" or "below" the null band; None if it never warned.
        p_value: of the pair that warned; of the least likely pair where none did.
    """

    metric: str
    generation: int | None
    side: str | None
    p_value: float


def find_alarms(
    trajectory: Trajectory, metrics: Collection[str] | None = None, level: float = LEVEL
) -> tuple[Alarm, ...]:
    """When each metric with a null band warned; the earliest first, the silent ones last.

    Generation 0 is human text and never counts. Metrics without a null band, copies of another
    metric, and those that were never measured twice in a row are left out.

    Args:
        trajectory: the chain.
        metrics: which metrics to watch; None for all that have a null band.
        level: false discovery rate over metrics, in (0, 1).

    Raises:
        MetricError: a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise MetricError("alarm level", wanted="> 0 and < 1", got=level)
    watched = [
        name
        for name in sorted(trajectory.null)
        if (metrics is None or name in metrics) and name in trajectory and metric(name).own_evidence
    ]
    if not watched or len(trajectory.generations) < 2:
        return ()
    pairs = np.stack([_pair_p_values(trajectory, name) for name in watched])
    left = np.stack([_has_left(trajectory, name) for name in watched])
    alarms = []
    found = np.zeros_like(left)
    for at in range(pairs.shape[1]):
        own, copy_of = _without_copies(pairs[:, : at + 1])
        found[:, at] = discoveries(own[:, at], level)[copy_of]
    warned = left & found
    for row, name in enumerate(watched):
        if not np.isfinite(pairs[row]).any():
            continue
        when = np.flatnonzero(warned[row])
        if len(when):
            at = int(when[0])
            band = trajectory.band(name, at)
            above = band is not None and trajectory.curve(name).value[at] > band.high
            side, generation = ("above" if above else "below"), int(trajectory.generations[at])
            alarms.append(Alarm(name, generation, side, float(pairs[row, at])))
        else:
            alarms.append(Alarm(name, None, None, float(np.nanmin(pairs[row]))))
    return tuple(sorted(alarms, key=_order))


def _without_copies(pairs: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The rows that differ from each other, and for each row which of them it is."""
    logs = np.log(np.maximum(pairs, 1e-300)).round(DIGITS)
    filled = np.nan_to_num(logs, nan=1.0)
    # metrics that never left their mean (shares that are 1 in human text) need not be copies
    still = ~(filled < 0.0).any(axis=1)
    filled = np.column_stack([np.where(still, np.arange(len(pairs)), -1), filled])
    _, first, copy_of = np.unique(filled, axis=0, return_index=True, return_inverse=True)
    return pairs[first], copy_of.reshape(-1)


def _order(alarm: Alarm) -> tuple[bool, int, float, str]:
    return (alarm.generation is None, alarm.generation or 0, alarm.p_value, alarm.metric)


def _is_pair(trajectory: Trajectory) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(G,) whether the generation and the one before are neighbours, neither of them the corpus."""
    numbers = trajectory.generations
    pair = np.zeros(len(numbers), dtype=np.bool_)
    pair[1:] = (np.diff(numbers) == 1) & (numbers[:-1] >= 1)
    return pair


def _pair_p_values(trajectory: Trajectory, name: str) -> Floats:
    """(G,) the p-value of the generation and the one before; NaN where that is no pair."""
    values = trajectory.curve(name).value
    single = np.full(len(values), np.nan)
    for at, value in enumerate(values.tolist()):
        band = trajectory.band(name, at)
        if band is not None and math.isfinite(value):
            single[at] = band.p_value(value)
    pairs = np.full(len(values), np.nan)
    pairs[1:] = np.maximum(single[1:], single[:-1])
    return np.where(_is_pair(trajectory), pairs, np.nan)


def _has_left(trajectory: Trajectory, name: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(G,) whether the generation and the one before lie outside the band on the same side."""
    values = trajectory.curve(name).value
    side = np.zeros(len(values))
    for at, value in enumerate(values.tolist()):
        band = trajectory.band(name, at)
        if band is not None and math.isfinite(value) and not band.holds(value):
            side[at] = 1.0 if value > band.high else -1.0
    left = np.zeros(len(values), dtype=np.bool_)
    left[1:] = (side[1:] != 0) & (side[1:] == side[:-1])
    return left & _is_pair(trajectory)
