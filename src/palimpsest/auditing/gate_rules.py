"""The rules of a gate: what one may say. `palimpsest.auditing.gate_grammar` reads them from text.

A rule is one of four sentences (docs/gate.md)::

    integrity >= 0.8                                 a level
    fact_coverage drop <= 5%                         a change, against another measurement
    outside null: any of [volume_rarefied, vendi]    a place in the null band
    verdict not in [collapsed, copied]               a verdict of an audit

The first three may end with ``at last``, ``at all`` or ``at g05`` and with ``surely``.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from palimpsest.core.errors import PalimpsestError
from palimpsest.metrics.registry import REGISTRY
from palimpsest.trajectory.summary import HEADLINE

Operator = Literal[">=", "<=", ">", "<", "==", "!="]
Motion = Literal["drop", "rise", "change"]
NullSide = Literal["outside", "inside", "below", "above"]
Quantifier = Literal["any of", "all of"]
Severity = Literal["error", "warning"]

LAST, ALL = "last", "all"
HEADLINE_NAMES = {short: name.removesuffix("_last") for short, name in HEADLINE.items()}
"""What metrics/integrity.json calls a metric -> the metric."""
_GENERATION = re.compile(r"g\d{2,3}", re.ASCII)


class GateError(PalimpsestError):
    """A gate's rules, or what they are held against, cannot be read."""


@dataclass(frozen=True)
class Level:
    """The metric's value is on this side of the threshold."""

    metric: str
    operator: Operator
    threshold: float


@dataclass(frozen=True)
class Change:
    """How far the metric has moved from what the other measurement says of it."""

    metric: str
    motion: Motion
    """``drop``: how much lower it is now; ``rise``: how much higher; ``change``: either way."""
    operator: Operator
    threshold: float
    relative: bool
    """As a share of the other value's size; else in the metric's own unit."""


@dataclass(frozen=True)
class NullPlace:
    """Where metrics lie in the null band of human text.

    ``inside`` says what must hold. ``outside``, ``below`` and ``above`` name what must not be.
    """

    side: NullSide
    quantifier: Quantifier
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Every verdict of the audit is among these names, or none is."""

    among: bool
    names: tuple[str, ...]


Condition = Level | Change | NullPlace | Verdict


@dataclass(frozen=True)
class Rule:
    """One rule of a gate."""

    text: str
    """As it was written, in one line."""
    condition: Condition
    at: str = LAST
    """Generation: ``last``, ``all`` or a name such as ``g05``."""
    surely: bool = False
    """Whether the whole 95 % interval counts, not the value alone."""
    name: str = ""
    """For readers, and by which a service knows the rule again; the text where none is given."""
    severity: Severity = "error"
    file: str | None = None
    """Where it stands; None for a rule of the command line."""
    line: int | None = None
    """Counted from 1."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it names."""
        if isinstance(self.condition, NullPlace):
            return self.condition.metrics
        return () if isinstance(self.condition, Verdict) else (self.condition.metric,)

    @property
    def where(self) -> str:
        """Where it stands, in words, for an error."""
        place = "--rule" if self.file is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.text!r}"


def check_names(rules: Sequence[Rule], known: Iterable[str]) -> None:
    """Makes sure that every metric that a rule names exists.

    Args:
        rules: of a gate.
        known: metrics that were measured, beside those of the registry.

    Raises:
        GateError: one does not.
    """
    names = {*known, *REGISTRY, *HEADLINE_NAMES}
    for rule in rules:
        for name in rule.metrics:
            if name not in names:
                hint = near(name, names) or "palimpsest metrics lists them"
                raise GateError(rule.where, wanted="a metric", got=repr(name), hint=hint)


def near(name: str, known: Iterable[str]) -> str | None:
    """A hint that names what a misspelled name may have meant; None if nothing is near."""
    close = get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else None


def check_at(at: object, what: str) -> str:
    """Makes sure that this says a generation.

    Raises:
        GateError: it does not.
    """
    if isinstance(at, str) and (at in (LAST, ALL) or _GENERATION.fullmatch(at)):
        return at
    raise GateError(what, wanted="at last, at all or a generation such as g05", got=repr(at))
