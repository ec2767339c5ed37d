"""The picture of a comparison: means and intervals over chains by hand, a line a variant."""

import numpy as np
import pytest

from palimpsest.experiments.comparison import Run, variants
from palimpsest.figures.comparison import CYCLE, compared
from palimpsest.figures.style import BLUE, VERMILION, png
from tests.figures.drawn import has_tint, interval, legend, lines, panel, words


def run(seed, kind, *volumes, **more):
    generations = {
        number: {"volume": value, **{name: values[number] for name, values in more.items()}}
        for number, value in enumerate(volumes)
    }
    return Run(f"{kind}{seed}", {"seed": seed, "regime.kind": kind}, generations)


COMPARED = variants([
    run(0, "replace", 1.0, 0.4), run(1, "replace", 1.0, 0.6), run(0, "fresh", 1.0, 0.9, 0.8),
])  # fmt: skip


def test_a_line_is_the_mean_over_the_chains_of_a_variant():
    figure = compared(COMPARED, ["volume"])
    ax = panel(figure, "volume")
    (replace,), (fresh,) = lines(ax, BLUE), lines(ax, VERMILION)
    assert list(replace.get_xdata()) == [0, 1]
    assert replace.get_ydata() == pytest.approx([1.0, 0.5])
    assert list(fresh.get_xdata()) == [0, 1, 2]
    assert fresh.get_ydata() == pytest.approx([1.0, 0.9, 0.8])
    assert legend(figure) == ["regime.kind=replace (2)", "regime.kind=fresh (1)"]


def test_the_tint_is_the_interval_over_chains():
    ax = panel(compared(COMPARED, ["volume"]), "volume")
    # 0.4 and 0.6: standard error 0.1, t(0.975, 1) = 12.7062; one chain has no interval
    assert interval(ax, 1) == pytest.approx((0.5 - 1.27062, 0.5 + 1.27062), rel=1e-5)
    with pytest.raises(ValueError, match="zero-size array"):
        interval(ax, 2)
    assert not has_tint(panel(compared(COMPARED[1:], ["volume"]), "volume"))


def test_the_axis_spans_the_chains_and_not_their_intervals():
    ax = panel(compared(COMPARED, ["volume"]), "volume")
    # 0.4 to 1.0, and a quarter of that on both sides
    assert ax.get_ylim() == pytest.approx((0.25, 1.15))
    level = panel(compared(variants([run(0, "fresh", 1.0, 1.0)]), ["volume"]), "volume")
    assert level.get_ylim()[0] < 1.0 < level.get_ylim()[1]


def test_every_metric_has_a_panel_and_what_is_missing_is_a_gap():
    truth = [1.0, None]
    several = variants([run(seed, "replace", 1.0, 0.5, truth=truth) for seed in (0, 1)])
    figure = compared(several, ["volume", "truth", "nothing", "drift"])
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["volume", "truth", "nothing", "drift", "", ""]
    assert [ax.axison for ax in figure.axes] == [True] * 4 + [False] * 2
    truth = lines(panel(figure, "truth"), BLUE)[0].get_ydata()
    assert np.array_equal(truth, [1.0, np.nan], equal_nan=True)
    assert np.isnan(lines(panel(figure, "nothing"), BLUE)[0].get_ydata()).all()
    assert {ax.get_xlabel() for ax in figure.axes[:4]} == {"generation"}
    assert "volume" in words(figure)


def test_more_variants_than_colours_have_other_marks():
    several = variants([run(0, f"kind{at}", 1.0, 0.5 + at) for at in range(len(CYCLE) + 1)])
    ax = panel(compared(several, ["volume"]), "volume")
    looks = [(line.get_color(), line.get_marker()) for line in ax.lines]
    assert len(set(looks)) == len(looks) == len(CYCLE) + 1
    assert looks[0][0] == looks[-1][0]


def test_same_numbers_same_bytes():
    assert png(compared(COMPARED, ["volume"])) == png(compared(COMPARED, ["volume"]))
    assert png(compared(COMPARED, ["volume"])) != png(compared(COMPARED[::-1], ["volume"]))
