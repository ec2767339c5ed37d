"""The two pictures of an audit's page, as numbers for inline SVG: the cloud, metrics over bands.

Drawn by the page itself, they need no package, take the colours of the reader's light or dark mode
and are words to a screen reader. Lengths are units of the picture's own coordinates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from palimpsest.auditing.verdict import Finding
from palimpsest.core.errors import MetricError
from palimpsest.core.formatting import plain, span
from palimpsest.metrics.registry import metric

Floats = NDArray[np.float64]

WIDTH, HEIGHT, MARGIN = 900.0, 460.0, 14.0
"""Of the cloud."""
LEFT, RIGHT, ROW, HEAD = 220.0, 600.0, 30.0, 26.0
"""Of the metrics: where the axis begins and ends, height of a row and of what stands above."""
FARTHEST = 300.0
"""Half-widths of a band at which a dot is drawn at the edge."""
TICKS = (1, 3, 10, 30, 100, 300)
LEAST_REACH = 3.0
"""Half-widths that the axis reaches at the least."""
COUNTS = {
    "collapse": "outside, where collapse lies",
    "different": "outside, and no collapse",
    "": "inside the band, or too near to tell",
}
"""What a metric counts as -> what the legend says."""


@dataclass(frozen=True)
class Points:
    """The texts of one side."""

    name: str
    texts: int
    path: str
    """A dot a text."""
    outline: str
    """Corners of the convex hull; empty where all lie on a line."""


@dataclass(frozen=True)
class Dot:
    """A metric on a scale of its own, on which its band is the stripe in the middle."""

    label: str
    counts: str
    """A key of `COUNTS`."""
    y: float
    x: float
    ends: tuple[float, float] | None
    """Of the 95 % interval."""
    said: str
    """Value and band."""


@dataclass(frozen=True)
class Bands:
    """Metrics over their bands."""

    dots: tuple[Dot, ...]
    stripe: tuple[float, float]
    """Where every band begins and ends."""
    ticks: tuple[tuple[float, str], ...]
    """Where, and what is written there."""
    bottom: float
    counts: tuple[tuple[str, str], ...]
    """What the dots count as, and in words: the legend."""


def cloud(candidate: Floats, human: Floats) -> tuple[Points, Points]:
    """Both sides in one plane, human texts first, on one scale for both directions.

    Args:
        candidate: (n, 2).
        human: (m, 2), in the same basis.

    Raises:
        MetricError: arrays that are not (n >= 1, 2) and finite.
    """
    sides = {"reference": human, "candidate": candidate}
    for name, points in sides.items():
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise MetricError(f"{name} points", wanted="(n >= 1, 2)", got=points.shape)
        if not np.isfinite(points).all():
            raise MetricError(f"{name} points", wanted="finite numbers", got="NaN or infinity")
    both = np.concatenate([*sides.values()])
    low, high = both.min(axis=0), both.max(axis=0)
    size = np.array([WIDTH, HEIGHT])
    scale = float(((size - 2 * MARGIN) / np.maximum(high - low, 1e-12)).min())
    turned = np.array([scale, -scale])  # a picture's second direction points down

    def drawn(name: str, points: Floats) -> Points:
        places = (points - (low + high) / 2) * turned + size / 2
        path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
        return Points(name, len(points), path, _outline(places))

    reference, own = (drawn(name, points) for name, points in sides.items())
    return reference, own


def over_bands(findings: Sequence[Finding]) -> Bands:
    """Metrics from top to bottom, each over the band of the human samples.

    Every row has a scale of its own, on which the band reaches from −1 to 1; beyond that the axis
    is logarithmic.

    Args:
        findings: at least one.

    Raises:
        MetricError: no finding.
    """
    if not findings:
        raise MetricError("findings", wanted="at least one", got=0)
    values = [[_scaled(one, end) for end in (one.value, one.low, one.high)] for one in findings]
    known = [abs(value) for row in values for value in row if value is not None]
    reach = 1.15 * _bent(max(LEAST_REACH, *known))

    def x(value: float) -> float:
        return (LEFT + RIGHT) / 2 + (RIGHT - LEFT) / 2 * _bent(value) / reach

    dots = []
    for row, (one, (value, low, high)) in enumerate(zip(findings, values, strict=True)):
        ends = None if low is None or high is None else (x(low), x(high))
        said = f"{plain(one.value)} ({span(one.band.low, one.band.high)})"
        y = HEAD + (row + 0.5) * ROW
        dots.append(Dot(metric(one.metric).label, one.counts, y, x(value or 0.0), ends, said))
    counted = {one.counts for one in findings}
    marks = [sign * tick for tick in TICKS if _bent(tick) <= reach for sign in (-1, 1)]
    return Bands(
        dots=tuple(dots),
        stripe=(x(-1.0), x(1.0)),
        ticks=tuple((x(mark), f"{mark}".replace("-", "−")) for mark in sorted(marks)),
        bottom=HEAD + len(findings) * ROW,
        counts=tuple((key, words) for key, words in COUNTS.items() if key in counted),
    )


def _scaled(one: Finding, value: float | None) -> float | None:
    """A value on the scale on which the band is −1 to 1, at most `FARTHEST` away."""
    if value is None:
        return None
    middle, half = (one.band.low + one.band.high) / 2, (one.band.high - one.band.low) / 2
    return float(np.clip((value - middle) / max(half, 1e-300), -FARTHEST, FARTHEST))


def _bent(value: float) -> float:
    """Straight up to 1, logarithmic beyond."""
    size = abs(value)
    return value if size <= 1 else (1 + log(size)) * (1 if value > 0 else -1)


def _outline(places: Floats) -> str:
    try:
        corners = ConvexHull(places).vertices
    except (QhullError, ValueError):  # all of them on a line, or too few
        return ""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places[corners])
