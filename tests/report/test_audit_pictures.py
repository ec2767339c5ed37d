"""The pictures of an audit, by hand: every text, every metric over its band, the right words."""

import re

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from palimpsest.auditing.verdict import Finding
from palimpsest.core.errors import MetricError
from palimpsest.report.audit_pictures import (
    FARTHEST,
    HEIGHT,
    LEFT,
    MARGIN,
    RIGHT,
    WIDTH,
    cloud,
    over_bands,
)
from palimpsest.statistics.null_band import Band

POINTS = np.random.default_rng(0).normal(size=(50, 2))


def finding(name, value, band, counts="", low=None, high=None):
    middle = (band[0] + band[1]) / 2
    return Finding(name, value, low, high, Band(*band, 20, middle, 1.0), 0.01, "below", counts)


FINDINGS = (
    finding("vendi", 10.0, (20.0, 40.0), "collapse", 5.0, 15.0),
    finding("frechet", 7.0, (1.0, 3.0), "different"),
    finding("distinct_2", 0.6, (0.4, 0.8)),
    finding("duplicates", 1.0, (0.0, 0.001), "collapse"),
)


def places(path):
    return np.array(re.findall(r"M([-\d.]+) ([-\d.]+)h0", path), dtype=float)


def test_every_text_is_a_dot_in_the_same_plane():
    human, mine = cloud(0.3 * POINTS[:20], POINTS)
    assert (human.name, human.texts, mine.name, mine.texts) == ("reference", 50, "candidate", 20)
    dots = np.concatenate([places(human.path), places(mine.path)])
    points = np.concatenate([POINTS, 0.3 * POINTS[:20]])
    # one scale for both directions, the second turned over: distances keep their proportions
    scale = np.ptp(dots[:, 0]) / np.ptp(points[:, 0])
    np.testing.assert_allclose((dots - dots[0])[:, 0], scale * (points - points[0])[:, 0], atol=0.2)
    np.testing.assert_allclose(
        (dots - dots[0])[:, 1], -scale * (points - points[0])[:, 1], atol=0.2
    )
    assert (dots >= MARGIN - 0.1).all()
    assert (dots <= np.array([WIDTH, HEIGHT]) - MARGIN + 0.1).all()
    corners = {tuple(map(float, pair.split(","))) for pair in human.outline.split()}
    assert corners == {tuple(dots[at]) for at in ConvexHull(POINTS).vertices}


@pytest.mark.parametrize("candidate", [np.zeros((9, 2)), np.zeros((1, 2)), POINTS[:2]])
def test_a_candidate_without_a_hull_is_still_drawn(candidate):
    mine = cloud(candidate, POINTS)[1]
    assert len(places(mine.path)) == len(candidate)
    assert mine.outline == ""


def test_one_point_on_both_sides_is_in_the_middle():
    for side in cloud(np.ones((3, 2)), np.ones((2, 2))):
        np.testing.assert_allclose(places(side.path), [[WIDTH / 2, HEIGHT / 2]] * side.texts)


@pytest.mark.parametrize("bad", [np.zeros((0, 2)), np.zeros((5, 3)), np.zeros(2)])
def test_points_of_the_wrong_shape(bad):
    with pytest.raises(MetricError, match=r"candidate points: want \(n >= 1, 2\)"):
        cloud(bad, POINTS)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_that_are_not_finite(value):
    with pytest.raises(MetricError, match="reference points: want finite numbers"):
        cloud(POINTS, np.full((5, 2), value))


def test_a_metric_lies_where_its_band_puts_it():
    bands = over_bands(FINDINGS)
    middle, reach = (LEFT + RIGHT) / 2, (RIGHT - LEFT) / 2
    at = [(dot.x - middle) / reach for dot in bands.dots]
    # in half-widths of the band: −2, 5, 0 and too far; the logarithm beyond 1, 1.15 of it in all
    whole = 1.15 * (1 + np.log(FARTHEST))
    wanted = np.array([-(1 + np.log(2)), 1 + np.log(5), 0, 1 + np.log(FARTHEST)]) / whole
    np.testing.assert_allclose(at, wanted, atol=1e-12)
    low, high = bands.dots[0].ends
    np.testing.assert_allclose((low - middle) / reach, -(1 + np.log(2.5)) / whole)
    np.testing.assert_allclose((high - middle) / reach, -(1 + np.log(1.5)) / whole)
    assert [dot.ends for dot in bands.dots[1:]] == [None] * 3
    np.testing.assert_allclose((np.array(bands.stripe) - middle) / reach, [-1 / whole, 1 / whole])
    assert [said for _, said in bands.ticks] == [
        "−300", "−100", "−30", "−10", "−3", "−1", "1", "3", "10", "30", "100", "300"
    ]  # fmt: skip
    assert [dot.y for dot in bands.dots] == sorted({dot.y for dot in bands.dots})
    assert all(dot.y < bands.bottom for dot in bands.dots)


def test_an_axis_holds_every_end_of_an_interval():
    (dot,) = over_bands([finding("vendi", 30.0, (20.0, 40.0), "", -500.0, 600.0)]).dots
    assert LEFT < dot.ends[0] < dot.x < dot.ends[1] < RIGHT


def test_the_words_name_metrics_values_and_what_they_count_as():
    bands = over_bands(FINDINGS)
    assert [(dot.label, dot.said) for dot in bands.dots] == [
        ("Vendi score", "10 (20 to 40)"),
        ("Fréchet distance", "7 (1 to 3)"),
        ("distinct 2-grams", "0.600 (0.400 to 0.800)"),
        ("duplicate texts", "1 (0 to 0.00100)"),
    ]
    assert [key for key, _ in bands.counts] == ["collapse", "different", ""]
    assert [key for key, _ in over_bands(FINDINGS[2:3]).counts] == [""]


def test_a_band_without_width_is_no_division_by_zero():
    (dot,) = over_bands([finding("duplicates", 0.5, (0.0, 0.0), "collapse")]).dots
    assert dot.x < RIGHT


def test_nothing_to_draw_is_an_error():
    with pytest.raises(MetricError, match="findings: want at least one, got 0"):
        over_bands([])
