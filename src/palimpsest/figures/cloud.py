"""The picture of two clouds of texts with their convex hulls, in three dimensions."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from scipy.spatial import ConvexHull, QhullError

from palimpsest.core.errors import MetricError
from palimpsest.figures.style import BLUE, DPI, STYLE, VERMILION
from palimpsest.trajectory.curves import Floats


def cloud(human: Floats, last: Floats, generation: int) -> Figure:
    """Generation 0 against a later one, each with its convex hull, in the human PCA basis.

    Args:
        human: (n, 3) coordinates of generation 0's texts.
        last: (m, 3) coordinates of the later generation's texts, in the same basis.
        generation: the later generation's number.

    Raises:
        MetricError: arrays that are not (n >= 1, 3) and finite.
    """
    check_points({"human": human, "last": last})
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.8), dpi=DPI)
        lows, highs = box_around([human, last])
        for left, azimuth in ((0.03, -60), (0.53, 30)):
            box = (left, 0.03, 0.42, 0.95)
            ax: Any = figure.add_axes(box, projection="3d", azim=azimuth, elev=22)
            ax.computed_zorder = False
            draw_points_and_hull(ax, human, BLUE, order=1)
            draw_points_and_hull(ax, last, VERMILION, order=3)
            set_box(ax, lows, highs)
            ax.set_xlabel("PC 1", labelpad=6)
            ax.set_ylabel("PC 2", labelpad=6)
            ax.zaxis.set_rotate_label(False)
            ax.set_zlabel("PC 3", labelpad=10, rotation=90)
            ax.tick_params(labelsize=8, pad=0)
        figure.text(0.02, 0.955, "Where the texts lie", weight="bold", fontsize=11)
        figure.text(0.22, 0.955, f"●  generation 0, n = {len(human)}", color=BLUE)
        label = f"●  generation {generation}, n = {len(last)}"
        figure.text(0.42, 0.955, label, color=VERMILION)
        note = "one cloud from two sides, in the human PCA basis; ✚ marks a mean"
        figure.text(0.98, 0.955, note, ha="right", fontsize=8.5, color="#666666")
        return figure


def check_points(clouds: Mapping[str, Floats]) -> None:
    """Makes sure that clouds can be drawn.

    Raises:
        MetricError: arrays that are not (n >= 1, 3) and finite, by their names.
    """
    for label, points in clouds.items():
        if points.ndim != 2 or points.shape[1] != 3 or not len(points):
            raise MetricError(f"{label} points", wanted="(n >= 1, 3)", got=points.shape)
        if not np.isfinite(points).all():
            raise MetricError(f"{label} points", wanted="finite numbers", got="NaN or infinity")


def box_around(clouds: Sequence[Floats]) -> tuple[Floats, Floats]:
    """The lower and the upper corner of a box that holds clouds and is nowhere flat, (3,) each."""
    every = np.concatenate(list(clouds))
    extent = np.ptp(every, axis=0)
    widest = max(float(extent.max()), 1e-6)
    margin = np.maximum(0.04 * widest, (0.3 * widest - extent) / 2)
    return every.min(axis=0) - margin, every.max(axis=0) + margin


def set_box(ax: Any, lows: Floats, highs: Floats, zoom: float = 1.0) -> None:
    """Gives three-dimensional axes a box, its sides true to scale."""
    for axis, low, high in zip("xyz", lows, highs, strict=True):
        getattr(ax, f"set_{axis}lim")(low, high)
        getattr(ax, f"{axis}axis").set_major_locator(MaxNLocator(4))
        getattr(ax, f"{axis}axis").set_pane_color((1, 1, 1, 0))
    ax.set_box_aspect(highs - lows, zoom=zoom)


def draw_points_and_hull(
    ax: Any, points: Floats, color: str, order: int, strength: float = 1.0
) -> None:
    """A cloud, its convex hull (a flat cloud has none), and its mean, in front of lower orders.

    Args:
        ax: three-dimensional axes.
        points: the cloud, (n, 3).
        color: of all of it.
        order: what has a higher one is drawn over it.
        strength: how opaque points and edges are, from 0 to 1 (the usual).
    """
    try:
        faces = points[ConvexHull(points).simplices]
    except (QhullError, ValueError):
        faces = None  # a collapsed cloud is flat and has no hull: its points say so
    if faces is not None:
        skin, edge = to_rgba(color, 0.07), to_rgba(color, 0.30 * strength)
        ax.add_collection3d(
            Poly3DCollection(faces, facecolor=skin, edgecolor=edge, linewidths=0.5, zorder=order)
        )
    ax.scatter(
        *points.T, s=7, color=color, alpha=0.6 * strength, linewidths=0, depthshade=False,
        zorder=order + 1,
    )  # fmt: skip
    ax.scatter(
        *points.mean(axis=0)[:, None], s=110, marker="P", color=color, edgecolors="white",
        linewidths=1.2, depthshade=False, zorder=order + 4,
    )  # fmt: skip
