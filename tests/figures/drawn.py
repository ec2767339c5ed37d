"""Reads pictures back: what lines, bands and words an axis or a figure holds."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle


def words(artist: Any) -> str:
    """All that is written in a picture."""
    texts = [text.get_text() for text in artist.findobj(lambda one: hasattr(one, "get_text"))]
    return " | ".join(texts)


def lines(ax: Axes, color: str) -> list[Line2D]:
    """The lines of a colour that hold data, in the order in which they were drawn."""
    fitting = [line for line in ax.lines if to_hex(line.get_color()) == color.lower()]
    return [line for line in fitting if len(line.get_xdata())]


def is_dashed(line: Line2D) -> bool:
    """Whether a line is drawn in dashes."""
    return line.is_dashed()


def stripes(ax: Axes) -> list[tuple[float, float]]:
    """The lower and upper ends of the grey stripes across an axis."""
    spans = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return [(span.get_y(), span.get_y() + span.get_height()) for span in spans]


def interval(ax: Axes, generation: float) -> tuple[float, float]:
    """The lower and upper end of the one tint of an axis at a generation."""
    (tint,) = [one for one in ax.collections if isinstance(one, FillBetweenPolyCollection)]
    points = np.concatenate([path.vertices for path in tint.get_paths()])
    heights = points[points[:, 0] == generation, 1]
    return float(heights.min()), float(heights.max())


def is_filled(ax: Axes, generation: float, height: float) -> bool:
    """Whether a point lies in the one tint of an axis."""
    (tint,) = [one for one in ax.collections if isinstance(one, FillBetweenPolyCollection)]
    return any(path.contains_point((generation, height)) for path in tint.get_paths())


def has_tint(ax: Axes) -> bool:
    """Whether an interval is drawn at all."""
    return any(isinstance(one, FillBetweenPolyCollection) for one in ax.collections)


def panel(figure: Figure, title: str) -> Axes:
    """The axis of a title."""
    (ax,) = [one for one in figure.axes if one.get_title(loc="left") == title]
    return ax


def legend(figure: Figure) -> list[str]:
    """The labels of a figure's legend, or of its axes'."""
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    return [text.get_text() for one in legends for text in one.get_texts()]
