"""A chain in a few numbers: the headline that `dvc metrics show` prints and CI compares."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from palimpsest.trajectory.alarms import Alarm, find_alarms
from palimpsest.trajectory.changepoint import Phases, find_phases
from palimpsest.trajectory.collapse_profile import Answer, collapse_profile
from palimpsest.trajectory.curves import Trajectory, number
from palimpsest.trajectory.forecast import (
    Forecast,
    comparable_integrity,
    first_crossing,
    forecast,
)

Number = float | int | str | None

HEADLINE = {
    "integrity": "integrity",
    "perplexity": "perplexity_heldout_last",
    "distinct_2": "distinct_2",
    "facts": "fact_coverage_last",
    "truth": "truth",
}
"""Key of metrics/integrity.json -> entry of `numbers`, all of the last generation. So few that
`dvc exp show` fits 120 columns with a parameter beside them."""

ENDS = ("perplexity_heldout", "fact_coverage", "tail_coverage")
"""Metrics whose value at the first and at the last generation is in the headline."""
LAST = ("volume", "drift", "effective_rank", "distinct_2", "duplicates", "truth", "axioms")
"""Metrics whose value at the last generation is in the headline."""
DIGITS = 6
"""Significant digits of the headline: enough to compare, few enough to read."""


@dataclass(frozen=True)
class Summary:
    """All that is said about a chain as a whole."""

    trajectory: Trajectory
    phases: Phases
    alarms: tuple[Alarm, ...]
    forecast: Forecast
    profile: tuple[Answer, ...]
    control_alarms: tuple[Alarm, ...] = ()
    """Of the control chain: what the loop has no part in. Empty without one."""

    @property
    def first_alarm(self) -> Alarm | None:
        """The earliest alarm; None while every metric is silent."""
        return next((alarm for alarm in self.alarms if alarm.generation is not None), None)

    @property
    def own_alarms(self) -> list[Alarm]:
        """The alarms that the control chain does not raise on the same side, the earliest first;
        without a control chain, all that were raised.
        """
        raised = [alarm for alarm in self.alarms if alarm.generation is not None]
        return [alarm for alarm in raised if self.in_control(alarm) is None]

    def in_control(self, alarm: Alarm) -> int | None:
        """The generation at which the control chain raises an alarm too; None if it does not."""
        of_metric = (one for one in self.control_alarms if one.metric == alarm.metric)
        return next((one.generation for one in of_metric if one.side == alarm.side), None)


def summarise(
    trajectory: Trajectory, threshold: float = 0.1, unigram_perplexity: float | None = None
) -> Summary:
    """Finds phases, alarms, the forecast and the collapse profile of a chain.

    Args:
        trajectory: the chain.
        threshold: integrity in (0, 1) whose crossing is forecast.
        unigram_perplexity: see `palimpsest.trajectory.collapse_profile.collapse_profile`.
    """
    phases = find_phases(trajectory)
    return Summary(
        trajectory,
        phases,
        find_alarms(trajectory),
        forecast(trajectory, threshold, phases),
        collapse_profile(trajectory, unigram_perplexity),
        find_alarms(trajectory.control) if trajectory.control else (),
    )


def half_life(trajectory: Trajectory) -> float | None:
    """First generation, interpolated, with integrity at or below 0.5; None if never."""
    generations = trajectory.generations.astype(np.float64)
    return first_crossing(generations, comparable_integrity(trajectory), 0.5)


def auc(trajectory: Trajectory) -> float | None:
    """Mean integrity over the generations from 1 on; None without one. Lower: collapsed faster."""
    values = trajectory.curve("integrity").value[trajectory.generations >= 1]
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def headline(summary: Summary) -> dict[str, Number]:
    """The content of metrics/integrity.json: what fits a terminal as a table; flat, no NaN.

    `facts` is the fact coverage; see `numbers` for the rest.
    """
    every = numbers(summary)
    return {short: every[name] for short, name in HEADLINE.items() if name in every}


def trajectory_facts(summary: Summary) -> dict[str, Any]:
    """The content of metrics/trajectory.json: all numbers, phases, alarms, forecast, profile."""
    return {
        "numbers": numbers(summary),
        "phases": asdict(summary.phases),
        "alarms": [asdict(alarm) for alarm in summary.alarms],
        "forecast": asdict(summary.forecast),
        "profile": {answer.definition.key: answer.facts() for answer in summary.profile},
    }


def numbers(summary: Summary) -> dict[str, Number]:
    """A chain in at most 25 entries, flat, no NaN.

    A metric that no generation has is left out; one that is undefined at its generation, and a
    half-life, change of phase or alarm that never came, is None.
    """
    trajectory, phases, alarm = summary.trajectory, summary.phases, summary.first_alarm
    integrity = trajectory.curve("integrity")
    result: dict[str, Number] = {"generations": int(trajectory.generations[-1])}
    if "integrity" in trajectory:
        result["integrity"] = _rounded(trajectory.last("integrity"))
        if np.isfinite(integrity.low[-1]):
            result["integrity_low"] = _rounded(number(integrity.low[-1]))
            result["integrity_high"] = _rounded(number(integrity.high[-1]))
        result["loss"] = _rounded(trajectory.last("loss"))
        result["half_life"] = _rounded(half_life(trajectory))
        result["auc"] = _rounded(auc(trajectory))
    result["phase_change"] = phases.change
    result["volume_rate"] = _rounded(phases.volume_rate.value if phases.volume_rate else None)
    result["drift_slope"] = _rounded(phases.drift_slope.value if phases.drift_slope else None)
    if summary.alarms:
        result["alarm_generation"] = alarm.generation if alarm else None
        result["alarm_metric"] = alarm.metric if alarm else None
    for name in ENDS:
        if name in trajectory:
            result[f"{name}_first"] = _rounded(trajectory.first(name))
            result[f"{name}_last"] = _rounded(trajectory.last(name))
    for name in LAST:
        if name in trajectory:
            result[name] = _rounded(trajectory.last(name))
    return result


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
