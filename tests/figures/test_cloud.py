"""The picture of two clouds: every point, the hulls, the means, and what is refused."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.spatial import ConvexHull

from palimpsest.core.errors import MetricError
from palimpsest.figures.cloud import cloud
from palimpsest.figures.style import BLUE, VERMILION, png
from tests.figures.drawn import words

POINTS = np.random.default_rng(0).normal(size=(50, 3))


def draw(scale=1.0):
    return cloud(POINTS, scale * POINTS + 0.1, 20)


def collections(figure, kind):
    return [c for ax in figure.axes for c in ax.collections if kind in type(c).__name__]


def test_both_hulls_are_drawn_from_two_sides():
    figure = draw(0.3)
    assert len(figure.axes) == 2
    assert figure.axes[0].azim != figure.axes[1].azim
    hulls = collections(figure, "Poly3D")
    assert len(hulls) == 4
    faces = len(ConvexHull(POINTS).simplices)
    assert [hull._faces.shape for hull in hulls] == [(faces, 3, 3)] * 4
    corners = {tuple(point) for point in hulls[0]._faces.reshape(-1, 3)}
    assert corners == {tuple(point) for point in POINTS[ConvexHull(POINTS).vertices]}


def test_every_point_is_drawn_and_each_mean_is_marked():
    figure = draw(0.3)
    for ax in figure.axes:
        dots = [c for c in ax.collections if "Path3D" in type(c).__name__]
        drawn = [np.column_stack(one._offsets3d) for one in dots]
        last = 0.3 * POINTS + 0.1
        expected = [POINTS, POINTS.mean(axis=0)[None], last, last.mean(axis=0)[None]]
        assert [one.shape for one in drawn] == [(50, 3), (1, 3), (50, 3), (1, 3)]
        for one, points in zip(drawn, expected, strict=True):
            assert np.allclose(one, points)
        colors = [to_hex(one.get_facecolor()[0]) for one in dots]
        assert colors == [color.lower() for color in (BLUE, BLUE, VERMILION, VERMILION)]
        for axis, low, high in zip("xyz", *_ends(POINTS, last), strict=True):
            left, right = getattr(ax, f"get_{axis}lim")()
            assert left < low < high < right


def _ends(*clouds):
    both = np.concatenate(clouds)
    return both.min(axis=0), both.max(axis=0)


def test_the_words_say_what_is_what():
    text = words(cloud(POINTS, POINTS[:7], 12))
    assert "generation 0, n = 50" in text
    assert "generation 12, n = 7" in text
    assert {"PC 1", "PC 2", "PC 3"} <= set(text.split(" | "))


def test_a_collapsed_cloud_has_no_hull():
    assert len(collections(draw(0.0), "Poly3D")) == 2
    point = np.zeros((1, 3))
    figure = cloud(point, point, 3)
    assert not collections(figure, "Poly3D")
    assert len(collections(figure, "Path3D")) == 8
    assert png(figure)


@pytest.mark.parametrize("last", [np.zeros((0, 3)), np.zeros((5, 2)), np.zeros(3)])
def test_points_of_the_wrong_shape(last):
    with pytest.raises(MetricError, match=r"last points: want \(n >= 1, 3\)"):
        cloud(np.zeros((5, 3)), last, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_that_are_not_finite(value):
    with pytest.raises(MetricError, match="human points: want finite"):
        cloud(np.full((5, 3), value), np.zeros((5, 3)), 1)
    with pytest.raises(MetricError, match="last points: want finite"):
        cloud(np.zeros((5, 3)), np.full((5, 3), value), 1)


def test_same_numbers_same_bytes():
    assert png(draw()) == png(draw())
    assert png(draw()) != png(draw(0.5))
