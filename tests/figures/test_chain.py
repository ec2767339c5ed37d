"""The pictures of a chain: which numbers each of them draws, and what it says of the rest."""

import os
import subprocess
import sys

import numpy as np
import pytest

from palimpsest.figures import chain as figures
from palimpsest.figures.style import BLUE, GREY, INK, SKY, VERMILION, png
from palimpsest.metrics.registry import metric, shown_in
from palimpsest.trajectory.changepoint import find_phases
from palimpsest.trajectory.curves import Trajectory
from tests.figures.drawn import has_tint, interval, is_dashed, legend, lines, panel, stripes, words
from tests.trajectory.chains import chain, published, rich

WITH_CONTROL = Trajectory.from_scorecards(rich(6), rich(6))
CHAINS = {"rich": rich(), "two": rich(2), "one": rich(1), "dead": rich(6, 2), "bare": published()}


def curve(scorecards, name):
    """A metric's values, one a generation."""
    return [scorecard["metrics"][name]["value"] for scorecard in scorecards]


def drawn(ax, color):
    """The values of the one solid line of a colour."""
    (line,) = [line for line in lines(ax, color) if not is_dashed(line)]
    return list(line.get_ydata())


@pytest.mark.parametrize("name", CHAINS)
def test_every_picture_draws_for_every_chain(name):
    trajectory = Trajectory.from_scorecards(CHAINS[name])
    for figure in (
        figures.dashboard(trajectory),
        figures.integrity(trajectory, find_phases(trajectory)),
        figures.perplexity(trajectory),
        figures.truth(trajectory),
    ):
        assert png(figure).startswith(b"\x89PNG")


# --- the dashboard ---


@pytest.mark.parametrize("name", CHAINS)
def test_the_dashboard_draws_the_five_published_curves(name):
    scorecards = CHAINS[name]
    figure = figures.dashboard(Trajectory.from_scorecards(scorecards))
    assert list(figures.PANELS) == ["volume", "drift", "dispersion", "compression", "outlier"]
    for ax, (metric_name, color) in zip(figure.axes, figures.PANELS.items(), strict=False):
        if metric_name not in scorecards[0]["metrics"]:
            assert "not measured" in words(ax)
            assert not ax.lines
            continue
        assert drawn(ax, color) == curve(scorecards, metric_name)
        assert ax.get_ylim()[0] == 0
        assert "not measured" not in words(ax)


def test_the_dashboard_names_its_panels_and_units():
    figure = figures.dashboard(Trajectory.from_scorecards(rich()))
    titles = ["Hull volume", "Drift", "Dispersion", "Mean pair distance", "Farthest text"]
    assert [ax.get_title(loc="left") for ax in figure.axes[:5]] == titles
    units = ["PCA units³", *["PCA units"] * 4]
    assert [ax.get_ylabel() for ax in figure.axes[:5]] == units
    assert {ax.get_xlabel() for ax in figure.axes[:5]} == {"generation"}
    assert legend(figure) == [
        "measured", "95 % interval", "null band: 95 % of fresh human\nsamples, from 20",
    ]  # fmt: skip
    assert "95 %" not in words(figures.dashboard(Trajectory.from_scorecards(published())))


def test_the_dashboard_draws_band_and_interval_where_there_are_any():
    scorecards = rich()
    figure = figures.dashboard(Trajectory.from_scorecards(scorecards))
    volume, dispersion = panel(figure, "Hull volume"), panel(figure, "Dispersion")
    assert stripes(volume) == [(pytest.approx(0.32), pytest.approx(0.365))]
    assert not has_tint(volume)
    assert stripes(dispersion) == []
    entry = scorecards[3]["metrics"]["dispersion"]
    assert interval(dispersion, 3) == (entry["low"], entry["high"])


# --- integrity ---


def test_integrity_and_loss_are_drawn_with_half_and_band():
    scorecards = rich()
    figure = figures.integrity(Trajectory.from_scorecards(scorecards))
    left, right = panel(figure, "Integrity"), panel(figure, "Integrity lost")
    assert drawn(left, BLUE) == curve(scorecards, "integrity")
    assert drawn(right, VERMILION) == curve(scorecards, "loss")
    assert stripes(left) == [(pytest.approx(0.92), pytest.approx(1.05))]
    half = [line for line in lines(left, GREY) if is_dashed(line)]
    assert [list(line.get_ydata()) for line in half] == [[0.5, 0.5]]
    assert "half" in words(left)
    assert left.get_ylabel() == "share of fresh human text's (1 = intact)"
    low, high = left.get_ylim()
    assert low == 0
    assert high >= 1.05
    assert right.get_ylim()[1] >= 100


def test_the_change_of_phase_is_marked_only_if_there_is_one():
    trajectory = Trajectory.from_scorecards(published())
    phases = find_phases(trajectory)
    marked = figures.integrity(trajectory, phases)
    assert words(marked).count("phase changes after g11") == 2
    for ax in marked.axes:
        (line,) = lines(ax, INK)
        assert list(line.get_xdata()) == [11.5, 11.5]
    assert "phase" not in words(figures.integrity(trajectory))
    short = Trajectory.from_scorecards(published()[:3])
    plain = figures.integrity(short, find_phases(short))
    assert "phase" not in words(plain)
    assert not any(lines(ax, INK) for ax in plain.axes)


# --- perplexity ---


def test_perplexity_turns_logarithmic_when_it_explodes():
    scorecards = rich(4)
    figure = figures.perplexity(Trajectory.from_scorecards(scorecards))
    assert drawn(figure.axes[0], BLUE) == curve(scorecards, "perplexity_heldout")
    assert figure.axes[0].get_yscale() == "linear"
    assert figure.axes[0].get_ylim()[0] == 0
    scorecards[3]["metrics"]["perplexity_heldout"]["value"] = 9e4
    figure = figures.perplexity(Trajectory.from_scorecards(scorecards))
    assert figure.axes[0].get_yscale() == "log"
    assert drawn(figure.axes[0], BLUE)[3] == 9e4


# --- truth ---


def test_truth_draws_those_of_its_curves_that_were_measured():
    scorecards = rich()
    figure = figures.truth(Trajectory.from_scorecards(scorecards))
    (ax,) = figure.axes
    for name, color in (("fact_coverage", BLUE), ("tail_coverage", SKY), ("truth", VERMILION)):
        assert drawn(ax, color) == curve(scorecards, name)
    assert stripes(ax) == [(pytest.approx(0.66), pytest.approx(0.7))]
    assert ax.get_ylim() == (-0.02, 1.02)
    assert legend(figure) == [
        "facts still stated, of all", "rare facts still stated",
        "true, of the statements made", "facts in as many human texts",
    ]  # fmt: skip
    alone = figures.truth(Trajectory.from_scorecards(chain(truth=[1.0, 0.5])))
    assert drawn(alone.axes[0], VERMILION) == [1.0, 0.5]
    assert legend(alone) == ["true, of the statements made"]


def test_what_was_not_measured_says_so():
    trajectory = Trajectory.from_scorecards(published())
    for figure in (figures.truth(trajectory), figures.perplexity(trajectory)):
        assert "not measured" in words(figure)
        assert not figure.axes[0].lines
        assert legend(figure) == []
    measured = figures.integrity(trajectory)
    assert "not measured" not in words(measured)
    without = figures.integrity(Trajectory.from_scorecards(chain(volume=[1.0, 0.5])))
    assert words(without).count("not measured") == 2


# --- the control chain ---


def test_a_control_chain_is_drawn_and_named():
    control = rich(6)
    for scorecard in control:
        for entry in scorecard["metrics"].values():
            entry.update({key: 0.75 * value for key, value in entry.items() if value is not None})
    trajectory = Trajectory.from_scorecards(rich(6), control)
    expected = {
        "Hull volume": "volume", "Farthest text": "outlier", "Integrity": "integrity",
        "Integrity lost": "loss", "Held-out human text, read by each model": "perplexity_heldout",
    }  # fmt: skip
    seen = set()
    for figure in (
        figures.dashboard(trajectory),
        figures.integrity(trajectory),
        figures.perplexity(trajectory),
    ):
        assert "control chain" in legend(figure)
        for ax in figure.axes:
            name = expected.get(ax.get_title(loc="left"))
            if name:
                seen.add(name)
                (line,) = lines(ax, INK)
                assert is_dashed(line)
                assert list(line.get_ydata()) == curve(control, name)
    assert seen == set(expected.values())
    facts = figures.truth(trajectory)
    assert "control chain" in legend(facts)
    for name, color in (("fact_coverage", BLUE), ("tail_coverage", SKY), ("truth", VERMILION)):
        (dashed,) = [line for line in lines(facts.axes[0], color) if is_dashed(line)]
        assert list(dashed.get_ydata()) == curve(control, name)
    without = Trajectory.from_scorecards(rich(6))
    for figure in (figures.dashboard(without), figures.integrity(without), figures.truth(without)):
        assert "control chain" not in words(figure)
        assert not any(lines(ax, INK) for ax in figure.axes)


def test_the_difference_to_itself_is_zero():
    figure = figures.difference(WITH_CONTROL)
    assert "chain − control chain" in words(figure)
    curves = [
        line for ax in figure.axes for line in ax.lines
        if len(line.get_xdata()) == 6 and not is_dashed(line)
    ]  # fmt: skip
    measured = [name for name in shown_in("picture") if name in WITH_CONTROL]
    assert len(curves) == len(measured) >= 8
    assert all(np.abs(line.get_ydata()).max() == 0 for line in curves)


def test_the_difference_is_that_of_the_curves():
    scorecards, control = chain(volume=[1.0, 0.5, 0.25]), chain(volume=[1.0, 0.75, 0.75])
    for one, reach in ((scorecards[1], 0.3), (control[1], 0.4)):
        volume = one["metrics"]["volume"]
        volume.update(low=volume["value"] - reach, high=volume["value"] + reach)
    figure = figures.difference(Trajectory.from_scorecards(scorecards, control))
    ax = panel(figure, "Hull volume")
    color = figures.COLORS[metric("volume").evidence]
    assert drawn(ax, color) == [0.0, -0.25, -0.5]
    assert interval(ax, 1) == (pytest.approx(-0.75), pytest.approx(0.25))
    (zero,) = lines(ax, INK)
    assert is_dashed(zero)
    assert list(zero.get_ydata()) == [0, 0]
    assert [one.get_title(loc="left") for one in figure.axes] == ["Hull volume", "", ""]


def test_without_anything_in_common_the_difference_says_so():
    scorecards, control = chain(volume=[1.0, 0.5]), chain(drift=[0.0, 0.1])
    figure = figures.difference(Trajectory.from_scorecards(scorecards, control))
    assert "not measured" in words(figure)
    assert not any(ax.lines for ax in figure.axes)


# --- all of them ---


def test_a_chain_has_the_pictures_that_it_has_numbers_for():
    points = np.zeros((5, 3))

    def titles(trajectory):
        phases = find_phases(trajectory)
        drawings = figures.of_chain(trajectory, phases, points, points)
        assert all(png(draw()) for _, draw in drawings)
        return [title for title, _ in drawings]

    all_six = ["Dashboard", "Integrity", "Difference", "Perplexity", "Truth", "Cloud"]
    assert titles(WITH_CONTROL) == all_six
    without = [title for title in all_six if title != "Difference"]
    assert titles(Trajectory.from_scorecards(rich(6))) == without
    bare = ["Dashboard", "Integrity", "Perplexity", "Cloud"]
    assert titles(Trajectory.from_scorecards(published())) == bare


def test_each_drawing_is_of_its_title():
    trajectory, points = WITH_CONTROL, np.random.default_rng(0).normal(size=(9, 3))
    drawings = dict(figures.of_chain(trajectory, find_phases(trajectory), points, points))
    own = {
        "Dashboard": "Farthest text", "Integrity": "Integrity lost", "Truth": "Facts and truth",
        "Difference": "chain − control chain", "Perplexity": "read by each model",
        "Cloud": "generation 5, n = 9",
    }  # fmt: skip
    for title, text in own.items():
        assert text in words(drawings[title]()), title


def test_same_numbers_same_bytes():
    trajectory = Trajectory.from_scorecards(rich())
    first = png(figures.dashboard(trajectory))
    assert first == png(figures.dashboard(trajectory))
    other = rich()
    other[4]["metrics"]["volume"]["value"] *= 2
    assert first != png(figures.dashboard(Trajectory.from_scorecards(other)))
    assert b"matplotlib" not in first.lower()


def test_pyplot_stays_out():
    code = "import sys, palimpsest.figures.chain; sys.exit('matplotlib.pyplot' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
