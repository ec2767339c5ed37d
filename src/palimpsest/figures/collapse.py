"""The collapsing cloud, animated: a frame a generation, its texts over the human ones, as GIF.

Known gaps: the camera stands still, so that what moves is the cloud; the picture is light alone.
"""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from palimpsest.core.errors import MetricError
from palimpsest.core.formatting import plain
from palimpsest.figures.axes import draw_bands, draw_curve, label_generations
from palimpsest.figures.cloud import box_around, check_points, draw_points_and_hull, set_box
from palimpsest.figures.style import BLUE, GREY, INK, STYLE, VERMILION
from palimpsest.trajectory.curves import Curve, Floats, Trajectory

SIZE, DOTS = (8.0, 4.6), 100
"""Inches, and dots in each: 800 x 460, of which a README shows most."""
SLOW_MS, FRAME_MS, END_MS = 1600, 800, 4000
"""How long the first frame, those between and the last stand: time to read a number in each."""
COLORS = 128
"""Of the one palette of all frames: the few of the picture with their shades."""
NEARLY_WHITE = 245
"""Of 255: a shade of the palette above it is the paper, mixed with what touches it."""
BEHIND = 0.5
"""How strong human text is drawn where a generation lies over it."""


def collapse_frames(clouds: Mapping[int, Floats], trajectory: Trajectory) -> Iterator[Figure]:
    """A frame for each generation: its cloud over the human one, and integrity so far.

    Args:
        clouds: generation -> (n, 3) coordinates of its texts in the human PCA basis; generation 0
            is the human text.
        trajectory: the curves of these generations.

    Raises:
        MetricError: no generation 0, other generations than the trajectory's, arrays that are not
            (n >= 1, 3) and finite.
    """
    known = trajectory.generations.tolist()
    if sorted(clouds) != known or 0 not in clouds:
        raise MetricError(
            "clouds", wanted=f"generations 0 and on: {known}", got=f"{sorted(clouds)}"
        )
    check_points({f"generation {number}": points for number, points in clouds.items()})
    box = box_around(list(clouds.values()))
    for number in known:
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=SIZE, dpi=DOTS)
            _cloud(figure, clouds[0], None if number == 0 else clouds[number], box)
            _words(figure, number, known[-1], trajectory)
            _curve(figure, number, trajectory)
        yield figure


def gif(frames: Iterator[Figure]) -> bytes:
    """Frames as an animated GIF that loops; its bytes depend on nothing but what is drawn.

    All share one palette, without dithering: what stands still has the same bytes in every frame.

    Raises:
        MetricError: no frame.
    """
    images = [_image(figure) for figure in frames]
    if not images:
        raise MetricError("frames", wanted="at least one", got="none")
    # the first and the last frame have every colour that is drawn
    ends = np.concatenate([np.asarray(images[0]), np.asarray(images[-1])])
    palette = Image.fromarray(ends).quantize(COLORS, dither=Image.Dither.NONE)
    shades = np.array(palette.getpalette()).reshape(-1, 3)
    shades[shades.min(axis=1) >= NEARLY_WHITE] = 255
    palette.putpalette(shades.ravel().tolist())
    first, *others = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in images]
    times = [SLOW_MS, *[FRAME_MS] * (len(images) - 2), END_MS][-len(images) :]
    buffer = io.BytesIO()
    first.save(
        buffer, format="GIF", save_all=True, append_images=others, duration=times, loop=0,
        optimize=False, disposal=1,
    )  # fmt: skip
    return buffer.getvalue()


def _image(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    with matplotlib.rc_context(STYLE):
        canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _cloud(figure: Figure, human: Floats, own: Floats | None, box: tuple[Floats, Floats]) -> None:
    ax: Any = figure.add_axes((-0.02, 0.05, 0.64, 1.0), projection="3d", azim=-60, elev=22)
    ax.computed_zorder = False
    draw_points_and_hull(ax, human, BLUE, order=1, strength=1.0 if own is None else BEHIND)
    if own is not None:
        draw_points_and_hull(ax, own, VERMILION, order=3)
    set_box(ax, *box, zoom=1.1)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_ticklabels([])


def _words(figure: Figure, number: int, last: int, trajectory: Trajectory) -> None:
    value = trajectory.curve("integrity").value[trajectory.generations == number][0]
    said = "not measured" if np.isnan(value) else plain(float(value))
    figure.text(0.63, 0.86, f"generation {number} of {last}", fontsize=17, weight="bold")
    figure.text(0.63, 0.77, f"integrity {said}", fontsize=16)
    figure.text(0.63, 0.69, "● human text", fontsize=12, color=BLUE)
    note = "a dot is a text, where its sentence embedding lies; + is their mean"
    figure.text(0.02, 0.03, note, fontsize=10, color="#666666")
    if number:
        figure.text(0.80, 0.69, f"● generation {number}", fontsize=12, color=VERMILION)


def _curve(figure: Figure, number: int, trajectory: Trajectory) -> None:
    """Integrity up to a generation, on the axes of the whole chain."""
    ax = figure.add_axes((0.67, 0.16, 0.31, 0.46))
    draw_bands(ax, trajectory, "integrity")
    curve = trajectory.curve("integrity")
    until = trajectory.generations <= number
    so_far = Curve(curve.value[until], np.full(until.sum(), np.nan), np.full(until.sum(), np.nan))
    draw_curve(ax, trajectory.generations[until], so_far, INK)
    ax.plot(number, curve.value[until][-1], "o", ms=9, clip_on=False,
            color=VERMILION if number else BLUE)  # fmt: skip
    label_generations(ax, trajectory)
    top = max(1.1, 1.05 * float(np.nanmax(curve.value, initial=0.0)))
    ax.set_ylim(0, top)
    ax.set_ylabel("integrity")
    if "integrity" in trajectory.null:
        ax.text(0.03, 0.05, "grey: fresh human text", transform=ax.transAxes, color=GREY)
