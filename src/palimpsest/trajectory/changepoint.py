"""Two phases or one: where the collapse of volume stops and the slow drift begins.

The published account (Ainex 2026) has two phases: the hull's volume falls exponentially, then the
texts drift away from the human ones at a steady rate. Each phase is a straight line of ln volume
over generations, and the change point is the last generation of the first. It is sought in ln
volume alone: in the published curve the drift by itself follows one line all the way. The drift's
slope is measured on the second phase.

The best of all change points fits noise well too: BIC alone found two phases in 17 % of noisy lines
of 6 generations. So the gain is held against what it is in simulated lines of the same generations,
whose noise is correlated from one to the next (`CORRELATION`); noise that is less correlated gives
fewer false phases (benchmarks/changepoint.py).

Known gaps: intervals are those of least squares, given the change point and independent residuals;
noise that is correlated more strongly reads as two phases more often (docs/metrics.md §10).
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from palimpsest.core.rng import stream
from palimpsest.statistics.regression import Rate, fit_line
from palimpsest.trajectory.curves import Floats, Trajectory

SHORTEST_PHASE = 3
"""Generations a phase needs: a line through two points has no error."""
CORRELATION = 0.5
"""Of neighbouring generations' noise, in the lines that a gain is held against (docs/metrics.md
§10)."""
LINES = 10_000
"""How many of them are simulated: the error of a 4 % rate is 0.2 %."""
LEVEL = 0.04
"""Share of those in which two phases are found: 5 %, less a margin for the simulation's error."""
PRECISION = 1e-9
"""Residual variance below this share of the total is arithmetic, not data."""


@dataclass(frozen=True)
class Phases:
    """The verdict on a chain's phases.

    Attributes:
        count: 2, 1, or 0 where fewer than 2 generations have a volume above 0.
        change: last generation of the first phase; None unless there are two.
        volume_rate: slope of ln volume per generation in the first (or only) phase.
        volume_rate_after: the same after the change; None unless there are two.
        drift_slope: slope of the drift per generation, after the change or over the only phase.
        extinct: first generation with volume 0; phases are sought before it. None if never.
        bic_advantage: BIC of one phase less that of two; None where two could not be tried.
        p_value: share of noisy straight lines with such a gain or a larger; None likewise.
    """

    count: int
    change: int | None
    volume_rate: Rate | None
    volume_rate_after: Rate | None
    drift_slope: Rate | None
    extinct: int | None
    bic_advantage: float | None
    p_value: float | None


def find_phases(trajectory: Trajectory) -> Phases:
    """Seeks the change point of a chain in its `volume`, and measures both phases.

    Two phases are called when their BIC is the lower (five free numbers and a variance against two
    and a variance) and no more than `LEVEL` of noisy lines gain as much. Constant volume is one
    phase of rate 0; a chain without two volumes above 0 has no phase. Generation 0 is left out
    where the basis was fitted on it (`Trajectory.comparable`).
    """
    volume = trajectory.curve("volume").value
    generations = trajectory.generations.astype(np.float64)
    gone = np.flatnonzero(volume == 0.0)
    extinct = int(trajectory.generations[gone[0]]) if len(gone) else None
    usable = np.isfinite(volume) & (volume > 0) & trajectory.comparable
    if len(gone):
        usable[gone[0] :] = False
    x, y = generations[usable], np.log(volume[usable])
    if len(x) < 2:
        return Phases(0, None, None, None, None, extinct, None, None)
    change, advantage, p_value = _change_point(x, y)
    if change is None:
        drift = _drift_slope(trajectory, -1.0)
        return Phases(1, None, fit_line(x, y).rate, None, drift, extinct, advantage, p_value)
    early = x <= change
    return Phases(
        count=2,
        change=int(change),
        volume_rate=fit_line(x[early], y[early]).rate,
        volume_rate_after=fit_line(x[~early], y[~early]).rate,
        drift_slope=_drift_slope(trajectory, change),
        extinct=extinct,
        bic_advantage=advantage,
        p_value=p_value,
    )


def _change_point(x: Floats, y: Floats) -> tuple[float | None, float | None, float | None]:
    """The last x of the first phase, None for one phase; two phases' advantage in BIC; its p."""
    n = len(x)
    if n < 2 * SHORTEST_PHASE:
        return None, None, None
    line = fit_line(x, y)
    residuals = y - line.intercept - line.slope * x
    floor = PRECISION * max(float(((y - y.mean()) ** 2).sum()), PRECISION)
    gains = _gains(x, residuals[None], floor)[0]
    best = int(gains.argmax())
    advantage = float(gains[best]) - 3 * math.log(n)
    reached = int((_gains_of_noise(tuple(x.tolist())) >= gains[best]).sum())
    p_value = (1 + reached) / (1 + LINES)
    two = advantage > 0 and p_value <= LEVEL
    return (float(x[best + SHORTEST_PHASE - 1]) if two else None), advantage, p_value


@cache
def _gains_of_noise(x: tuple[float, ...]) -> Floats:
    """The largest gain of each of `LINES` series of correlated noise at some generations."""
    generations = np.array(x)
    rng = stream(0, "changepoint")
    noise = rng.standard_normal((LINES, len(x)))
    for at, gap in enumerate(np.diff(generations), 1):
        kept = CORRELATION**gap
        noise[:, at] = kept * noise[:, at - 1] + math.sqrt(1.0 - kept**2) * noise[:, at]
    largest: Floats = _gains(generations, noise, 0.0).max(axis=1)
    return largest


def _gains(x: Floats, y: Floats, floor: float) -> Floats:
    """What two lines gain over one, n ln(squares of one / of two), for each split.

    Args:
        x: (n,) generations.
        y: (lines, n) values.
        floor: the least sum of squared residuals that is believed.

    Returns:
        (lines, n − 5): the first phase has 3 points, then 4, and so on.
    """
    n, centred = len(x), x - x.mean()
    parts = [np.ones_like(y), np.broadcast_to(centred, y.shape), y]
    products = [parts[0], parts[1], parts[2], parts[1] ** 2, parts[1] * parts[2], parts[2] ** 2]
    before = np.stack([np.cumsum(product, axis=1) for product in products])
    whole = before[:, :, -1:]
    head = before[:, :, SHORTEST_PHASE - 1 : n - SHORTEST_PHASE]
    two = np.maximum(_residual_squares(head) + _residual_squares(whole - head), floor)
    one = np.maximum(_residual_squares(whole), floor)
    gains: Floats = n * np.log(np.maximum(one, 1e-300) / np.maximum(two, 1e-300))
    return gains


def _residual_squares(sums: Floats) -> Floats:
    """Of a line through points with the sums of 1, x, y, x², xy and y²."""
    count, x, y, xx, xy, yy = sums
    across = xx - x**2 / count
    squares: Floats = yy - y**2 / count - (xy - x * y / count) ** 2 / across
    return np.maximum(squares, 0.0)


def _drift_slope(trajectory: Trajectory, change: float) -> Rate | None:
    """Slope of the drift over the generations after `change`."""
    drift = trajectory.curve("drift")
    after = drift.known & trajectory.comparable & (trajectory.generations > change)
    if after.sum() < 2:
        return None
    return fit_line(trajectory.generations[after].astype(np.float64), drift.value[after]).rate
