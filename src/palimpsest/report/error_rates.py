"""How often the chain's findings are wrong where nothing happens: the rates of docs/metrics.md §10.

They were measured by `python -m benchmarks.changepoint` and `python -m benchmarks.null_chains`,
which write the tables of that page; a test holds these numbers against it.
"""

from bisect import bisect_right
from collections.abc import Mapping

FALSE_PHASES: Mapping[int, tuple[str, str]] = {
    6: ("4.0 %", "4.5 %"),
    7: ("4.2 %", "4.9 %"),
    11: ("3.9 %", "8.1 %"),
    21: ("4.6 %", "21.6 %"),
    41: ("4.1 %", "37.3 %"),
}
"""Generations -> share of steady falls that are taken for two phases, where the noise of
neighbouring generations has an autocorrelation of 0.5, and of 0.8."""
FALSE_ALARMS = {
    "nothing happens": "0.8 %",
    "nothing happens, autocorrelation 0.5": "15.2 %",
    "nothing happens, autocorrelation 0.8": "46.2 %",
}
"""What 500 chains of 20 generations do -> share of them with any alarm."""


def phases_sentence(generations: int) -> str:
    """How often two phases are seen that are none, in a chain of so many generations."""
    lengths = sorted(FALSE_PHASES)
    length = lengths[max(bisect_right(lengths, generations) - 1, 0)]
    half, strong = FALSE_PHASES[length]
    return (
        f"In chains of {length} generations a steady fall is taken for two phases in {half} of "
        f"cases, where the noise of neighbours has a correlation of 0.5; in {strong} at 0.8."
    )


def alarms_sentence() -> str:
    """How often a chain raises an alarm though nothing happens."""
    none, half, strong = FALSE_ALARMS.values()
    return (
        f"Of 500 chains of fresh human text, {none} raised any alarm; where chance carries over "
        f"from one generation to the next, {half} (correlation 0.5) to {strong} (0.8)."
    )
