"""From measured metrics and null samples to a verdict: the rules of docs/audit.md.

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

Measured = Mapping[str, Mapping[str, float | None]]
"""``{metric: {value, low, high}}``."""


class AuditVerdict(StrEnum):
    """What an audit says; ``DIFFERENT`` is no step on the way from whole to collapsed.

    ``COPIED`` and ``REPEATED`` are plain facts (`palimpsest.audit.copies`) and may hold beside any
    other.
    """

    COPIED = "copied from the reference"
    REPEATED = "repeated"
    WHOLE = "no sign of collapse"
    DIFFERENT = "different from the reference"
    NARROWER = "narrower than the reference"
    COLLAPSED = "collapsed"


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
    findings: Sequence[Finding], params: AuditParams
) -> tuple[AuditVerdict, tuple[Finding, ...]]:
    """The verdict and its reasons, the strongest first, one a family before a second of any.

    Returns:
        ``COLLAPSED``: in two of the families room, reach and words, a measure of size that is shown
        as "breadth" in the registry counts as collapse at ``params.collapsed`` of the null's mean
        or less; for a candidate that is `elsewhere`, in room and words at the square of that share.
        ``NARROWER``: some metric counts as collapse. ``DIFFERENT``: only others stand out, or the
        candidate is elsewhere, where being narrower says little. ``WHOLE``: nothing stands out.
    """
    against = [one for one in findings if one.counts == "collapse"]
    different = [one for one in findings if one.counts == "different"]
    away = elsewhere(findings)
    if _collapsed(against, params.collapsed, away):
        return AuditVerdict.COLLAPSED, _strongest(against)
    if against and not away:
        return AuditVerdict.NARROWER, _strongest(against)
    if against or different:
        return AuditVerdict.DIFFERENT, _strongest(different or against)
    return AuditVerdict.WHOLE, ()


def elsewhere(findings: Sequence[Finding]) -> bool:
    """Whether the candidate lies where the reference has few texts: another subject, or noise.

    Its texts are then farther from the nearest human text than human texts are (``nearest_human``
    stands out below its band). Text that collapses in its own field gathers where human texts are
    dense, and comes nearer.
    """
    return any(one.metric == "nearest_human" and one.counts == "different" for one in findings)


def _collapsed(against: Sequence[Finding], share: float, away: bool) -> bool:
    """Whether two families have lost their size; elsewhere, reach is lost without any collapse."""
    breadth = shown_in("breadth")
    sizes = [one for one in against if one.metric in breadth]
    if away:
        share = share**2
        sizes = [one for one in sizes if metric(one.metric).evidence != "reach"]
    return len({metric(one.metric).evidence for one in sizes if one.kept <= share}) >= 2


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
