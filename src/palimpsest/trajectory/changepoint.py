"""Two phases or one: where the collapse of volume stops and the slow drift begins.

The published account (Ainex 2026) has two phases: the hull's volume falls exponentially, then the
texts drift away from the human ones at a steady rate. Each phase is a straight line of ln volume
over generations, and the change point is the last generation of the first. It is sought in ln
volume alone: in the published curve the drift by itself follows one line all the way. The drift's
slope is measured on the second phase.

Gaps known: intervals are those of least squares, given the change point and independent residuals;
the residuals of a chain that walks at random are not independent, and a walk easily reads as two
phases (a third of pure walks with correlation 0.5 do at 21 generations; 3 % of independent ones).
"""

import math
from dataclasses import dataclass

import numpy as np

from palimpsest.statistics.regression import Rate, fit_line
from palimpsest.trajectory.curves import Floats, Trajectory

SHORTEST_PHASE = 3
"""Generations a phase needs: a line through two points has no error."""
EVIDENCE = 6.0
"""By how much two phases must lower the BIC: "strong" in Kass & Raftery (1995)."""
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
    """

    count: int
    change: int | None
    volume_rate: Rate | None
    volume_rate_after: Rate | None
    drift_slope: Rate | None
    extinct: int | None
    bic_advantage: float | None


def find_phases(trajectory: Trajectory) -> Phases:
    """Seeks the change point of a chain in its `volume`, and measures both phases.

    Two phases are called when their BIC is lower by more than `EVIDENCE` (five free numbers and a
    variance against two and a variance). Constant volume is one phase of rate 0; a chain without
    two volumes above 0 has no phase.
    """
    volume = trajectory.curve("volume").value
    generations = trajectory.generations.astype(np.float64)
    gone = np.flatnonzero(volume == 0.0)
    extinct = int(trajectory.generations[gone[0]]) if len(gone) else None
    usable = np.isfinite(volume) & (volume > 0)
    if len(gone):
        usable[gone[0] :] = False
    x, y = generations[usable], np.log(volume[usable])
    if len(x) < 2:
        return Phases(0, None, None, None, None, extinct, None)
    change, advantage = _change_point(x, y)
    if change is None:
        drift = _drift_slope(trajectory, -1.0)
        return Phases(1, None, fit_line(x, y).rate, None, drift, extinct, advantage)
    early = x <= change
    return Phases(
        count=2,
        change=int(change),
        volume_rate=fit_line(x[early], y[early]).rate,
        volume_rate_after=fit_line(x[~early], y[~early]).rate,
        drift_slope=_drift_slope(trajectory, change),
        extinct=extinct,
        bic_advantage=advantage,
    )


def _change_point(x: Floats, y: Floats) -> tuple[float | None, float | None]:
    """The last x of the first phase, None for one phase; and two phases' advantage in BIC."""
    n = len(x)
    splits = range(SHORTEST_PHASE, n - SHORTEST_PHASE + 1)
    if not splits:
        return None, None
    floor = PRECISION * max(float(((y - y.mean()) ** 2).sum()), PRECISION)
    one = max(fit_line(x, y).residual_squares, floor)
    two = {
        split: max(
            fit_line(x[:split], y[:split]).residual_squares
            + fit_line(x[split:], y[split:]).residual_squares,
            floor,
        )
        for split in splits
    }
    best = min(two, key=lambda split: two[split])
    advantage = n * math.log(one / two[best]) - 3 * math.log(n)
    return (float(x[best - 1]) if advantage > EVIDENCE else None), advantage


def _drift_slope(trajectory: Trajectory, change: float) -> Rate | None:
    """Slope of the drift over the generations after `change`."""
    drift = trajectory.curve("drift")
    after = drift.known & (trajectory.generations > change)
    if after.sum() < 2:
        return None
    return fit_line(trajectory.generations[after].astype(np.float64), drift.value[after]).rate
