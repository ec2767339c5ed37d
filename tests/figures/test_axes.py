"""What the pictures of curves are drawn with: the data of every line, tint, stripe and label."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from palimpsest.figures.axes import (
    draw_band,
    draw_bands,
    draw_control,
    draw_curve,
    draw_legend,
    draw_panel,
    label_generations,
    say_missing,
)
from palimpsest.figures.style import BLUE, GREY, INK, VERMILION
from palimpsest.statistics.null_band import Band
from palimpsest.trajectory.curves import Curve, Trajectory
from tests.figures.drawn import (
    has_tint,
    interval,
    is_dashed,
    is_filled,
    legend,
    lines,
    stripes,
    words,
)
from tests.trajectory.chains import band, chain


def with_intervals():
    """Three generations of volume; the last has no interval."""
    scorecards = chain({"volume": band(0.5, 2.0)}, volume=[1.0, 0.75, 0.25])
    for scorecard, reach in zip(scorecards, (0.125, 0.25), strict=False):
        volume = scorecard["metrics"]["volume"]
        volume.update(low=volume["value"] - reach, high=volume["value"] + reach)
    return scorecards


@pytest.fixture
def ax():
    return Figure().subplots()


def test_a_panel_draws_curve_interval_and_band(ax):
    draw_panel(ax, Trajectory.from_scorecards(with_intervals()), "volume", VERMILION)
    (curve,) = lines(ax, VERMILION)
    assert list(curve.get_xdata()) == [0, 1, 2]
    assert list(curve.get_ydata()) == [1.0, 0.75, 0.25]
    assert not is_dashed(curve)
    assert interval(ax, 0) == (0.875, 1.125)
    assert interval(ax, 1) == (0.5, 1.0)
    assert stripes(ax) == [(0.5, 2.0)]
    (mean,) = lines(ax, GREY)
    assert list(mean.get_ydata()) == [1.25, 1.25]
    assert not lines(ax, INK)


def test_where_there_is_no_interval_there_is_no_tint(ax):
    draw_curve(ax, np.array([0, 1]), Curve(*np.array([[1.0, 2.0], [0, np.nan], [2, np.nan]])), BLUE)
    with pytest.raises(ValueError, match="zero-size array"):
        interval(ax, 1)
    bare = Figure().subplots()
    draw_panel(bare, Trajectory.from_scorecards(chain(volume=[1.0, 0.5])), "volume", BLUE)
    assert not has_tint(bare)
    assert stripes(bare) == []
    assert list(lines(bare, BLUE)[0].get_ydata()) == [1.0, 0.5]


def test_a_gap_is_a_gap(ax):
    draw_panel(ax, Trajectory.from_scorecards(chain(volume=[1.0, None, 0.5])), "volume", BLUE)
    assert np.array_equal(lines(ax, BLUE)[0].get_ydata(), [1.0, np.nan, 0.5], equal_nan=True)


def test_what_was_not_measured_says_so(ax):
    draw_panel(ax, Trajectory.from_scorecards(chain(drift=[0.0, 1.0])), "volume", BLUE)
    assert "not measured" in words(ax)
    assert not ax.lines
    assert not has_tint(ax)
    assert list(ax.get_yticks()) == []
    noted = Figure().subplots()
    say_missing(noted)
    assert "not measured" in words(noted)


def test_the_control_chain_is_dashed_over_its_own_generations(ax):
    scorecards, control = chain(volume=[1.0, 0.5, 0.25]), chain(volume=[1.0, 0.75])
    trajectory = Trajectory.from_scorecards(scorecards, control)
    draw_panel(ax, trajectory, "volume", BLUE)
    (dashed,) = lines(ax, INK)
    assert is_dashed(dashed)
    assert list(dashed.get_xdata()) == [0, 1]
    assert list(dashed.get_ydata()) == [1.0, 0.75]
    assert list(lines(ax, BLUE)[0].get_ydata()) == [1.0, 0.5, 0.25]
    own = Figure().subplots()
    draw_control(own, trajectory, "volume", VERMILION)
    assert list(lines(own, VERMILION)[0].get_ydata()) == [1.0, 0.75]
    draw_control(own, trajectory, "drift")
    draw_control(own, Trajectory.from_scorecards(scorecards), "volume")
    assert len(own.lines) == 1


def test_a_band_has_its_ends_its_mean_and_its_label(ax):
    draw_band(ax, Band(low=2.0, high=5.0, samples=20, mean=3.0, sd=1.0), "human texts")
    assert stripes(ax) == [(2.0, 5.0)]
    assert list(ax.lines[0].get_ydata()) == [3.0, 3.0]
    assert ax.get_legend_handles_labels()[1] == ["human texts"]


def test_the_band_has_a_step_where_a_generation_has_its_own(ax):
    scorecards = chain({"mtld": band(50, 90), "volume": band(1, 2)}, mtld=[70.0] * 5)
    scorecards[2]["null"] = {"mtld": band(80, 120)}
    trajectory = Trajectory.from_scorecards(scorecards)
    draw_bands(ax, trajectory, "mtld")
    heights = (49, 51, 79, 81, 89, 91, 119, 121)
    usual, own = (51, 79, 81, 89), (81, 89, 91, 119)
    for generation in (0.1, 1, 1.4, 1.6, 2, 2.4, 2.6, 3, 3.9):
        filled = tuple(height for height in heights if is_filled(ax, generation, height))
        # half way to the neighbours on either side
        assert filled == (own if 1.5 < generation < 2.5 else usual), generation
    assert stripes(ax) == []
    other = Figure().subplots()
    draw_bands(other, trajectory, "volume")
    assert stripes(other) == [(1, 2)]
    assert not has_tint(other)
    draw_bands(bare := Figure().subplots(), trajectory, "drift")
    assert (stripes(bare), has_tint(bare)) == ([], False)


def test_generations_without_any_band_have_none_beside_one_that_has():
    scorecards = chain(mtld=[70.0] * 4)
    scorecards[2]["null"] = scorecards[3]["null"] = {"mtld": band(80, 120)}
    ax = Figure().subplots()
    draw_panel(ax, Trajectory.from_scorecards(scorecards), "mtld", BLUE)
    assert [interval(ax, generation) for generation in (2, 3)] == [(80, 120)] * 2
    for generation in (0, 1):
        with pytest.raises(ValueError, match="zero-size array"):
            interval(ax, generation)


@pytest.mark.parametrize("length", [1, 2, 6, 60])
def test_the_axis_of_generations_holds_whole_numbers_and_all_of_them(ax, length):
    trajectory = Trajectory.from_scorecards(chain(volume=[1.0] * length))
    label_generations(ax, trajectory)
    low, high = ax.get_xlim()
    assert low < 0 <= length - 1 < high
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(float(tick).is_integer() for tick in ticks)
    assert ax.get_xlabel() == "generation"


def test_the_legend_names_what_is_drawn_and_nothing_else():
    def labels(scorecards, control=(), names=("volume",)):
        figure = Figure()
        draw_legend(figure, Trajectory.from_scorecards(scorecards, control), names)
        return legend(figure)

    null = "null band: 95 % of fresh human\nsamples, from 20"
    full = with_intervals()
    assert labels(full, full) == ["measured", "95 % interval", "control chain", null]
    assert labels(full, names=("drift",)) == ["measured"]
    assert labels(chain(volume=[1.0])) == ["measured"]
    assert labels(chain({"volume": band(0, 1, 7)}, volume=[1.0]))[1].endswith("samples, from 7")
