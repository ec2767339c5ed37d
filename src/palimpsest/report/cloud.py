"""The cloud of texts in three dimensions: what static/cloud.js draws beside the documents' points.

Hulls are computed here, not in the browser (plotly's mesh3d has ``alphahull``): they are then the
hulls whose volume the metric gives, of every text (the page may carry fewer), and moving the slider
computes none.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from palimpsest.metrics.hull import hull_faces
from palimpsest.report.documents import DIGITS, Written
from palimpsest.trajectory.curves import Floats

MARGIN = 0.04
"""Room around the points, as a share of an axis."""
LEAST_EXTENT = 1e-6
"""Extent of an axis on which all texts lie in one place."""
QUANTILES = (0.02, 0.98)
"""Likelihoods between which the colours run: one babbling text must not make all others equal."""

Block = dict[str, Any]


def cloud_block(written: Sequence[Written]) -> Block:
    """Hulls, centroids, axes and the span of the colours.

    Args:
        written: the generations of a chain, then those of its control chain without generation 0.

    Returns:
        ``chain`` and ``control``: names in order, generation 0 first in both (``control`` is empty
        without one); ``hulls``: by name, ``corners`` (x, y, z) and ``faces`` (i, j, k), or None of
        a flat cloud; ``centroids``: by name; ``axes``: lowest and highest coordinate of each;
        ``nats``: the span of the colours, ``human_nats`` the median of generation 0, or None.
    """
    chain = [one.name for one in written if not one.control]
    control = [one.name for one in written if one.control]
    points = np.concatenate([one.points for one in written])
    lows, highs = points.min(axis=0), points.max(axis=0)
    margin = np.maximum(MARGIN * (highs - lows), LEAST_EXTENT)
    nats = [row["nats"] for one in written for row in one.rows if row["nats"] is not None]
    human = [row["nats"] for row in written[0].rows if row["nats"] is not None]
    return {
        "chain": chain,
        "control": [chain[0], *control] if control else [],
        "hulls": {one.name: _hull(one.points) for one in written},
        "centroids": {one.name: _rounded(one.points.mean(axis=0)) for one in written},
        "axes": [_rounded(lows - margin), _rounded(highs + margin)],
        "nats": np.quantile(nats, QUANTILES).round(3).tolist() if nats else None,
        "human_nats": round(float(np.median(human)), 3) if human else None,
    }


def _hull(points: Floats) -> Block | None:
    found = hull_faces(points)
    if found is None:
        return None
    corners, faces = found
    return {"corners": _rounded(points[corners].T), "faces": faces.T.tolist()}


def _rounded(numbers: Floats) -> Any:
    return numbers.round(DIGITS).tolist()
