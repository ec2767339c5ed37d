"""The picture of a comparison: metrics by generation, a line a variant."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from palimpsest.experiments.comparison import Variant, level
from palimpsest.figures.axes import draw_curve
from palimpsest.figures.style import (
    BLUE,
    DPI,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
)  # fmt: skip
from palimpsest.statistics.means import Estimate
from palimpsest.trajectory.curves import Curve, Floats

CYCLE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, INK, GREY)
"""Colours of variants, in turn."""


def compared(variants: Sequence[Variant], metrics: Sequence[str]) -> Figure:
    """Metrics by generation, a line a variant: the mean over its chains with its 95 % interval.

    An axis spans the chains' own values and a quarter more: the interval of two chains may reach
    far beyond, and is cut there.
    """
    columns = min(3, max(1, len(metrics)))
    rows = -(-max(1, len(metrics)) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.9 * columns, 3.2 * rows), dpi=DPI, layout="constrained")
        axes = np.ravel(figure.subplots(rows, columns))
        for ax in axes[len(metrics) :]:
            ax.axis("off")
        for ax, name in zip(axes, metrics, strict=False):
            for at, variant in enumerate(variants):
                numbers = sorted({g for run in variant.runs.values() for g in run.generations})
                means = [level(variant, name, number) for number in numbers]
                curve = Curve(*(_floats(means, part) for part in ("mean", "low", "high")))
                color, marker = CYCLE[at % len(CYCLE)], "os^Dv"[at // len(CYCLE) % 5]
                label = f"{variant.label} ({len(variant.runs)})"
                draw_curve(ax, np.array(numbers), curve, color, marker, label)
            ax.set(title=name, xlabel="generation", ylim=_of_chains(variants, name))
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=1 if columns < 2 else 2)
        return figure


def _of_chains(variants: Sequence[Variant], name: str) -> tuple[float, float] | None:
    scorecards = [
        scorecard
        for variant in variants
        for run in variant.runs.values()
        for scorecard in run.generations.values()
    ]
    own = [value for scorecard in scorecards if (value := scorecard.get(name)) is not None]
    if not own or min(own) == max(own):
        return None
    room = (max(own) - min(own)) / 4
    return min(own) - room, max(own) + room


def _floats(estimates: Sequence[Estimate], part: str) -> Floats:
    values = [getattr(one, part) for one in estimates]
    return np.array([np.nan if value is None else value for value in values])
