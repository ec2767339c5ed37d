"""The pictures of a chain: arrays in, matplotlib figures out, one function a picture.

Figures are made without pyplot, so nothing global is touched, and saved without time or version,
so the same numbers give the same bytes. Colours are Okabe and Ito's, told apart by colour-blind
readers; a curve's 95 % interval is a tint of its colour, the null band is grey with its name on it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from palimpsest.artifacts import write_bytes
from palimpsest.decay.comparison import Estimate, Variant, level
from palimpsest.decay.phases import Phases
from palimpsest.decay.trajectory import Band, Curve, Floats, Trajectory
from palimpsest.figure_style import (
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
    png,
)
from palimpsest.point_cloud import cloud

DASHED: dict[str, Any] = {"linewidth": 1.2, "linestyle": (0, (4, 2))}
"""The null lineage's line."""
Drawing = tuple[str, str, bool, Callable[[], Figure]]
"""Title, caption, whether it fills the page's width, and what draws it."""
PANELS = (
    ("volume", "Volume", "hull volume (PCA units³)", BLUE),
    ("drift", "Drift", "distance of means (PCA units)", VERMILION),
    ("dispersion", "Dispersion", "mean radius (PCA units)", GREEN),
    ("compression", "Compression", "mean pair distance (PCA units)", PURPLE),
    ("outlier", "Outlier", "largest radius (PCA units)", ORANGE),
)
CYCLE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, INK, GREY)
"""Colours of variants, in turn."""
APART = (
    ("integrity", "Integrity", BLUE),
    ("volume", "Hull volume", BLUE),
    ("drift", "Drift", VERMILION),
    ("dispersion", "Dispersion", VERMILION),
    ("compression", "Mean pair distance", VERMILION),
    ("outlier", "Farthest text", VERMILION),
    ("effective_rank", "Effective rank", GREEN),
    ("distinct_2", "Distinct word pairs", ORANGE),
    ("perplexity_heldout", "Held-out perplexity", PURPLE),
    ("truth", "Truth", SKY),
    ("fact_coverage", "Facts still stated", SKY),
    ("tail_coverage", "Rare facts still stated", SKY),
)
"""Curves that the pictures show: metric, title, colour."""


def dashboard(trajectory: Trajectory) -> Figure:
    """The published five panels: volume, drift, dispersion, compression, outlier."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 6.2), dpi=DPI)
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.08)
        axes = figure.subplots(2, 3).ravel()
        for ax, (name, title, unit, color) in zip(axes, PANELS, strict=False):
            _panel(ax, trajectory, name, color)
            ax.set(title=title, ylabel=unit)
            _generations(ax, trajectory)
            ax.set_ylim(bottom=0)
        axes[-1].axis("off")
        _key(axes[-1], trajectory, [name for name, *_ in PANELS], loc="center left")
        return figure


def integrity(trajectory: Trajectory, phases: Phases | None = None) -> Figure:
    """Integrity and loss by generation, the change of phase marked if there is one."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.2), dpi=DPI, layout="constrained")
        left, right = figure.subplots(1, 2)
        _panel(left, trajectory, "integrity", BLUE)
        left.axhline(0.5, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        left.annotate(
            "half", (1, 0.5), (-2, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", fontsize=8.5, color="#666666",
        )  # fmt: skip
        left.set(title="Integrity", ylabel="share of generation 0's (1 = intact)")
        _panel(right, trajectory, "loss", VERMILION)
        right.set(title="Integrity lost", ylabel="loss (%)")
        for ax, least in ((left, 1.05), (right, 100.0)):
            _generations(ax, trajectory)
            ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]), top=max(least, ax.get_ylim()[1]))
            _mark_change(ax, phases)
        _key(figure, trajectory, ["integrity"], loc="outside lower center", ncols=3)
        return figure


def perplexity(trajectory: Trajectory) -> Figure:
    """Perplexity of held-out human text under every generation's model, on a log scale."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.8), dpi=DPI, layout="constrained")
        ax = figure.subplots()
        _panel(ax, trajectory, "perplexity_heldout", BLUE)
        ax.set(title="Held-out human text, read by each model", ylabel="perplexity (per token)")
        _generations(ax, trajectory)
        values = trajectory.curve("perplexity_heldout").value
        known = values[np.isfinite(values)]
        if len(known) and known.min() > 0 and known.max() / known.min() > 20:
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=0)
        if trajectory.lineage is not None:
            _key(figure, trajectory, ["perplexity_heldout"], loc="outside lower center", ncols=2)
        return figure


def difference(trajectory: Trajectory) -> Figure:
    """The curves of the other pictures less those of the null lineage: the chain's doing alone."""
    measured = [one for one in APART if trajectory.difference(one[0]).known.any()] or APART[:1]
    rows = -(-len(measured) // 3)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.1 * rows), dpi=DPI, layout="constrained")
        axes = figure.subplots(rows, 3, squeeze=False).ravel()
        for ax, (name, title, color) in zip(axes, measured, strict=False):
            curve = trajectory.difference(name)
            if curve.known.any():
                ax.axhline(0, color=INK, **DASHED)
                _draw_curve(ax, trajectory.generations, curve, color)
            else:
                _say_missing(ax)
            ax.set(title=title, ylabel="chain − null lineage")
            _generations(ax, trajectory)
        for ax in axes[len(measured) :]:
            ax.set_axis_off()
        return figure


def compared(found: Sequence[Variant], metrics: Sequence[str]) -> Figure:
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
            for at, variant in enumerate(found):
                numbers = sorted({g for run in variant.runs.values() for g in run.generations})
                means = [level(variant, name, number) for number in numbers]
                curve = Curve(*(_floats(means, part) for part in ("mean", "low", "high")))
                color, marker = CYCLE[at % len(CYCLE)], "os^Dv"[at // len(CYCLE) % 5]
                label = f"{variant.label} ({len(variant.runs)})"
                _draw_curve(ax, np.array(numbers), curve, color, marker, label)
            ax.set(title=name, xlabel="generation", ylim=_of_chains(found, name))
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=1 if columns < 2 else 2)
        return figure


def _of_chains(found: Sequence[Variant], name: str) -> tuple[float, float] | None:
    cards = [
        card
        for variant in found
        for run in variant.runs.values()
        for card in run.generations.values()
    ]
    own = [value for card in cards if (value := card.get(name)) is not None]
    if not own or min(own) == max(own):
        return None
    room = (max(own) - min(own)) / 4
    return min(own) - room, max(own) + room


def _floats(estimates: Sequence[Estimate], part: str) -> Floats:
    values = [getattr(one, part) for one in estimates]
    return np.array([np.nan if value is None else value for value in values])


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
                _draw_lineage(ax, trajectory, name, color)
                _draw_curve(
                    ax, trajectory.generations, trajectory.curve(name), color, marker, label
                )
        if "fact_coverage" in trajectory and "fact_coverage" in trajectory.null:
            _draw_band(ax, trajectory.null["fact_coverage"], "facts in as many human texts")
        if not ax.lines:
            _say_missing(ax)
        else:
            if trajectory.lineage is not None:
                ax.plot([], [], color=INK, label="null lineage", **DASHED)
            figure.legend(loc="outside lower center", ncols=2, columnspacing=2.0)
        ax.set(title="Facts and truth", ylabel="share (0 to 1)", ylim=(-0.02, 1.02))
        _generations(ax, trajectory)
        return figure


def save(figure: Figure, path: Path) -> None:
    """Writes a figure to a PNG file, atomically."""
    write_bytes(path, png(figure))


def _panel(ax: Axes, trajectory: Trajectory, name: str, color: str) -> None:
    """One metric over its null band, or a note that it was not measured."""
    if name not in trajectory:
        _say_missing(ax)
        return
    band = trajectory.null.get(name)
    if band is not None:
        _draw_band(ax, band)
    _draw_lineage(ax, trajectory, name)
    _draw_curve(ax, trajectory.generations, trajectory.curve(name), color)


def _draw_lineage(ax: Axes, trajectory: Trajectory, name: str, color: str = INK) -> None:
    """The null lineage's curve, dashed."""
    null = trajectory.lineage
    if null is not None and name in null:
        ax.plot(null.generations, null.curve(name).value, color=color, **DASHED)


def _draw_band(ax: Axes, band: Band, label: str | None = None) -> None:
    ax.axhspan(band.low, band.high, color=GREY, alpha=0.3, linewidth=0, label=label)
    ax.axhline(band.mean, color=GREY, linewidth=0.8, alpha=0.7)


def _draw_curve(
    ax: Axes,
    generations: np.ndarray[tuple[int], np.dtype[np.int64]],
    curve: Curve,
    color: str,
    marker: str = "o",
    label: str | None = None,
) -> None:
    bounded = np.isfinite(curve.low) & np.isfinite(curve.high)
    if bounded.any():
        ax.fill_between(
            generations, curve.low, curve.high, where=bounded, color=color, alpha=0.2, linewidth=0
        )
    ax.plot(generations, curve.value, color=color, marker=marker, label=label, clip_on=False)


def _generations(ax: Axes, trajectory: Trajectory) -> None:
    first, last = int(trajectory.generations[0]), int(trajectory.generations[-1])
    margin = max(0.3, 0.03 * (last - first))
    ax.set_xlim(first - margin, last + margin)
    ax.set_xlabel("generation")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))


def _say_missing(ax: Axes) -> None:
    ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color="#666666")
    ax.set_yticks([])


def _mark_change(ax: Axes, phases: Phases | None) -> None:
    if phases is None or phases.change is None:
        return
    at = phases.change + 0.5
    ax.axvline(at, color=INK, linewidth=1.0, linestyle=(0, (1, 2)))
    ax.annotate(
        f"phase changes after g{phases.change:02d}", (at, 1), (5, -3),
        xycoords=("data", "axes fraction"), textcoords="offset points", va="top", fontsize=8.5,
    )  # fmt: skip


def _key(where: Axes | Figure, trajectory: Trajectory, names: Sequence[str], **place: Any) -> None:
    """What line, tint and grey band mean, for those of them that the picture holds."""
    parts: list[Any] = [Line2D([], [], color=BLUE, marker="o", label="measured")]
    if any(np.isfinite(trajectory.curve(name).low).any() for name in names):
        parts.append(Patch(color=BLUE, alpha=0.2, linewidth=0, label="95 % interval"))
    if trajectory.lineage is not None:
        parts.append(Line2D([], [], color=INK, label="null lineage", **DASHED))
    samples = [trajectory.null[name].samples for name in names if name in trajectory.null]
    if samples:
        label = f"null band: 95 % of {max(samples)}\nfresh human samples"
        parts.append(Patch(color=GREY, alpha=0.3, linewidth=0, label=label))
    where.legend(handles=parts, labelspacing=1.0, **place)


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
        ("Dashboard", "Five measures of the cloud.", True, lambda: dashboard(trajectory)),
        ("Integrity", "The Ainex score.", True, lambda: integrity(trajectory, phases)),
        ("Perplexity", "Human text, read by each model.", False, lambda: perplexity(trajectory)),
        ("Cloud", "Human text, last generation.", True, lambda: cloud(human, last, end)),
    ]
    if "truth" in trajectory:
        drawings.insert(3, ("Truth", "Facts still stated.", False, lambda: truth(trajectory)))
    if trajectory.lineage is not None:
        drawings.insert(
            2, ("Difference", "Less the null lineage.", True, lambda: difference(trajectory))
        )
    return drawings
