"""Decides the rules of a gate: does each hold, is it broken, or can it not be told?

What is not known never passes: a metric that was not measured, is undefined or has no interval
where ``surely`` asks for one. What is known decides as far as it goes: `any of` two metrics is
decided by one, a rule for all generations is broken by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from operator import ge, gt, le, lt

from palimpsest.auditing.gate_comparison import incomparable
from palimpsest.auditing.gate_rules import (
    ALL,
    HEADLINE_NAMES,
    LAST,
    Change,
    Level,
    NullPlace,
    NullSide,
    Operator,
    Rule,
    Verdict,
)
from palimpsest.core.formatting import plain, span

Interval = tuple[float, float]
NEARLY = 1e-9
"""Share of a threshold by which a computed change may miss it: 0.8 − 0.76 is not 5 % of 0.8 to a
computer."""


@dataclass(frozen=True)
class Reading:
    """What is known of one metric."""

    value: float | None
    """None where it is undefined."""
    interval: Interval | None = None
    """95 %; None where there is none."""
    null: Interval | None = None
    """The band of human samples; None where there is none."""


Readings = Mapping[str, Reading]
"""Metric -> what is known of it."""


@dataclass(frozen=True)
class Subject:
    """What rules are held against: a chain, an audit, or numbers in a file."""

    name: str
    """For readers."""
    generations: Mapping[str, Readings]
    """Generation (g00, g01 …) -> its metrics, in order; what has none stands under ""."""
    verdicts: tuple[str, ...] | None = None
    """Of an audit."""
    measured_on: Mapping[str, object] = field(default_factory=dict)
    """What values depend on, such as the size of the sample; None where it is not known, and of
    what does not say, nothing."""
    file: str | None = None
    """The file that it was read from, for reports."""
    gap: str = ""
    """What is not known of it though it was measured, and how to have it; empty where nothing."""

    @property
    def metrics(self) -> set[str]:
        """The names of all that was measured."""
        return {name for readings in self.generations.values() for name in readings}


class State(StrEnum):
    """What became of a rule."""

    PASS = "pass"
    BREACH = "breach"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Outcome:
    """A rule and what became of it."""

    rule: Rule
    state: State
    detail: str
    """What was measured, or why that cannot be told; one line."""


@dataclass(frozen=True)
class _Answer:
    """Whether a condition holds (None: cannot be told), and what that rests on."""

    holds: bool | None
    detail: str


def decide(rules: Sequence[Rule], subject: Subject, base: Subject | None) -> list[Outcome]:
    """Decides every rule.

    Args:
        rules: of the gate.
        subject: what they are held against.
        base: what changes are measured from; None where nothing was named.
    """
    states = {True: State.PASS, False: State.BREACH, None: State.UNKNOWN}
    outcomes = []
    for rule in rules:
        answer = _answer(rule, subject, base)
        outcomes.append(Outcome(rule, states[answer.holds], answer.detail))
    return outcomes


def whole_state(outcomes: Sequence[Outcome]) -> State:
    """That of the gate: a breach is certain and counts before what cannot be told.

    Rules of severity ``warning`` do not count.
    """
    states = {one.state for one in outcomes if one.rule.severity == "error"}
    order = (State.BREACH, State.UNKNOWN)
    return next((state for state in order if state in states), State.PASS)


def _answer(rule: Rule, subject: Subject, base: Subject | None) -> _Answer:
    """One rule, over the generations that it is about."""
    if isinstance(rule.condition, Verdict):
        return _of_verdicts(rule.condition, subject)
    if not subject.generations:
        return _Answer(None, f"{subject.name} has no generation")
    names = list(subject.generations)
    if rule.at == LAST:
        names = names[-1:]
    elif rule.at != ALL:
        if rule.at not in subject.generations:
            own = "no generations" if names == [""] else f"{names[0]} to {names[-1]}"
            return _Answer(None, f"no {rule.at} in {subject.name} ({own})")
        names = [rule.at]
    answers = [(name, _at(rule, subject, base, name)) for name in names]
    holds = _all([answer.holds for _, answer in answers])
    telling = [(name, answer) for name, answer in answers if answer.holds is holds]
    # of a rule that all generations pass, the last speaks; else the first that does not
    name, answer = telling[-1] if holds else telling[0]
    where = f" at {name}" if name else ""
    more = f", and {len(telling) - 1} more" if len(telling) > 1 else ""
    return _Answer(holds, f"{answer.detail}{where}{more}")


def _of_verdicts(rule: Verdict, subject: Subject) -> _Answer:
    if subject.verdicts is None:
        return _Answer(None, f"{subject.name} has no verdict, which the JSON of an audit has")
    named = [verdict in rule.names for verdict in subject.verdicts]
    holds = all(named) if rule.among else not any(named)
    return _Answer(holds, f"verdict: {', '.join(subject.verdicts)}")


def _at(rule: Rule, subject: Subject, base: Subject | None, name: str) -> _Answer:
    """One rule at one generation."""
    readings = subject.generations[name]
    if isinstance(rule.condition, Level):
        return _of_level(rule.condition, readings, rule.surely)
    if isinstance(rule.condition, NullPlace):
        return _of_band(rule.condition, readings, rule.surely)
    assert isinstance(rule.condition, Change), "a verdict is no matter of a generation"
    if base is None:
        return _Answer(None, "without --against there is nothing to compare with")
    other, lacking = _base_readings(base, name, rule.at)
    if other is None:
        return _Answer(None, lacking)
    full = HEADLINE_NAMES.get(rule.condition.metric, rule.condition.metric)
    if apart := incomparable(full, subject.measured_on, base.measured_on, base.name):
        return _Answer(None, f"values that are not comparable: {apart}")
    return _of_change(rule.condition, readings, other, rule.surely)


def _base_readings(base: Subject, name: str, at: str) -> tuple[Readings | None, str]:
    """What to compare a generation with, or why there is nothing."""
    if name in base.generations:
        return base.generations[name], ""
    if name and "" not in base.generations:
        return None, f"{base.name} has nothing to compare with"
    if not base.generations or (name and at == ALL):
        return None, f"{base.name} has no generations to compare with"
    return list(base.generations.values())[-1], ""


def _of_level(rule: Level, readings: Readings, surely: bool) -> _Answer:
    interval, detail = _known(rule.metric, readings, surely)
    if interval is None:
        return _Answer(None, detail)
    holds = _compare(interval, rule.operator, rule.threshold)
    across = f" reaches across {plain(rule.threshold)}" if holds is None else ""
    return _Answer(holds, f"{detail}{across}")


def _of_change(rule: Change, readings: Readings, base: Readings, surely: bool) -> _Answer:
    own, detail = _known(rule.metric, readings, surely)
    other, before = _known(rule.metric, base, surely)
    if own is None or other is None:
        return _Answer(None, detail if own is None else f"in what it is compared with: {before}")
    moved = _moved(rule, own, other)
    close = abs(rule.threshold) * NEARLY
    snapped = [rule.threshold if abs(end - rule.threshold) <= close else end for end in moved]
    holds = _compare((snapped[0], snapped[1]), rule.operator, rule.threshold)
    much = [_amount(end, rule.relative) for end in dict.fromkeys(moved)]
    was = before.removeprefix(f"{rule.metric} ")
    return _Answer(holds, f"{detail}, before {was}: {rule.motion} of {' to '.join(much)}")


def _moved(rule: Change, own: Interval, base: Interval) -> Interval:
    """How far it moved, at the least and at the most that the intervals allow."""
    if rule.relative and base[0] <= 0 <= base[1] and base[0] < base[1]:
        low, high = -inf, inf  # a share of what may be nothing
    else:
        ends = [_difference(now, then, rule.relative) for now in own for then in base]
        low, high = min(ends), max(ends)
    if rule.motion == "drop":
        return -high, -low
    if rule.motion == "rise":
        return low, high
    return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


def _difference(now: float, then: float, relative: bool) -> float:
    """A rise from 0 is more than any share of it."""
    apart = now - then
    if not relative or apart == 0:
        return apart
    return apart / abs(then) if then else (inf if apart > 0 else -inf)


def _of_band(rule: NullPlace, readings: Readings, surely: bool) -> _Answer:
    """Whether metrics lie where they should."""
    found: list[tuple[bool | None, str]] = []
    for name in rule.metrics:
        interval, detail = _known(name, readings, surely)
        null = None if interval is None else _reading(name, readings).null
        if interval is None:
            found.append((None, detail))
        elif null is None:
            found.append((None, f"{name} has no null band"))
        else:
            band = f"{detail}, null {span(*null)}"
            found.append((_lies(interval, rule.side, null), band))
    states = [state for state, _ in found]
    event = _any(states) if rule.quantifier == "any of" else _all(states)
    holds = event if rule.side == "inside" or event is None else not event
    # what is decided rests on the metrics that say so; what is not, on those that say nothing
    telling = [text for state, text in found if state is event] or [text for _, text in found]
    return _Answer(holds, "; ".join(telling))


def _lies(interval: Interval, side: NullSide, null: Interval) -> bool | None:
    """Whether a value, or its whole interval, lies on this side of the null band."""
    below = _compare(interval, "<", null[0])
    above = _compare(interval, ">", null[1])
    if side in ("below", "above"):
        return below if side == "below" else above
    outside = _any([below, above])
    return outside if side == "outside" or outside is None else not outside


def _reading(name: str, readings: Readings) -> Reading:
    """A metric by its name, or by what metrics/integrity.json calls it."""
    for one in (name, HEADLINE_NAMES.get(name, name)):
        if one in readings:
            return readings[one]
    short = [one for one, full in HEADLINE_NAMES.items() if full == name and one in readings]
    return readings[short[0]] if short else Reading(None)


def _known(name: str, readings: Readings, surely: bool) -> tuple[Interval | None, str]:
    """The value twice, or the interval if it counts; None and the reason where it is not known."""
    reading = _reading(name, readings)
    if reading.value is None:
        there = name in readings
        return None, f"{name} is undefined here" if there else f"{name} was not measured"
    shown = plain(reading.value)
    if reading.interval is not None:
        shown += f" ({span(*reading.interval)})"
    if surely and reading.interval is None:
        return None, f"{name} {shown} has no interval, which surely asks for"
    interval = reading.interval if surely else None
    return interval or (reading.value, reading.value), f"{name} {shown}"


def _compare(interval: Interval, operator: Operator, threshold: float) -> bool | None:
    """Whether all of an interval compares so, none of it, or (None) a part."""
    low, high = interval
    if operator in ("==", "!="):
        equal = None if low <= threshold <= high else False
        if low == high == threshold:
            equal = True
        return equal if operator == "==" or equal is None else not equal
    holds = {">=": ge, ">": gt, "<=": le, "<": lt}[operator]
    ends = {holds(low, threshold), holds(high, threshold)}
    return ends.pop() if len(ends) == 1 else None


def _all(states: Sequence[bool | None]) -> bool | None:
    """False if one is, else None if one is, else True."""
    return False if False in states else None if None in states else True


def _any(states: Sequence[bool | None]) -> bool | None:
    """True if one is, else None if one is, else False."""
    return True if True in states else None if None in states else False


def _amount(number: float, relative: bool) -> str:
    """A change for readers."""
    if abs(number) == inf:
        return "more than any share" if number > 0 else "less than any share"
    return f"{plain(100 * number)} %" if relative else plain(number)
