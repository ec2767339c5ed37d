"""Where a measured metric lies in the null band of the reference, and when it has left it.

A position is 0 at the mean of the reference's samples and ±1 at the ends of the band, so that all
metrics can be drawn on one axis. The band's ends are those before it is clipped to the metric's
range: a value in that range is inside exactly where its position is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from palimpsest.metrics.registry import metric
from palimpsest.statistics.null_band import LEVEL, Band
from palimpsest.statistics.student import quantile

PREFIX = "collapse/"
"""Of every name that is logged."""
POSITION = "_position"
"""Behind the name of a metric whose position it is."""


def position(band: Band, value: float) -> float:
    """(value − mean) over the band's reach: in [−1, 1] for 95 % of fresh human samples."""
    reach = quantile(LEVEL, band.samples - 1) * band.sd * math.sqrt(1.0 + 1.0 / band.samples)
    return (value - band.mean) / reach


def is_outside(name: str, place: float) -> bool:
    """Whether a metric lies outside its band on the side of collapse, or on either if it has none.

    Args:
        name: the metric's, for its direction in `palimpsest.metrics.registry`.
        place: its position.
    """
    direction = metric(name).direction
    return (direction != "up" and place < -1.0) or (direction != "down" and place > 1.0)


def history(name: str, log_history: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether a metric was outside at each measurement that a trainer's log has of it."""
    key = f"{PREFIX}{name}{POSITION}"
    return [is_outside(name, row[key]) for row in log_history if key in row]


def has_just_left(outside: Sequence[bool]) -> bool:
    """Whether the last measurement is outside, and the one before is not or there is none."""
    return [*outside[-2:]] in ([True], [False, True])


def has_left_for(outside: Sequence[bool], patience: int) -> bool:
    """Whether the last `patience` measurements are outside, and one before them is inside.

    A model that was never inside (one at the beginning of its training) has left nothing.
    """
    return len(outside) > patience and all(outside[-patience:]) and not all(outside[:-patience])
