"""The pictures of a chain: arrays in, matplotlib figures out, one function a picture.

Figures are made without pyplot, so nothing global is touched, and saved without time or version,
so the same numbers give the same bytes. Colours are Okabe and Ito's, which colour-blind readers can
tell apart.
"""

from collections.abc import Callable

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from palimpsest.figures.axes import (
    DASHED,
    draw_band,
    draw_control,
    draw_curve,
    draw_legend,
    draw_panel,
    label_generations,
    say_missing,
)
from palimpsest.figures.cloud import cloud
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
from palimpsest.metrics.registry import metric, shown_in
from palimpsest.trajectory.changepoint import Phases
from palimpsest.trajectory.curves import Floats, Trajectory

Drawing = tuple[str, Callable[[], Figure]]
"""Title, and what draws it."""
PANELS = {
    "volume": BLUE, "drift": VERMILION, "dispersion": GREEN, "compression": PURPLE,
    "outlier": ORANGE,
}  # fmt: skip
"""The published five panels and their colours."""
COLORS = {"room": BLUE, "distance": VERMILION, "words": ORANGE, "likelihood": PURPLE, "truth": SKY}
"""A curve's colour by its kind of evidence."""


def dashboard(trajectory: Trajectory) -> Figure:
    """The published five panels: volume, drift, dispersion, compression, outlier."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 6.2), dpi=DPI)
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.08)
        axes = figure.subplots(2, 3).ravel()
        for ax, (name, color) in zip(axes, PANELS.items(), strict=False):
            draw_panel(ax, trajectory, name, color)
            entry = metric(name)
            ax.set(title=_capital(entry.label), ylabel=entry.unit)
            label_generations(ax, trajectory)
            ax.set_ylim(bottom=0)
        axes[-1].axis("off")
        draw_legend(axes[-1], trajectory, list(PANELS), loc="center left")
        return figure


def integrity(trajectory: Trajectory, phases: Phases | None = None) -> Figure:
    """Integrity and loss by generation, the change of phase marked if there is one."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.2), dpi=DPI, layout="constrained")
        left, right = figure.subplots(1, 2)
        draw_panel(left, trajectory, "integrity", BLUE)
        left.axhline(0.5, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        left.annotate(
            "half", (1, 0.5), (-2, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", fontsize=8.5, color="#666666",
        )  # fmt: skip
        left.set(title="Integrity", ylabel="share of fresh human text's (1 = intact)")
        draw_panel(right, trajectory, "loss", VERMILION)
        right.set(title="Integrity lost", ylabel="loss (%)")
        for ax, least in ((left, 1.05), (right, 100.0)):
            label_generations(ax, trajectory)
            ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]), top=max(least, ax.get_ylim()[1]))
            _mark_change(ax, phases)
        draw_legend(figure, trajectory, ["integrity"], loc="outside lower center", ncols=3)
        return figure


def perplexity(trajectory: Trajectory) -> Figure:
    """Perplexity of held-out human text under every generation's model, on a log scale."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.8), dpi=DPI, layout="constrained")
        ax = figure.subplots()
        draw_panel(ax, trajectory, "perplexity_heldout", BLUE)
        ax.set(title="Held-out human text, read by each model", ylabel="perplexity (per token)")
        label_generations(ax, trajectory)
        values = trajectory.curve("perplexity_heldout").value
        known = values[np.isfinite(values)]
        if len(known) and known.min() > 0 and known.max() / known.min() > 20:
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=0)
        if trajectory.control is not None:
            draw_legend(
                figure, trajectory, ["perplexity_heldout"], loc="outside lower center", ncols=2
            )
        return figure


def difference(trajectory: Trajectory) -> Figure:
    """The curves of the other pictures less those of the control chain: the chain's doing alone."""
    pictured = shown_in("picture")
    measured = [name for name in pictured if trajectory.difference(name).known.any()]
    measured = measured or pictured[:1]
    rows = -(-len(measured) // 3)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.1 * rows), dpi=DPI, layout="constrained")
        axes = figure.subplots(rows, 3, squeeze=False).ravel()
        for ax, name in zip(axes, measured, strict=False):
            curve, entry = trajectory.difference(name), metric(name)
            if curve.known.any():
                ax.axhline(0, color=INK, **DASHED)
                color = COLORS.get(entry.evidence, INK)
                draw_curve(ax, trajectory.generations, curve, color)
            else:
                say_missing(ax)
            ax.set(title=_capital(entry.label), ylabel="chain − control chain")
            label_generations(ax, trajectory)
        for ax in axes[len(measured) :]:
            ax.set_axis_off()
        return figure


def truth(trajectory: Trajectory) -> Figure:
    """Fact coverage, tail coverage and truth by generation; only those that were measured."""
    series = (
        ("fact_coverage", "facts still stated, of all", BLUE, "o"),
        ("tail_coverage", "rare facts still stated", SKY, "s"),
        ("truth", "true, of the statements made", VERMILION, "^"),
    )
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.8), dpi=DPI, layout="constrained")
        ax = figure.subplots()
        for name, label, color, marker in series:
            if name in trajectory:
                draw_control(ax, trajectory, name, color)
                draw_curve(ax, trajectory.generations, trajectory.curve(name), color, marker, label)
        if "fact_coverage" in trajectory and "fact_coverage" in trajectory.null:
            draw_band(ax, trajectory.null["fact_coverage"], "facts in as many human texts")
        if not ax.lines:
            say_missing(ax)
        else:
            if trajectory.control is not None:
                ax.plot([], [], color=INK, label="control chain", **DASHED)
            figure.legend(loc="outside lower center", ncols=2, columnspacing=2.0)
        ax.set(title="Facts and truth", ylabel="share (0 to 1)", ylim=(-0.02, 1.02))
        label_generations(ax, trajectory)
        return figure


def _mark_change(ax: Axes, phases: Phases | None) -> None:
    if phases is None or phases.change is None:
        return
    at = phases.change + 0.5
    ax.axvline(at, color=INK, linewidth=1.0, linestyle=(0, (1, 2)))
    ax.annotate(
        f"phase changes after g{phases.change:02d}", (at, 1), (5, -3),
        xycoords=("data", "axes fraction"), textcoords="offset points", va="top", fontsize=8.5,
    )  # fmt: skip


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def of_chain(trajectory: Trajectory, phases: Phases, human: Floats, last: Floats) -> list[Drawing]:
    """The pictures of a chain, to be drawn one by one.

    Args:
        trajectory: its curves.
        phases: of its volume.
        human: generation 0's texts in the human basis, (n, 3).
        last: those of the last generation, (m, 3).
    """
    end = int(trajectory.generations[-1])
    drawings: list[Drawing] = [
        ("Dashboard", lambda: dashboard(trajectory)),
        ("Integrity", lambda: integrity(trajectory, phases)),
        ("Perplexity", lambda: perplexity(trajectory)),
        ("Cloud", lambda: cloud(human, last, end)),
    ]
    if "truth" in trajectory:
        drawings.insert(3, ("Truth", lambda: truth(trajectory)))
    if trajectory.control is not None:
        drawings.insert(2, ("Difference", lambda: difference(trajectory)))
    return drawings
