"""The pictures of a chain: arrays in, matplotlib figures out, one function a picture.

Figures are made without pyplot, so nothing global is touched, and saved without time or version,
so the same numbers give the same bytes. Colours are Okabe and Ito's, told apart by colour-blind
readers; a curve's 95 % interval is a tint of its colour, the null band is grey with its name on it.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from scipy.spatial import ConvexHull, QhullError

from palimpsest.artifacts import write_bytes
from palimpsest.decay.phases import Phases
from palimpsest.decay.trajectory import Band, Curve, Floats, Trajectory
from palimpsest.errors import MetricError

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#8A8A8A"
INK = "#222222"
DPI = 144
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.edgecolor": "#666666",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
Drawing = tuple[str, str, bool, Callable[[], Figure]]
"""Title, caption, whether it fills the page's width, and what draws it."""
PANELS = (
    ("volume", "Volume", "hull volume (PCA units³)", BLUE),
    ("drift", "Drift", "distance of means (PCA units)", VERMILION),
    ("dispersion", "Dispersion", "mean radius (PCA units)", GREEN),
    ("compression", "Compression", "mean pair distance (PCA units)", PURPLE),
    ("outlier", "Outlier", "largest radius (PCA units)", ORANGE),
)


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
                _draw_curve(
                    ax, trajectory.generations, trajectory.curve(name), color, marker, label
                )
        if "fact_coverage" in trajectory and "fact_coverage" in trajectory.null:
            _draw_band(ax, trajectory.null["fact_coverage"], "facts in as many human texts")
        if not ax.lines:
            _say_missing(ax)
        else:
            figure.legend(loc="outside lower center", ncols=2, columnspacing=2.0)
        ax.set(title="Facts and truth", ylabel="share (0 to 1)", ylim=(-0.02, 1.02))
        _generations(ax, trajectory)
        return figure


def cloud(human: Floats, last: Floats, generation: int) -> Figure:
    """Generation 0 against a later one, each with its convex hull, in the human PCA basis.

    Args:
        human: (n, 3) coordinates of generation 0's texts.
        last: (m, 3) coordinates of the later generation's texts, in the same basis.
        generation: the later generation's number.

    Raises:
        MetricError: arrays that are not (n >= 1, 3) and finite.
    """
    for label, points in (("human", human), ("last", last)):
        if points.ndim != 2 or points.shape[1] != 3 or not len(points):
            raise MetricError(f"{label} points", wanted="(n >= 1, 3)", got=points.shape)
        if not np.isfinite(points).all():
            raise MetricError(f"{label} points", wanted="finite numbers", got="NaN or infinity")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.8), dpi=DPI)
        both = np.concatenate([human, last])
        widest = max(float(np.ptp(both, axis=0).max()), 1e-6)
        margin = np.maximum(0.04 * widest, (0.3 * widest - np.ptp(both, axis=0)) / 2)
        lows, highs = both.min(axis=0) - margin, both.max(axis=0) + margin
        for left, azimuth in ((0.03, -60), (0.53, 30)):
            box = (left, 0.03, 0.42, 0.95)
            ax: Any = figure.add_axes(box, projection="3d", azim=azimuth, elev=22)
            ax.computed_zorder = False
            _points_and_hull(ax, human, BLUE, order=1)
            _points_and_hull(ax, last, VERMILION, order=3)
            for axis, low, high in zip("xyz", lows, highs, strict=True):
                getattr(ax, f"set_{axis}lim")(low, high)
                getattr(ax, f"{axis}axis").set_major_locator(MaxNLocator(4))
                getattr(ax, f"{axis}axis").set_pane_color((1, 1, 1, 0))
            ax.set_xlabel("PC 1", labelpad=6)
            ax.set_ylabel("PC 2", labelpad=6)
            ax.zaxis.set_rotate_label(False)
            ax.set_zlabel("PC 3", labelpad=10, rotation=90)
            ax.tick_params(labelsize=8, pad=0)
            ax.set_box_aspect(highs - lows, zoom=1.0)
        figure.text(0.02, 0.955, "Where the texts lie", weight="bold", fontsize=11)
        figure.text(0.22, 0.955, f"●  generation 0, n = {len(human)}", color=BLUE)
        label = f"●  generation {generation}, n = {len(last)}"
        figure.text(0.42, 0.955, label, color=VERMILION)
        note = "one cloud from two sides, in the human PCA basis; ✚ marks a mean"
        figure.text(0.98, 0.955, note, ha="right", fontsize=8.5, color="#666666")
        return figure


def png(figure: Figure) -> bytes:
    """A figure as PNG bytes that depend on nothing but what is drawn."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


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
    _draw_curve(ax, trajectory.generations, trajectory.curve(name), color)


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
    samples = [trajectory.null[name].samples for name in names if name in trajectory.null]
    if samples:
        label = f"null band: 95 % of {max(samples)}\nfresh human samples"
        parts.append(Patch(color=GREY, alpha=0.3, linewidth=0, label=label))
    where.legend(handles=parts, labelspacing=1.0, **place)


def _points_and_hull(ax: Any, points: Floats, color: str, order: int) -> None:
    try:
        faces = points[ConvexHull(points).simplices]
    except (QhullError, ValueError):
        faces = None  # a collapsed cloud is flat and has no hull: its points say so
    if faces is not None:
        skin, edge = to_rgba(color, 0.07), to_rgba(color, 0.30)
        ax.add_collection3d(
            Poly3DCollection(faces, facecolor=skin, edgecolor=edge, linewidths=0.5, zorder=order)
        )
    ax.scatter(
        *points.T, s=7, color=color, alpha=0.6, linewidths=0, depthshade=False, zorder=order + 1
    )
    ax.scatter(
        *points.mean(axis=0)[:, None], s=110, marker="P", color=color, edgecolors="white",
        linewidths=1.2, depthshade=False, zorder=order + 4,
    )  # fmt: skip


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
    return drawings
