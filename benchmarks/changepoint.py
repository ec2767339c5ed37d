"""How often a change of phase is found where none is, and where one is.

Usage: ``python -m benchmarks.changepoint``. Without a change: 2,000 lines of ln volume that fall
by 0.05 a generation with noise of standard deviation 0.1, white and autocorrelated (ρ 0.5 and 0.8).
With one: a fall of 0.4 a generation that slows down to 0.03 at a third of the chain, the same
noise; a change counts as found within two generations of its place. The output is Markdown for
docs/metrics.md §10; it takes a minute.
"""

import numpy as np
from numpy.typing import NDArray

from palimpsest.trajectory.changepoint import LEVEL, Phases, find_phases
from palimpsest.trajectory.curves import Trajectory

CHAINS = 2000
LENGTHS = (6, 7, 11, 21, 41)
"""Generations with a volume, generation 0 included."""
CORRELATIONS = (0.0, 0.5, 0.8)
NOISE = 0.1
"""Standard deviation of ln volume: that of the default chain's hulls of 500 texts is 0.03, and of
100 texts 0.09 (benchmarks/null_band.py)."""
FALL, FAST, SLOW = 0.05, 0.4, 0.03
NEAR = 2
"""Generations beside its place at which a change counts as found."""


def noise(rng: np.random.Generator, length: int, correlation: float) -> NDArray[np.float64]:
    """Stationary noise of first order."""
    series = rng.standard_normal(length)
    for at in range(1, length):
        series[at] = correlation * series[at - 1] + np.sqrt(1 - correlation**2) * series[at]
    return NOISE * series


def phases_of(logs: NDArray[np.float64]) -> Phases:
    """The phases of a chain with such volumes, none of them in-sample."""
    band = {"low": 0.9, "high": 1.1, "samples": 20, "mean": 1.0, "sd": 0.05}
    cards = [
        {"generation": g, "documents": 500, "metrics": {"volume": {"value": float(np.exp(log))}}}
        for g, log in enumerate(logs)
    ]
    cards[0]["null"] = {"volume": band}
    return find_phases(Trajectory.from_scorecards(cards))


def main() -> None:
    """Prints the table."""
    rng = np.random.default_rng(0)
    heads = [f"false, ρ = {rho:g}" for rho in CORRELATIONS]
    heads += [f"found, ρ = {rho:g}" for rho in CORRELATIONS]
    print(f"Level {LEVEL:g}, {CHAINS} chains a cell.\n")
    print(f"| generations | {' | '.join(heads)} |")
    print("|" + " --- |" * (1 + len(heads)))
    for length in LENGTHS:
        g = np.arange(length)
        place = max(2, length // 3)
        real = -FAST * np.minimum(g, place) - SLOW * np.maximum(g - place, 0)
        cells = []
        for shape in (-FALL * g, real):
            for correlation in CORRELATIONS:
                found = 0
                for _ in range(CHAINS):
                    phases = phases_of(shape + noise(rng, length, correlation))
                    near = phases.change is not None and abs(phases.change - place) <= NEAR
                    found += near if shape is real else phases.count == 2
                cells.append(f"{100 * found / CHAINS:.1f} %")
        print(f"| {length} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
