"""A figure as bytes: the size that was asked for, the pixels that were drawn, nothing else."""

import io

import matplotlib.image
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from palimpsest.figures import style
from palimpsest.figures.style import DPI, png


def test_the_pixels_are_those_of_the_figure():
    figure = Figure(figsize=(2, 1), dpi=DPI)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.axis("off")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.axvspan(0.5, 1.0, color=style.BLUE)
    image = matplotlib.image.imread(io.BytesIO(png(figure)))
    assert image.shape[:2] == (DPI, 2 * DPI)
    assert image[DPI // 2, DPI // 2, :3] == pytest.approx([1, 1, 1], abs=0.01)
    assert image[DPI // 2, 3 * DPI // 2, :3] == pytest.approx(to_rgb(style.BLUE), abs=0.01)


def test_the_bytes_name_neither_program_nor_time():
    figure = Figure()
    figure.subplots().plot([1, 2])
    first = png(figure)
    assert first == png(figure)
    assert b"matplotlib" not in first.lower()
    assert b"tIME" not in first
    assert b"tEXt" not in first
