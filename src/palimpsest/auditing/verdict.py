"""From measured metrics and null samples to what they say: the rules of docs/audit.md.

A metric stands out when its 95 % interval lies wholly outside the null band and its p-value
survives Benjamini–Hochberg over all metrics. It then counts as collapse if it does so on the side
that `palimpsest.metrics.registry` names and is no mere distance, else as a difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import Field

from palimpsest.core.config import Number, Section
from palimpsest.core.parameters import FEWEST_TEXTS
from palimpsest.metrics.registry import metric, shown_in
from palimpsest.statistics.multiple_testing import discoveries
from palimpsest.statistics.null_band import Band

REASONS = 3
"""Reasons in the verdict's sentence, at the most."""

LEAST_METRICS = 2
"""Metrics that must count as collapse before text is called narrower. In 402 audits of human text
against itself one did three times, two never."""
REPETITION, INSIDE = "repetition_diversity", 0.7
"""What is measured inside texts, where another subject changes little; and the share of the human
mean from which down it decides by itself. TinyStories keeps .90 of Wikipedia's, stories written at
temperature 0.5 by a model of 656,000 parameters .80, texts that end in loops .3 to .5."""

SURPRISE, SURPRISING = "surprise_q50", 1.25
"""Nats a token of the median text under a model of human text, and how much over the human mean
makes texts of the reference's own subject garbled: a convention. Another subject surprises, too."""

Measured = Mapping[str, Mapping[str, float | None]]
"""``{metric: {value, low, high}}``."""


class AuditVerdict(StrEnum):
    """What an audit says, the plainest first; more than one may hold, ``NO_SIGN`` alone."""

    COPIED = "copied"
    """Texts stand in the reference."""
    REPEATED = "repeated"
    """Texts repeat each other or themselves, begin with one phrase, or are empty."""
    GARBLED = "garbled"
    """Words or word order are no language of the reference's kind."""
    COLLAPSED = "collapsed"
    """Most of the variety of human text is gone."""
    NARROWER = "narrower"
    """Less varied than human text."""
    SHORTENED = "shortened"
    """Texts are shorter than the reference's."""
    OTHER_SUBJECT = "other_subject"
    """Texts are about something that the reference is not about."""
    NO_SIGN = "no_sign"
    """Nothing of the above."""


class AuditParams(Section):
    """How a corpus is audited; `DEFAULTS` has the command's values."""

    sample: Annotated[int | None, Field(ge=FEWEST_TEXTS)]
    """n, texts of each sample; null takes the candidate's count, at most a third of the
    reference's and at most 2,000."""
    seed: Annotated[int, Field(ge=0)]
    """Of every draw."""
    half_samples: Annotated[int, Field(ge=0)]
    """Half-samples of the jackknife; 0 gives no intervals, and values alone are compared."""
    null_samples: Annotated[int, Field(ge=2)]
    """Reference samples behind the null band."""
    level: Annotated[Number, Field(gt=0, lt=1)]
    """False discovery rate over metrics, in (0, 1)."""
    collapsed: Annotated[Number, Field(gt=0, lt=1)]
    """Share of the null's mean that two families of breadth have fallen to in a collapse."""


DEFAULTS = AuditParams(
    sample=None,
    seed=0,
    half_samples=100,
    null_samples=20,
    level=0.05,
    collapsed=0.5,
)


@dataclass(frozen=True)
class Finding:
    """One metric of the candidate over the null band of the reference."""

    metric: str
    value: float
    """In the metric's own unit (docs/metrics.md)."""
    low: float | None
    """Lower end of the 95 % interval; None where there is none (see ``uncertainty``)."""
    high: float | None
    """Upper end of it."""
    band: Band
    """Of the null samples, widened for their overlap; its sd is > 0."""
    p_value: float
    """Two-sided, of a value so far from the null samples' mean."""
    place: str
    """Where the value and its whole interval lie: "inside", "below" or "above" the band. "near":
    the value is outside, but its interval reaches into the band."""
    counts: str
    """"collapse" or "different"; "" where it does not stand out, or is only more alike."""

    @property
    def distance(self) -> float:
        """From the null's mean, in the null's standard deviations; >= 0."""
        return abs(self.value - self.band.mean) / self.band.sd

    @property
    def kept(self) -> float:
        """The value over the null's mean; 1 where that mean is not positive."""
        return self.value / self.band.mean if self.band.mean > 0 else 1.0


def findings(measured: Measured, bands: Mapping[str, Band], level: float) -> tuple[Finding, ...]:
    """Holds every metric against its null band.

    Args:
        measured: the candidate's metrics with their intervals; None where undefined.
        bands: of the reference (`palimpsest.evaluation.null_bands`).
        level: false discovery rate over metrics.

    Returns:
        A finding for each metric that both sides have and that is evidence of its own, in the
        order measured.
    """
    known: dict[str, tuple[float, float | None, float | None]] = {}
    for name, entry in measured.items():
        value = entry["value"]
        if name in bands and metric(name).own_evidence and value is not None:
            known[name] = value, entry["low"], entry["high"]
    p_values = [bands[name].p_value(value) for name, (value, *_) in known.items()]
    stands = discoveries(np.array(p_values, dtype=np.float64), level)
    result = []
    for at, (name, (value, low, high)) in enumerate(known.items()):
        place = _place(value, low, high, bands[name])
        counts = _counts(name, place) if stands[at] else ""
        result.append(Finding(name, value, low, high, bands[name], p_values[at], place, counts))
    return tuple(result)


def judge(
    findings: Sequence[Finding], params: AuditParams, away: bool
) -> tuple[AuditVerdict | None, tuple[Finding, ...]]:
    """What the metrics say of variety, and the reasons, the strongest first.

    Args:
        findings: every metric over its band.
        params: the thresholds.
        away: whether the texts are about something else, or no language: room and reach then say
            nothing by themselves.

    Returns:
        ``COLLAPSED``: in two of the families room, reach and words, a measure of size that is shown
        as "breadth" in the registry counts as collapse at ``params.collapsed`` of the null's mean
        or less; away, in room and words at the square of that share; where no embedding was
        measured, two measures of words. ``NARROWER``: `LEAST_METRICS` metrics or more count as
        collapse, one of them with an interval (if any has one); away, only the repetition inside
        texts counts, at `INSIDE` of the null's mean or less. None: neither. The reasons are one of
        each family before a second of any; without a verdict they are what differs.
    """
    against = [one for one in findings if one.counts == "collapse"]
    if _collapsed(findings, params.collapsed, away):
        return AuditVerdict.COLLAPSED, _strongest(against)
    if away:
        inside = [one for one in against if one.metric == REPETITION and one.kept <= INSIDE]
        if inside:
            return AuditVerdict.NARROWER, tuple(inside)
    elif len(against) >= LEAST_METRICS and _has_interval(against, findings):
        return AuditVerdict.NARROWER, _strongest(against)
    return None, _strongest([one for one in findings if one.counts])


def surprising(findings: Sequence[Finding]) -> Finding | None:
    """The median surprise under a model of human text, where it stands out far above its band."""
    for one in findings:
        if one.metric == SURPRISE and one.place == "above" and one.counts:
            return one if one.kept >= SURPRISING else None
    return None


def _has_interval(some: Sequence[Finding], every: Sequence[Finding]) -> bool:
    none = all(one.low is None for one in every)
    return none or any(one.low is not None for one in some)


def _collapsed(findings: Sequence[Finding], share: float, away: bool) -> bool:
    """Whether two families have lost their size; elsewhere, reach is lost without any collapse."""
    breadth = shown_in("breadth")
    if away:
        share = share**2
    sizes = [
        one
        for one in findings
        if one.counts == "collapse" and one.metric in breadth and one.kept <= share
    ]
    families = {metric(one.metric).evidence for one in sizes} - ({"reach"} if away else set())
    if any(metric(one.metric).evidence == "room" for one in findings):
        return len(families) >= 2
    return len(sizes) >= 2


def _place(value: float, low: float | None, high: float | None, band: Band) -> str:
    if (value if high is None else high) < band.low:
        return "below"
    if (value if low is None else low) > band.high:
        return "above"
    return "inside" if band.low <= value <= band.high else "near"


def _counts(name: str, place: str) -> str:
    """What standing out means; to be nearer to the reference than new text is neither."""
    if place in ("inside", "near"):
        return ""
    entry = metric(name)
    collapse, family = entry.direction, entry.evidence
    if (collapse, place) in (("down", "below"), ("up", "above")):
        return "different" if family == "distance" else "collapse"
    nearer = family in ("distance", "reach") or name == "memorised"
    return "" if nearer else "different"


def _strongest(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    ordered = sorted(findings, key=lambda one: -one.distance)
    families = [metric(one.metric).evidence for one in ordered]
    first = [one for at, one in enumerate(ordered) if families[at] not in families[:at]]
    rest = [one for one in ordered if one not in first]
    return tuple((first + rest)[:REASONS])
