"""The convex hull of points: its volume, 0 where they are flat, and its faces."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, QhullError

from palimpsest.metrics.validation import numbers

FLAT = 1e-9
"""Thickness over extent below which a cloud counts as flat (rank below the dimensions)."""

ROUNDING = 1e-12
"""Length over the coordinates' size below which a distance is rounding."""


def hull_volume(points: ArrayLike) -> float:
    """Volume of the convex hull, in units of the points to the power of their dimension.

    Args:
        points: (n, k) coordinates, k >= 2.

    Returns:
        The volume, >= 0; falls when texts collapse. 0.0 when the points span fewer than k
        dimensions, to within rounding.

    Raises:
        MetricError: the points are not a two-dimensional array of finite numbers.
    """
    return hull(numbers(points, "points", ndim=2))


def hull(points: NDArray[np.float64]) -> float:
    """`hull_volume` of points that are known to be finite numbers."""
    found = _convex_hull(points)
    return 0.0 if found is None else float(found.volume)


def hull_faces(points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The corners and triangles of the hull whose volume `hull` gives.

    Args:
        points: (n, 3), finite.

    Returns:
        The rows of the corners (v,), ascending, and for each triangle the places of its three
        corners among them (f, 3); None where `hull` is 0: a flat cloud has no inside to show.
    """
    found = _convex_hull(points)
    if found is None or found.volume == 0.0:
        return None
    triangles = found.simplices
    corners, places = np.unique(triangles, return_inverse=True)
    return corners.astype(np.int64), places.reshape(triangles.shape).astype(np.int64)


def _convex_hull(points: NDArray[np.float64]) -> ConvexHull | None:
    """Qhull's; None of points that are flat."""
    if len(points) <= points.shape[1]:
        return None
    if not thickness(points - points.mean(axis=0), points).any():
        return None
    try:
        return ConvexHull(points)
    except QhullError:  # flat to Qhull's own rounding, which is coarser than ours
        return None


def thickness(centred: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Singular values of a centred cloud, or zeros where it is flat to within rounding."""
    values = np.linalg.svd(centred, compute_uv=False)
    rounding = ROUNDING * float(np.abs(points).max(initial=0.0)) * np.sqrt(len(points))
    if len(values) < points.shape[1] or values[-1] <= max(FLAT * values[0], rounding):
        return np.zeros(points.shape[1])
    return np.asarray(values)
