"""The parts of the page, each a function from data to HTML; every text is escaped here."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from palimpsest.decay.phases import Phases
from palimpsest.decay.summary import Summary, auc, half_life
from palimpsest.decay.trajectory import Card, Trajectory, number
from palimpsest.report.labels import LABELS, label, plain

VERDICTS = ("PASS", "WARN", "FAIL", "CRITICAL", "DEAD")


@dataclass(frozen=True)
class Picture:
    """A picture with its words; a wide one takes the whole row."""

    title: str
    caption: str
    png: bytes
    wide: bool = True


@dataclass(frozen=True)
class Sample:
    """Texts of one generation, as written."""

    generation: int
    texts: tuple[str, ...]


def g(generation: float) -> str:
    """A generation's name, as in the graph: g07; between two, with its decimal: g3.4."""
    return f"g{int(generation):02d}" if float(generation).is_integer() else f"g{generation:.1f}"


def story(summary: Summary) -> list[str]:
    """The chain in a few sentences, only those that the data support."""
    trajectory, phases, forecast = summary.trajectory, summary.phases, summary.forecast
    last = int(trajectory.generations[-1])
    lines = []
    integrity = trajectory.last("integrity")
    if integrity is not None:
        lines.append(
            f"After {last} generation{'s' * (last != 1)}, {100 * integrity:.0f}\u00a0% of the "
            f"original integrity is left{_of_humans(trajectory)}."
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
            f"{label(alarm.metric).title}{others}, at {g(alarm.generation)}."
        )
    elif summary.alarms:
        lines.append("No metric has left its null band for two generations in a row.")
    if forecast.generation is None:
        lines.append(f"No forecast for integrity {forecast.threshold:g}: {forecast.reason}.")
    elif forecast.observed:
        lines.append(f"Integrity fell to {forecast.threshold:g} at {g(forecast.generation)}.")
    else:
        span = f"{plain(forecast.low)} to {plain(forecast.high)}"
        lines.append(
            f"If this phase goes on, integrity falls to {forecast.threshold:g} at "
            f"{g(forecast.generation)} "
            f"(95 % interval: generations {span})."
        )
    return lines


def _of_humans(trajectory: Trajectory) -> str:
    """What fresh human text reads instead: the basis is fitted to generation 0, it is not 1."""
    band = trajectory.null.get("integrity")
    if band is None:
        return ""
    return f" (fresh human text has {100 * band.low:.0f} to {100 * band.high:.0f}\u00a0%)"


def tiles(summary: Summary) -> str:
    """The headline numbers, each with its interval and null band where there are any."""
    trajectory, phases, alarm = summary.trajectory, summary.phases, summary.first_alarm
    last = g(int(trajectory.generations[-1]))
    cells = [_last_tile(trajectory, name, last) for name in ("integrity", "loss")]
    if "integrity" in trajectory:
        cells.append(_tile("half-life", _when(half_life(trajectory)), ["integrity at 0.5"]))
        cells.append(_tile("area under integrity", plain(auc(trajectory)), ["mean of g01 and on"]))
    rate = phases.volume_rate
    notes = [f"ln volume {plain(rate.value)} a generation before"] if rate and phases.change else []
    change = "none" if phases.change is None else f"after {g(phases.change)}"
    cells.append(_tile("change of phase", change, notes or [_one_phase(phases)]))
    if summary.alarms:
        when = "none" if alarm is None else _when(alarm.generation)
        notes = [f"{label(alarm.metric).title}, {alarm.side} its band"] if alarm else []
        cells.append(_tile("first alarm", when, notes or ["every metric in its null band"]))
    if phases.drift_slope:
        slope = phases.drift_slope
        notes = ["PCA units a generation"]
        if slope.low is not None:
            notes.append(f"95 %: {plain(slope.low)} to {plain(slope.high)}")
        cells.append(_tile("slope of the drift", plain(slope.value), notes))
    for name in ("perplexity_heldout", "fact_coverage", "distinct_2"):
        if name in trajectory:
            cells.append(_change_tile(trajectory, name))
    cells += [_last_tile(trajectory, name, last) for name in ("truth", "axioms", "duplicates")]
    return f'<div class="tiles">{"".join(cells)}</div>'


def pictures(items: Iterable[Picture]) -> str:
    """Pictures embedded as base64, with captions."""
    parts = []
    for item in items:
        data = base64.b64encode(item.png).decode("ascii")
        parts.append(
            f'<figure{" class=wide" if item.wide else ""}><div class="frame">'
            f'<img alt="{escape(item.title)}" src="data:image/png;base64,{data}"></div>'
            f"<figcaption><b>{escape(item.title)}.</b> {escape(item.caption)}</figcaption></figure>"
        )
    return f'<div class="pictures">{"".join(parts)}</div>'


def metric_table(trajectory: Trajectory, names: Iterable[str] = LABELS) -> str:
    """Some metrics, a row a generation; values outside the null band are marked.

    Args:
        trajectory: the chain.
        names: which metrics, by default the chief ones; those not measured are left out.
    """
    names = [name for name in names if name in trajectory]
    head = "".join(
        f"<th>{escape(label(name).title)}<small>{escape(label(name).unit)}</small></th>"
        for name in names
    )
    rows = []
    for at, generation in enumerate(trajectory.generations):
        cells = "".join(_cell(trajectory, name, at) for name in names)
        rows.append(f"<tr><th>{g(int(generation))}</th>{cells}</tr>")
    if any(name in trajectory.null for name in names):
        ends = [trajectory.null.get(name) for name in names]
        cells = "".join(
            f"<td>{plain(band.low)} to {plain(band.high)}</td>" if band else "<td>–</td>"
            for band in ends
        )
        rows.append(f"<tr><th>null band</th>{cells}</tr>")
    return _scroll(
        f"<thead><tr><th>generation</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    )


def full_table(trajectory: Trajectory) -> str:
    """Every metric, a row each, a column a generation."""
    head = "".join(f"<th>{g(int(number))}</th>" for number in trajectory.generations)
    rows = []
    for name in sorted(trajectory.curves):
        cells = "".join(_cell(trajectory, name, at) for at in range(len(trajectory.generations)))
        band = trajectory.null.get(name)
        null = f"{plain(band.low)} to {plain(band.high)}" if band else "–"
        rows.append(f"<tr><th><code>{escape(name)}</code></th>{cells}<td>{null}</td></tr>")
    return _scroll(
        f"<thead><tr><th>metric</th>{head}<th>null band</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody>"
    )


def lineage_table(trajectory: Trajectory, names: Iterable[str] = LABELS) -> str:
    """The last generation beside that of the null lineage; empty without one."""
    null, last = trajectory.lineage, trajectory.generations[-1]
    if null is None or null.generations[-1] != last:
        return ""
    rows = []
    for name in names:
        apart = trajectory.difference(name)
        if not apart.known[-1]:
            continue
        low, high = number(apart.low[-1]), number(apart.high[-1])
        ends = "–" if low is None else f"{plain(low)} to {plain(high)}"
        cells = (trajectory.last(name), null.last(name), number(apart.value[-1]))
        texts = "".join(f"<td>{plain(cell)}</td>" for cell in cells)
        rows.append(f"<tr><th>{escape(label(name).title)}</th>{texts}<td>{ends}</td></tr>")
    heads = (f"at {g(int(last))}", "chain", "null lineage", "difference", "95 % interval")
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return _scroll(f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>")


def alarm_table(summary: Summary) -> str:
    """Which metric warned when."""
    rows = "".join(
        f"<tr><th>{escape(label(alarm.metric).title)}</th>"
        f"<td>{_when(alarm.generation)}</td><td>{escape(alarm.side or '–')}</td>"
        f"<td>{_chance(alarm.p_value)}</td></tr>"
        for alarm in summary.alarms
    )
    head = "<th>metric</th><th>alarm at</th><th>side of the band</th><th>p</th>"
    table = _scroll(f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>")
    return f'<div class="narrow">{table}</div>'


def witnesses(cards: Sequence[Card]) -> str:
    """Each witness prompt's continuation by generation, side by side, with its verdict."""
    prompts = list(dict.fromkeys(w["prompt"] for card in cards for w in card.get("witness") or ()))
    if not prompts:
        return '<p class="soft">This chain has no witness prompts.</p>'
    found = {
        (card["generation"], w["prompt"]): w for card in cards for w in card.get("witness") or ()
    }
    heads = []
    for prompt in prompts:
        marks = [found.get((card["generation"], prompt)) for card in cards]
        strip = "".join(
            f'<i class="{_verdict(mark)}" title="{g(card["generation"])} {_verdict(mark)}"></i>'
            for card, mark in zip(cards, marks, strict=True)
            if mark
        )
        heads.append(f'<th class="text">{escape(prompt)} …<div class="strip">{strip}</div></th>')
    rows = []
    for card in cards:
        cells = "".join(_testimony(found.get((card["generation"], p)), p) for p in prompts)
        rows.append(f'<tr><th class="g">{g(card["generation"])}</th>{cells}</tr>')
    return (
        f'<div class="scroll"><table class="witness" style="--prompts: {len(prompts)}">'
        '<thead><tr><th class="g"></th>'
        f"{''.join(heads)}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def samples(items: Iterable[Sample]) -> str:
    """Texts as they were written, a column a generation."""
    columns = []
    for item in items:
        texts = "".join(
            f'<blockquote class="text">{escape(text) or "<i>(empty)</i>"}</blockquote>'
            for text in item.texts
        )
        name = f"{g(item.generation)}{', human' if item.generation == 0 else ''}"
        columns.append(f"<div><h3>{name}</h3>{texts}</div>")
    return f'<div class="samples">{"".join(columns)}</div>'


def provenance(facts: Mapping[str, Any]) -> str:
    """What the chain was made from and with; nested mappings are flattened with dots."""
    rows = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in _flat("", facts)
    )
    return f"<dl>{rows}</dl>"


def _flat(prefix: str, facts: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", "–" if value is None else str(value)


def _scroll(table: str) -> str:
    return f'<div class="scroll"><table>{table}</table></div>'


def _one_phase(phases: Phases) -> str:
    return "too few generations" if phases.bic_advantage is None else "one phase fits as well"


def _chance(p_value: float) -> str:
    """A p-value; no normal tail is known farther out than one in a million."""
    return "&lt; 10<sup>−6</sup>" if p_value < 1e-6 else plain(p_value)


def _when(generation: float | None) -> str:
    return "never" if generation is None else g(generation)


def _tile(name: str, value: str, notes: Iterable[str] = ()) -> str:
    lines = "".join(f"<span>{escape(note)}</span>" for note in notes)
    head = f'<span class="name">{escape(name)}</span>'
    pair = " class=pair" if "→" in value else ""
    return f'<div class="tile">{head}<b{pair}>{escape(value)}</b>{lines}</div>'


def _last_tile(trajectory: Trajectory, name: str, last: str) -> str:
    """A metric at the last generation; nothing where it was not measured."""
    if name not in trajectory:
        return ""
    curve, band = trajectory.curve(name), trajectory.null.get(name)
    title, unit = label(name)
    percent = " %" if unit == "%" else ""
    notes = [] if percent or not unit else [unit]
    low, high = number(curve.low[-1]), number(curve.high[-1])
    if low is not None and high is not None:
        notes.append(f"95 %: {plain(low)} to {plain(high)}")
    if band:
        notes.append(f"null: {plain(band.low)} to {plain(band.high)}")
    return _tile(f"{title} at {last}", plain(trajectory.last(name)) + percent, notes)


def _change_tile(trajectory: Trajectory, name: str) -> str:
    values = f"{plain(trajectory.first(name))} → {plain(trajectory.last(name))}"
    ends = f"{g(int(trajectory.generations[0]))} → {g(int(trajectory.generations[-1]))}"
    band = trajectory.null.get(name)
    notes = [ends] + ([f"null: {plain(band.low)} to {plain(band.high)}"] if band else [])
    return _tile(label(name).title, values, notes)


def _cell(trajectory: Trajectory, name: str, at: int) -> str:
    curve, band = trajectory.curve(name), trajectory.null.get(name)
    value = number(curve.value[at])
    low, high = number(curve.low[at]), number(curve.high[at])
    left = value is not None and band is not None and trajectory.generations[at] > 0
    mark = ' class="left"' if left and value is not None and band and not band.holds(value) else ""
    hint = f' title="95 %: {plain(low)} to {plain(high)}"' if low is not None else ""
    return f"<td{mark}{hint}>{plain(value)}</td>"


def _verdict(witness: Mapping[str, Any] | None) -> str:
    verdict = str(witness["verdict"]) if witness else ""
    return verdict if verdict in VERDICTS else "WARN"


def _testimony(witness: Mapping[str, Any] | None, prompt: str) -> str:
    if witness is None:
        return f'<td data-prompt="{escape(prompt)} …">–</td>'
    verdict = _verdict(witness)
    text = escape(str(witness["continuation"]).strip()) or "<i>(nothing)</i>"
    reasons = escape("; ".join(witness.get("reasons") or ()))
    small = f"<small>{reasons}</small>" if reasons else ""
    return (
        f'<td data-prompt="{escape(prompt)} …"><span class="badge {verdict}">{verdict}</span>'
        f'<span class="text">{text}</span>{small}</td>'
    )
