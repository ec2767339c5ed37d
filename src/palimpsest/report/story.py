"""The chain in words: its story in a few sentences, and its headline numbers."""

from collections.abc import Iterable
from dataclasses import dataclass

from palimpsest.core.formatting import plain, span
from palimpsest.metrics.registry import metric
from palimpsest.trajectory.changepoint import Phases
from palimpsest.trajectory.curves import Trajectory, number
from palimpsest.trajectory.summary import Summary, auc, half_life


@dataclass(frozen=True)
class Tile:
    """One headline number."""

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
    """The chain in a few sentences, only those that the data support."""
    trajectory, phases, forecast = summary.trajectory, summary.phases, summary.forecast
    last = int(trajectory.generations[-1])
    lines = []
    integrity = trajectory.last("integrity")
    if integrity is not None:
        lines.append(
            f"After {last} generation{'s' * (last != 1)}, {100 * integrity:.0f}\u00a0% of fresh "
            f"human text's integrity is left{_of_humans(trajectory)}."
        )
    if phases.change is not None and phases.volume_rate and phases.volume_rate_after:
        lines.append(
            f"The chain has two phases: up to {g(phases.change)} ln volume changes by "
            f"{plain(phases.volume_rate.value)} a generation, from then on by "
            f"{plain(phases.volume_rate_after.value)}."
        )
    if phases.extinct is not None:
        lines.append(f"From {g(phases.extinct)} on, the texts span no volume at all.")
    alarm = summary.first_alarm
    if alarm is not None and alarm.generation is not None:
        first = [a.metric for a in summary.alarms if a.generation == alarm.generation]
        more = len(first) - 1
        others = f" and {more} other{'s' * (more > 1)}" if more else ""
        lines.append(
            f"The first to have been outside their null band for two generations: "
            f"{metric(alarm.metric).label}{others}, at {g(alarm.generation)}."
        )
    elif summary.alarms:
        lines.append("No metric has left its null band for two generations in a row.")
    if forecast.generation is None:
        lines.append(f"No forecast for integrity {forecast.threshold:g}: {forecast.reason}.")
    elif forecast.observed:
        lines.append(f"Integrity fell to {forecast.threshold:g} at {g(forecast.generation)}.")
    else:
        lines.append(
            f"If this phase goes on, integrity falls to {forecast.threshold:g} at "
            f"{g(forecast.generation)} "
            f"(95 % interval: generations {span(forecast.low, forecast.high)})."
        )
    return lines


def _of_humans(trajectory: Trajectory) -> str:
    """What fresh human samples of the same size read."""
    band = trajectory.null.get("integrity")
    if band is None:
        return ""
    return f" (human samples have {100 * band.low:.0f} to {100 * band.high:.0f}\u00a0%)"


def tiles(summary: Summary) -> list[Tile]:
    """The headline numbers, each with its interval and null band where there are any."""
    trajectory, phases, alarm = summary.trajectory, summary.phases, summary.first_alarm
    last = g(int(trajectory.generations[-1]))
    shown = _last_tiles(trajectory, ("integrity", "loss"), last)
    if "integrity" in trajectory:
        shown.append(Tile("half-life", when(half_life(trajectory)), ("integrity at 0.5",)))
        area = plain(auc(trajectory))
        shown.append(Tile("area under integrity", area, ("mean of g01 and on",)))
    change = "none" if phases.change is None else f"after {g(phases.change)}"
    shown.append(Tile("change of phase", change, (_phase_note(phases),)))
    if summary.alarms:
        name = "none" if alarm is None else when(alarm.generation)
        note = "every metric in its null band"
        if alarm is not None:
            note = f"{metric(alarm.metric).label}, {alarm.side} its band"
        shown.append(Tile("first alarm", name, (note,)))
    if phases.drift_slope:
        slope = phases.drift_slope
        interval = () if slope.low is None else (f"95 %: {span(slope.low, slope.high)}",)
        notes = ("PCA units a generation", *interval)
        shown.append(Tile("slope of the drift", plain(slope.value), notes))
    ends = ("perplexity_heldout", "fact_coverage", "distinct_2")
    shown += [_change_tile(trajectory, name) for name in ends if name in trajectory]
    return shown + _last_tiles(trajectory, ("truth", "axioms", "duplicates"), last)


def _phase_note(phases: Phases) -> str:
    if phases.change is not None and phases.volume_rate is not None:
        return f"ln volume {plain(phases.volume_rate.value)} a generation before"
    return "too few generations" if phases.bic_advantage is None else "one phase fits as well"


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
            notes.append(f"95 %: {span(curve.low[-1], curve.high[-1])}")
        if band:
            notes.append(f"null: {span(band.low, band.high)}")
        value = plain(trajectory.last(name)) + percent
        shown.append(Tile(f"{entry.label} at {last}", value, tuple(notes)))
    return shown


def _change_tile(trajectory: Trajectory, name: str) -> Tile:
    values = f"{plain(trajectory.first(name))} → {plain(trajectory.last(name))}"
    notes = [f"{g(int(trajectory.generations[0]))} → {g(int(trajectory.generations[-1]))}"]
    if band := trajectory.band(name, len(trajectory.generations) - 1):
        notes.append(f"null: {span(band.low, band.high)}")
    return Tile(metric(name).label, values, tuple(notes))
