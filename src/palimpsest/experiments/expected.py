"""What a chain will take: measured on its finished generations, or counted from a first one.

Nothing is taken from another machine or guessed: what was not measured is not said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from palimpsest.core.formatting import duration
from palimpsest.experiments.watching import OF_A_GENERATION, Watched


@dataclass(frozen=True)
class Finished:
    """What the stages of finished generations took, those of generation 0 left out."""

    generations: int
    seconds: Mapping[str, float]
    """Stage -> the middle one of its times."""
    peak_bytes: Mapping[str, int]
    """Stage -> the most memory that it held."""


def of_finished(chain: Watched) -> Finished | None:
    """What was measured; None where no generation behind the first was watched to its end."""
    names = {name for name in chain.done if name != "g00" and chain.seconds(name) is not None}
    if not names:
        return None
    seconds: dict[str, list[float]] = {stage: [] for stage in OF_A_GENERATION}
    peaks: dict[str, int] = {}
    for one in chain.activities:
        if one.name in names and one.stage in seconds and one.seconds is not None:
            seconds[one.stage].append(one.seconds)
            peaks[one.stage] = max(peaks.get(one.stage, 0), one.peak_bytes or 0)
    known = {stage: peak for stage, peak in peaks.items() if peak}
    return Finished(len(names), {stage: median(all_) for stage, all_ in seconds.items()}, known)


def in_words(seconds: Mapping[str, float]) -> str:
    """Times by stage, and their sum."""
    parts = ", ".join(f"{stage} {duration(one)}" for stage, one in seconds.items())
    return f"{duration(sum(seconds.values()))} ({parts})"
