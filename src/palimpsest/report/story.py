"""The chain in words: what happened in two sentences, its headline numbers, phases and forecast.

Terms that a newcomer does not know stand in double brackets, see `palimpsest.report.glossary`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from palimpsest.core.formatting import plain, span
from palimpsest.metrics.registry import metric
from palimpsest.report.error_rates import phases_sentence
from palimpsest.statistics.regression import Rate
from palimpsest.trajectory.alarms import Alarm
from palimpsest.trajectory.curves import Trajectory, number
from palimpsest.trajectory.summary import Summary, half_life


@dataclass(frozen=True)
class Tile:
    """One headline number; its name may hold terms."""

    name: str
    value: str
    notes: tuple[str, ...] = ()

    @property
    def pair(self) -> bool:
        """Whether it shows two values."""
        return "→" in self.value


def g(generation: float) -> str:
    """A generation's name, as in the graph: g07; between two, with its decimal: g3.4."""
    return f"g{int(generation):02d}" if float(generation).is_integer() else f"g{generation:.1f}"


def when(generation: float | None) -> str:
    """A generation's name, or "never"."""
    return "never" if generation is None else g(generation)


def story(summary: Summary) -> list[str]:
    """What happened, in two sentences."""
    trajectory = summary.trajectory
    last = int(trajectory.generations[-1])
    times = {1: "Once", 2: "Twice"}.get(last, f"{last} times over")
    start = f"{times} a language model has learned from texts that the model before it wrote"
    if last == 0:
        start = "A language model has learned from human text, and no other from its texts yet"
    integrity = trajectory.last("integrity")
    if integrity is not None:
        start += (
            f"; of the [[integrity|room that as many human texts fill]], "
            f"{100 * integrity:.0f}\u00a0% is left{_of_humans(trajectory)}"
        )
    return [f"{start}.", first_sign(summary)]


def first_sign(summary: Summary) -> str:
    """Which metric warned first that is silent in the control chain, and how much earlier than
    integrity.
    """
    if not summary.trajectory.null:
        return "There are no human samples to hold the texts against, so nothing can warn."
    own = summary.own_alarms
    if summary.first_alarm is None:
        return (
            "No metric has left its [[null band]] for two generations in a row: nothing sets the "
            "texts apart from fresh human ones."
        )
    if not own:
        return (
            "No metric has left its [[null band]] that has not left it in the [[control chain]] "
            "too: none shows that the loop has done anything."
        )
    alarm = own[0]
    assert alarm.generation is not None, "one that was raised"
    more = sum(one.generation == alarm.generation for one in own) - 1
    others = f" ({more} other metric{'s' * (more > 1)} with it)" if more else ""
    went = "rose above" if alarm.side == "above" else "fell below"
    return (
        f"The first [[alarm|sign]] came at {g(alarm.generation)}: {metric(alarm.metric).label} "
        f"{went} what [[fresh human text|fresh human texts]] show{others}"
        f"{_ahead(own, summary, alarm.generation)}{_not_counted(summary)}."
    )


def _not_counted(summary: Summary) -> str:
    """How many metrics warn in the control chain too."""
    raised = sum(alarm.generation is not None for alarm in summary.alarms)
    shared = raised - len(summary.own_alarms)
    if not shared:
        return ""
    who = "1 metric that warns" if shared == 1 else f"{shared} metrics that warn"
    return f"; not counted: {who} in the [[control chain]] too"


def _ahead(raised: Sequence[Alarm], summary: Summary, generation: int) -> str:
    """How the first alarm lies to that of integrity, unless the control chain has that too."""
    known = next((one for one in summary.alarms if one.metric == "integrity"), None)
    own = next((one for one in raised if one.metric == "integrity"), None)
    if known is None or (own is None and known.generation is not None):
        return ""
    own = own or known
    if own.generation is None:
        return "; integrity has not done so yet"
    ahead = own.generation - generation
    if not ahead:
        return "" if raised[0] is own else ", in the same generation as integrity"
    return f", {ahead} generation{'s' * (ahead > 1)} before integrity did"


def phases(summary: Summary) -> list[str]:
    """Phases, half-life and forecast, each with how often it is wrong where that is known."""
    found, trajectory = summary.phases, summary.trajectory
    lines = []
    if found.change is not None and found.volume_rate and found.volume_rate_after:
        lines.append(
            f"Two [[phase|phases]]: up to {g(found.change)} the hull's ln volume changes by "
            f"{_rate(found.volume_rate)} a generation, from then on by "
            f"{_rate(found.volume_rate_after)}."
        )
    elif found.bic_advantage is None:
        lines.append("Too few generations to tell two [[phase|phases]] from one.")
    elif found.volume_rate:
        lines.append(
            f"One [[phase]]: the hull's ln volume changes by {_rate(found.volume_rate)} a "
            "generation from beginning to end."
        )
    if found.p_value is not None:
        lines.append(phases_sentence(len(trajectory.generations)))
    if found.extinct is not None:
        lines.append(f"From {g(found.extinct)} on, the texts span no volume at all.")
    if found.drift_slope:
        lines.append(
            f"The texts' middle moves away from the human one by {_rate(found.drift_slope)} PCA "
            "units a generation."
        )
    if "integrity" in trajectory:
        half = half_life(trajectory)
        crossed = "has not been reached" if half is None else f"is reached at {g(half)}"
        lines.append(f"Integrity's [[half-life]] {crossed}.")
    return [*lines, _forecast(summary)]


def _forecast(summary: Summary) -> str:
    forecast = summary.forecast
    if forecast.generation is None:
        return f"No forecast for integrity {forecast.threshold:g}: {forecast.reason}."
    if forecast.observed:
        return f"Integrity fell to {forecast.threshold:g} at {g(forecast.generation)}."
    return (
        f"If this phase goes on, integrity falls to {forecast.threshold:g} at "
        f"{g(forecast.generation)} ([[95 % interval]]: generations "
        f"{span(forecast.low, forecast.high)}; how often such intervals hold has not been "
        "measured)."
    )


def _rate(rate: Rate) -> str:
    interval = "" if rate.low is None else f" ({span(rate.low, rate.high)})"
    return f"{plain(rate.value)}{interval}"


def _of_humans(trajectory: Trajectory) -> str:
    """What fresh human samples of the same size read."""
    band = trajectory.null.get("integrity")
    if band is None:
        return ""
    return f" (fresh human texts read {100 * band.low:.0f} to {100 * band.high:.0f}\u00a0%)"


def tiles(summary: Summary) -> list[Tile]:
    """The headline numbers: at most six, each with its interval and null band where there are any.

    Integrity at the end, the first alarm, then what was measured of the model's fit, its wording,
    its facts and its copies.
    """
    trajectory, alarm = summary.trajectory, next(iter(summary.own_alarms), None)
    last = g(int(trajectory.generations[-1]))
    shown = _last_tiles(trajectory, ("integrity",), last)
    if summary.alarms:
        name, note = "none", "every metric in its null band"
        if summary.first_alarm is not None:
            note = "none that the control chain has not too"
        if alarm is not None:
            name, note = when(alarm.generation), f"{metric(alarm.metric).label}, {alarm.side}"
        shown.append(Tile("first [[alarm]]", name, (note,)))
    ends = ("perplexity_heldout", "distinct_2", "fact_coverage")
    shown += [_change_tile(trajectory, name) for name in ends if name in trajectory]
    return shown + _last_tiles(trajectory, ("duplicates",), last)


def _last_tiles(trajectory: Trajectory, names: Iterable[str], last: str) -> list[Tile]:
    """Metrics at the last generation, those that were measured."""
    shown, end = [], len(trajectory.generations) - 1
    for name in names:
        if name not in trajectory:
            continue
        curve, band, entry = trajectory.curve(name), trajectory.band(name, end), metric(name)
        percent = " %" if entry.unit == "%" else ""
        notes = [] if percent or not entry.unit else [entry.unit]
        if number(curve.low[-1]) is not None:
            notes.append(f"95 % interval: {span(curve.low[-1], curve.high[-1])}")
        if band:
            notes.append(f"human samples: {span(band.low, band.high)}")
        value = plain(trajectory.last(name)) + percent
        shown.append(Tile(f"{_term(name)} at {last}", value, tuple(notes)))
    return shown


def _change_tile(trajectory: Trajectory, name: str) -> Tile:
    values = f"{plain(trajectory.first(name))} → {plain(trajectory.last(name))}"
    notes = [f"{g(int(trajectory.generations[0]))} → {g(int(trajectory.generations[-1]))}"]
    if band := trajectory.band(name, len(trajectory.generations) - 1):
        notes.append(f"human samples: {span(band.low, band.high)}")
    return Tile(_term(name), values, tuple(notes))


NAMED = {
    "integrity": "[[integrity]]",
    "perplexity_heldout": "[[held-out]] [[perplexity]]",
    "distinct_2": "distinct [[2-gram|2-grams]]",
    "fact_coverage": "[[fact coverage]]",
}
"""Labels of the tiles' metrics, their terms marked."""


def _term(name: str) -> str:
    return NAMED.get(name, metric(name).label)
