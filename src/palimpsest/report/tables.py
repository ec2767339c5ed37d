"""The tables of the page: rows and cells of text, which the templates turn into HTML."""

from collections.abc import Iterable
from dataclasses import dataclass

from palimpsest.core.formatting import plain, span
from palimpsest.metrics.registry import metric
from palimpsest.report.curve_data import explanation
from palimpsest.report.story import g, when
from palimpsest.trajectory.alarms import Alarm
from palimpsest.trajectory.collapse_profile import Answer
from palimpsest.trajectory.curves import Trajectory, number
from palimpsest.trajectory.summary import Summary


@dataclass(frozen=True)
class Column:
    """The head of a column."""

    title: str
    unit: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell."""

    text: str
    hint: str = ""
    """Shown when the pointer rests on it."""
    left: bool = False
    """Whether the value has left its null band."""


@dataclass(frozen=True)
class Row:
    """A named row."""

    name: str
    cells: tuple[Cell, ...]
    code: bool = False
    """Whether the name is that of a metric in the files."""


@dataclass(frozen=True)
class Table:
    """A head and rows."""

    head: tuple[Column, ...]
    rows: tuple[Row, ...]


def by_generation(trajectory: Trajectory, names: Iterable[str]) -> Table:
    """Some metrics, a row a generation and one of null bands; those not measured are left out."""
    names = [name for name in names if name in trajectory]
    columns = (Column(metric(name).label, metric(name).unit) for name in names)
    rows = [
        Row(g(int(generation)), tuple(_cell(trajectory, name, at) for name in names))
        for at, generation in enumerate(trajectory.generations)
    ]
    if any(name in trajectory.null for name in names):
        rows.append(Row("null band", tuple(_band(trajectory, name) for name in names)))
    return Table((Column("generation"), *columns), tuple(rows))


def by_metric(trajectory: Trajectory) -> Table:
    """Every metric, a row each, a column a generation."""
    columns = (Column(g(int(number))) for number in trajectory.generations)
    places = range(len(trajectory.generations))
    rows = []
    for name in sorted(trajectory.curves):
        cells = (_cell(trajectory, name, at) for at in places)
        rows.append(Row(name, (*cells, _band(trajectory, name)), code=True))
    return Table((Column("metric"), *columns, Column("null band")), tuple(rows))


def against_control(trajectory: Trajectory, names: Iterable[str]) -> Table | None:
    """The last generation beside that of the control chain; None without one."""
    control, last = trajectory.control, trajectory.generations[-1]
    if control is None or control.generations[-1] != last:
        return None
    rows = []
    for name in names:
        apart = trajectory.difference(name)
        if apart.known[-1]:
            values = (trajectory.last(name), control.last(name), number(apart.value[-1]))
            cells = (*map(plain, values), span(apart.low[-1], apart.high[-1]))
            rows.append(Row(metric(name).label, tuple(map(Cell, cells))))
    titles = (f"at {g(int(last))}", "chain", "control chain", "difference", "95 % interval")
    return Table(tuple(map(Column, titles)), tuple(rows))


@dataclass(frozen=True)
class Lead:
    """When a metric warned, and how much earlier than integrity."""

    name: str
    explained: str
    at: str
    ahead: str
    side: str
    p: str
    control: str
    """When the control chain warned on the same side."""


EARLIEST = 8
"""Metrics that the table of leads shows at once."""


def leads(summary: Summary) -> list[Lead]:
    """Which metric warned when, the earliest first; behind them those that the control chain warns
    of too, and at last those that never did.
    """
    own = next((alarm.generation for alarm in summary.alarms if alarm.metric == "integrity"), None)
    return [
        Lead(
            metric(alarm.metric).label,
            explanation(metric(alarm.metric)),
            when(alarm.generation),
            _ahead(alarm.generation, own),
            alarm.side or "–",
            _chance(alarm.p_value),
            _in_control(summary, alarm),
        )
        for alarm in sorted(summary.alarms, key=lambda one: _rank(summary, one))
    ]


def _rank(summary: Summary, alarm: Alarm) -> int:
    if alarm.generation is None:
        return 2
    return int(summary.in_control(alarm) is not None)


def _in_control(summary: Summary, alarm: Alarm) -> str:
    if alarm.generation is None:
        return "–"
    return when(summary.in_control(alarm))


def _ahead(generation: int | None, integrity: int | None) -> str:
    if generation is None or integrity is None:
        return "–"
    return f"{integrity - generation}".replace("-", "−")


@dataclass(frozen=True)
class Reply:
    """A definition of model collapse and what the chain says to it."""

    title: str
    meaning: str
    source: str
    verdict: str
    number: str
    measured: str
    explained: str
    rule: str


def replies(profile: Iterable[Answer], trajectory: Trajectory) -> list[Reply]:
    """The collapse profile in words."""
    return [_reply(answer, trajectory) for answer in profile]


def _reply(answer: Answer, trajectory: Trajectory) -> Reply:
    of, name = answer.definition, answer.metric
    said = (of.title, of.meaning, of.source, answer.verdict)
    if name is None:
        return Reply(*said, "", answer.reason, "", of.rule)
    text = plain(answer.value)
    if answer.low is not None:
        text += f" ({span(answer.low, answer.high)})"
    band = trajectory.band(name, len(trajectory.generations) - 1)
    beside = f"; human samples {span(band.low, band.high)}" if band else ""
    return Reply(
        *said, text, f"{metric(name).label}: {answer.shown}{beside}",
        explanation(metric(name)), of.rule,
    )  # fmt: skip


def _chance(p_value: float) -> str:
    """A p-value; no normal tail is known farther out than one in a million."""
    return "< 10⁻⁶" if p_value < 1e-6 else plain(p_value)


def _cell(trajectory: Trajectory, name: str, at: int) -> Cell:
    curve, band = trajectory.curve(name), trajectory.band(name, at)
    value = number(curve.value[at])
    later = trajectory.generations[at] > 0
    left = bool(value is not None and band is not None and later and not band.holds(value))
    known = number(curve.low[at]) is not None
    hint = f"95 %: {span(curve.low[at], curve.high[at])}" if known else ""
    return Cell(plain(value), hint, left)


def _band(trajectory: Trajectory, name: str) -> Cell:
    band = trajectory.null.get(name)
    return Cell(span(band.low, band.high) if band else "–")
