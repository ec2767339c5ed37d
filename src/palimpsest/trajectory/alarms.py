"""Which metric warns first: the first generation at which it has left its null band for good.

Three conditions, all needed: the metric lies outside the null band at two generations in a row;
both lie on the same side; and the pair's p-value survives Benjamini–Hochberg over all metrics
measured at that generation. Everything at generation g uses generations up to g, so the table of a
longer chain begins with the table of a shorter one.

The p-value of one generation is that of a new draw from the null's distribution, taken as normal
with the mean and standard deviation of the null samples: t = (x − mean) / (sd · √(1 + 1/S)) with
S − 1 degrees of freedom, two-sided. A pair's p-value is the larger of its two (both must depart).
Gaps known: control is over metrics at a generation, not over generations; a null whose samples all
agree gets the resolution of one document as its sd.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from palimpsest.core.errors import MetricError
from palimpsest.statistics.multiple_testing import LEVEL, discoveries
from palimpsest.trajectory.curves import Floats, Trajectory


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

    Generation 0 is the human corpus against itself and never counts. Metrics without a null band,
    with a single null sample, or never measured twice in a row are left out.

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
        if (metrics is None or name in metrics)
        and name in trajectory
        and np.isfinite(trajectory.null[name].sd)
    ]
    if not watched or len(trajectory.generations) < 2:
        return ()
    pairs = np.stack([_pair_p_values(trajectory, name) for name in watched])
    left = np.stack([_has_left(trajectory, name) for name in watched])
    alarms = []
    warned = left & np.stack([discoveries(column, level) for column in pairs.T], axis=1)
    for row, name in enumerate(watched):
        if not np.isfinite(pairs[row]).any():
            continue
        when = np.flatnonzero(warned[row])
        if len(when):
            at = int(when[0])
            above = trajectory.curve(name).value[at] > trajectory.null[name].high
            side, generation = ("above" if above else "below"), int(trajectory.generations[at])
            alarms.append(Alarm(name, generation, side, float(pairs[row, at])))
        else:
            alarms.append(Alarm(name, None, None, float(np.nanmin(pairs[row]))))
    return tuple(sorted(alarms, key=_order))


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
    values, band = trajectory.curve(name).value, trajectory.null[name]
    documents = int(trajectory.documents[0])
    single = np.array([band.p_value(value, documents) for value in values])
    pairs = np.full(len(values), np.nan)
    pairs[1:] = np.maximum(single[1:], single[:-1])
    return np.where(_is_pair(trajectory), pairs, np.nan)


def _has_left(trajectory: Trajectory, name: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(G,) whether the generation and the one before lie outside the band on the same side."""
    values, band = trajectory.curve(name).value, trajectory.null[name]
    left = np.zeros(len(values), dtype=np.bool_)
    for outside in (values > band.high, values < band.low):
        left[1:] |= outside[1:] & outside[:-1]
    return left & _is_pair(trajectory)
