import os
import subprocess
import sys

import numpy as np
import pytest

from palimpsest import figures
from palimpsest.decay.phases import find_phases
from palimpsest.decay.trajectory import Trajectory
from palimpsest.errors import MetricError
from tests.decay.chains import published, rich

WITH_NULL = Trajectory.from_cards(rich(6), rich(6))
CHAINS = {"rich": rich(), "two": rich(2), "one": rich(1), "dead": rich(6, 2), "bare": published()}


def words(figure):
    texts = [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]
    return " | ".join(texts)


def cloud(scale=1.0):
    points = np.random.default_rng(0).normal(size=(50, 3))
    return figures.cloud(points, scale * points + 0.1, 20)


@pytest.mark.parametrize("name", CHAINS)
def test_every_picture_draws_for_every_chain(name):
    trajectory = Trajectory.from_cards(CHAINS[name])
    for figure in (
        figures.dashboard(trajectory),
        figures.integrity(trajectory, find_phases(trajectory)),
        figures.perplexity(trajectory),
        figures.truth(trajectory),
    ):
        assert figures.png(figure).startswith(b"\x89PNG")


def test_a_null_lineage_is_drawn_and_named():
    for figure in (
        figures.dashboard(WITH_NULL),
        figures.integrity(WITH_NULL),
        figures.perplexity(WITH_NULL),
        figures.truth(WITH_NULL),
    ):
        assert "null lineage" in words(figure)
        assert figures.png(figure).startswith(b"\x89PNG")
    assert "null lineage" not in words(figures.dashboard(Trajectory.from_cards(rich(6))))


def test_the_difference_to_itself_is_zero():
    figure = figures.difference(WITH_NULL)
    assert "chain − null lineage" in words(figure)
    lines = [line for ax in figure.axes for line in ax.lines if len(line.get_xdata()) == 6]
    measured = [name for name, *_ in figures.APART if name in WITH_NULL.curves]
    assert len(lines) == len(measured) >= 8
    assert all(abs(line.get_ydata()).max() == 0 for line in lines)
    points = np.zeros((5, 3))
    titles = [
        title for title, *_ in figures.of_chain(WITH_NULL, find_phases(WITH_NULL), points, points)
    ]
    assert titles == ["Dashboard", "Integrity", "Difference", "Perplexity", "Truth", "Cloud"]


def test_same_numbers_same_bytes():
    trajectory = Trajectory.from_cards(rich())
    assert figures.png(figures.dashboard(trajectory)) == figures.png(figures.dashboard(trajectory))
    first = figures.png(cloud())
    assert first == figures.png(cloud())
    assert b"matplotlib" not in first.lower()


def test_the_dashboard_names_its_panels_and_units():
    text = words(figures.dashboard(Trajectory.from_cards(rich())))
    for name in ("Volume", "Drift", "Dispersion", "Compression", "Outlier", "generation"):
        assert name in text
    assert "PCA units³" in text
    assert "95 % of 20" in text


def test_the_change_of_phase_is_marked_only_if_there_is_one():
    trajectory = Trajectory.from_cards(published())
    marked = figures.integrity(trajectory, find_phases(trajectory))
    assert "phase changes after g03" in words(marked)
    assert "phase" not in words(figures.integrity(trajectory))


def test_what_was_not_measured_says_so():
    trajectory = Trajectory.from_cards(published())
    assert "not measured" in words(figures.truth(trajectory))
    assert "not measured" in words(figures.perplexity(trajectory))
    assert "95 %" not in words(figures.dashboard(trajectory))


def test_perplexity_turns_logarithmic_when_it_explodes():
    cards = rich(4)
    assert figures.perplexity(Trajectory.from_cards(cards)).axes[0].get_yscale() == "linear"
    cards[3]["metrics"]["perplexity_heldout"]["value"] = 9e4
    assert figures.perplexity(Trajectory.from_cards(cards)).axes[0].get_yscale() == "log"


def hulls(figure):
    return [c for ax in figure.axes for c in ax.collections if "Poly3D" in type(c).__name__]


def test_both_hulls_are_drawn_from_two_sides():
    assert len(hulls(cloud(0.3))) == 4


def test_a_collapsed_cloud_has_no_hull():
    assert len(hulls(cloud(0.0))) == 2
    point = np.zeros((1, 3))
    figure = figures.cloud(point, point, 3)
    assert not hulls(figure)
    assert figures.png(figure)


@pytest.mark.parametrize("last", [np.zeros((0, 3)), np.zeros((5, 2)), np.zeros(3)])
def test_points_of_the_wrong_shape(last):
    with pytest.raises(MetricError, match=r"last points: want \(n >= 1, 3\)"):
        figures.cloud(np.zeros((5, 3)), last, 1)


def test_points_that_are_not_finite():
    with pytest.raises(MetricError, match="finite"):
        figures.cloud(np.full((5, 3), np.nan), np.zeros((5, 3)), 1)


def test_save_writes_a_png(tmp_path):
    figures.save(cloud(), tmp_path / "plots" / "cloud.png")
    assert (tmp_path / "plots" / "cloud.png").read_bytes() == figures.png(cloud())


def test_pyplot_stays_out():
    code = "import sys, palimpsest.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
