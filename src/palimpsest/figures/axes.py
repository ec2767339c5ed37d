"""What the pictures of curves are drawn with: a curve, its band, its control chain, its legend.

A curve's 95 % interval is a tint of its colour, the null band is grey with its name on it, the
control chain is dashed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from palimpsest.figures.style import BLUE, GREY, INK
from palimpsest.statistics.null_band import Band
from palimpsest.trajectory.curves import Curve, Trajectory

DASHED: dict[str, Any] = {"linewidth": 1.2, "linestyle": (0, (4, 2))}
"""The control chain's line."""


def draw_panel(ax: Axes, trajectory: Trajectory, name: str, color: str) -> None:
    """One metric over its null band, or a note that it was not measured."""
    if name not in trajectory:
        say_missing(ax)
        return
    draw_bands(ax, trajectory, name)
    draw_control(ax, trajectory, name)
    draw_curve(ax, trajectory.generations, trajectory.curve(name), color)


def draw_control(ax: Axes, trajectory: Trajectory, name: str, color: str = INK) -> None:
    """The control chain's curve, dashed."""
    null = trajectory.control
    if null is not None and name in null:
        ax.plot(null.generations, null.curve(name).value, color=color, **DASHED)


def draw_band(ax: Axes, band: Band, label: str | None = None) -> None:
    """The null band as a grey stripe, its mean as a line."""
    ax.axhspan(band.low, band.high, color=GREY, alpha=0.3, linewidth=0, label=label)
    ax.axhline(band.mean, color=GREY, linewidth=0.8, alpha=0.7)


def draw_bands(ax: Axes, trajectory: Trajectory, name: str) -> None:
    """The null band, with a step where a generation has one of its own (too few words)."""
    own = trajectory.short.get(name, {})
    if not own:
        if name in trajectory.null:
            draw_band(ax, trajectory.null[name])
        return
    bands = [trajectory.band(name, at) for at in range(len(trajectory.generations))]
    known = [at for at, band in enumerate(bands) if band is not None]
    low, high = ([getattr(bands[at], end) for at in known] for end in ("low", "high"))
    where = trajectory.generations[known]
    ax.fill_between(where, low, high, step="mid", color=GREY, alpha=0.3, linewidth=0)


def draw_curve(
    ax: Axes,
    generations: np.ndarray[tuple[int], np.dtype[np.int64]],
    curve: Curve,
    color: str,
    marker: str = "o",
    label: str | None = None,
) -> None:
    """A curve with its interval."""
    bounded = np.isfinite(curve.low) & np.isfinite(curve.high)
    if bounded.any():
        ax.fill_between(
            generations, curve.low, curve.high, where=bounded, color=color, alpha=0.2, linewidth=0
        )
    ax.plot(generations, curve.value, color=color, marker=marker, label=label, clip_on=False)


def label_generations(ax: Axes, trajectory: Trajectory) -> None:
    """The axis of generations, whole numbers only."""
    first, last = int(trajectory.generations[0]), int(trajectory.generations[-1])
    margin = max(0.3, 0.03 * (last - first))
    ax.set_xlim(first - margin, last + margin)
    ax.set_xlabel("generation")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))


def say_missing(ax: Axes) -> None:
    """A note in place of a curve."""
    ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color="#666666")
    ax.set_yticks([])


def draw_legend(
    where: Axes | Figure, trajectory: Trajectory, names: Sequence[str], **place: Any
) -> None:
    """What line, tint and grey band mean, for those of them that the picture holds."""
    parts: list[Any] = [Line2D([], [], color=BLUE, marker="o", label="measured")]
    if any(np.isfinite(trajectory.curve(name).low).any() for name in names):
        parts.append(Patch(color=BLUE, alpha=0.2, linewidth=0, label="95 % interval"))
    if trajectory.control is not None:
        parts.append(Line2D([], [], color=INK, label="control chain", **DASHED))
    samples = [trajectory.null[name].samples for name in names if name in trajectory.null]
    if samples:
        label = f"null band: 95 % of fresh human\nsamples, from {max(samples)}"
        parts.append(Patch(color=GREY, alpha=0.3, linewidth=0, label=label))
    where.legend(handles=parts, labelspacing=1.0, **place)
