"""When will integrity cross a threshold, if the present phase goes on; or why nobody can say.

The fit is a line of ln integrity over the generations since the change of phase (all of them where
there is none). The forecast is where it meets ln threshold; the interval holds the generations at
which one new observation could be the one that crosses (inverse prediction, Fieller 1954).
"""

import math
from dataclasses import dataclass

import numpy as np

from palimpsest.core.errors import MetricError
from palimpsest.statistics.regression import Line, fit_line
from palimpsest.trajectory.changepoint import Phases, find_phases
from palimpsest.trajectory.curves import Floats, Trajectory

FEWEST_POINTS = 4
"""Generations a fit needs."""
FARTHEST = 3.0
"""A forecast reaches at most this many times as far as the chain is long."""


@dataclass(frozen=True)
class Forecast:
    """The generation of a crossing.

    Attributes:
        threshold: the integrity to be crossed.
        generation: when; None where the data do not support an answer.
        low: earliest generation of the 95 % interval; equals `generation` if it was observed.
        high: latest generation of it.
        observed: the chain has crossed already; `generation` is interpolated, not forecast.
        reason: why there is no answer; None where there is one.
    """

    threshold: float
    generation: float | None
    low: float | None
    high: float | None
    observed: bool
    reason: str | None


def first_crossing(generations: Floats, values: Floats, threshold: float) -> float | None:
    """First generation, linearly interpolated, with a value at or below a threshold.

    Args:
        generations: (G,) ascending.
        values: (G,), NaN where unknown: the line then runs between the neighbours.
        threshold: the level to be reached.

    Returns:
        The generation; None if never reached. The first known value counts as it stands.
    """
    known = np.isfinite(values)
    x, y = generations[known], values[known]
    below = np.flatnonzero(y <= threshold)
    if not len(below):
        return None
    at = int(below[0])
    if at == 0:
        return float(x[0])
    share = (y[at - 1] - threshold) / (y[at - 1] - y[at])
    return float(x[at - 1] + share * (x[at] - x[at - 1]))


def comparable_integrity(trajectory: Trajectory) -> Floats:
    """(G,) integrity; NaN where it is unknown, or a generation reads 1 by construction."""
    return np.where(trajectory.comparable, trajectory.curve("integrity").value, np.nan)


def forecast(trajectory: Trajectory, threshold: float, phases: Phases | None = None) -> Forecast:
    """Forecasts the generation at which integrity falls to a threshold.

    Args:
        trajectory: the chain.
        threshold: integrity in (0, 1).
        phases: of the chain; found here if not given.

    Raises:
        MetricError: a threshold outside (0, 1).
    """
    if not 0 < threshold < 1:
        raise MetricError("forecast threshold", wanted="> 0 and < 1", got=threshold)
    generations = trajectory.generations.astype(np.float64)
    integrity = comparable_integrity(trajectory)
    crossed = first_crossing(generations, integrity, threshold)
    if crossed is not None:
        return Forecast(threshold, crossed, crossed, crossed, observed=True, reason=None)
    phases = phases or find_phases(trajectory)
    usable = np.isfinite(integrity) & (
        generations > (-1 if phases.change is None else phases.change)
    )
    if usable.sum() < FEWEST_POINTS:
        got = f"{int(usable.sum())} generations with integrity in the present phase"
        return _unsupported(threshold, f"{got}, {FEWEST_POINTS} needed")
    line = fit_line(generations[usable], np.log(integrity[usable]))
    rate = line.rate
    if rate.high is None or rate.high >= 0:
        interval = f"{rate.value:.4f} [{rate.low:.4f}, {rate.high:.4f}] a generation"
        return _unsupported(threshold, f"ln integrity does not clearly fall: {interval}")
    return _from_line(line, threshold, generations)


def _from_line(line: Line, threshold: float, generations: Floats) -> Forecast:
    """Where a line that clearly falls meets the threshold."""
    last, length = float(generations[-1]), float(generations[-1] - generations[0])
    when = (math.log(threshold) - line.intercept) / line.slope
    if when > last + FARTHEST * length:
        return _unsupported(
            threshold, f"beyond g{last + FARTHEST * length:.0f}: too far to extrapolate"
        )
    low, high = _inverse_prediction(line, math.log(threshold))
    return Forecast(
        threshold, max(when, last), max(low, last), max(high, last), observed=False, reason=None
    )


def _inverse_prediction(line: Line, level: float) -> tuple[float, float]:
    """Fieller's interval of the x at which a new y would equal `level`; slope not 0 needed."""
    variance = line.residual_squares / (line.points - 2)
    spread = line.student_95**2 * variance
    offset = level - (line.intercept + line.slope * line.x_mean)
    a = line.slope**2 - spread / line.x_squares
    b = line.slope * offset
    c = offset**2 - spread * (1.0 + 1.0 / line.points)
    root = math.sqrt(max(b * b - a * c, 0.0))
    ends = line.x_mean + (b - root) / a, line.x_mean + (b + root) / a
    return min(ends), max(ends)


def _unsupported(threshold: float, reason: str) -> Forecast:
    return Forecast(threshold, None, None, None, observed=False, reason=reason)
