"""The animated cloud: what each frame holds, how long it stands, the same bytes twice."""

import io
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from palimpsest.core.errors import MetricError
from palimpsest.core.formatting import plain
from palimpsest.figures.collapse import END_MS, FRAME_MS, SLOW_MS, collapse_frames, gif
from palimpsest.figures.style import BLUE, INK, VERMILION
from palimpsest.trajectory.curves import Trajectory
from tests.figures.drawn import lines, stripes, words
from tests.trajectory.chains import published, rich

POINTS = np.random.default_rng(0).normal(size=(30, 3))
TRAJECTORY = Trajectory.from_scorecards(rich(4))
CLOUDS = {number: (1 - 0.1 * number) * POINTS for number in TRAJECTORY.generations.tolist()}


def frames(clouds=CLOUDS, trajectory=TRAJECTORY):
    return list(collapse_frames(clouds, trajectory))


def colours_of_dots(figure):
    dots = [one for one in figure.axes[0].collections if "Path3D" in type(one).__name__]
    return {to_hex(one.get_facecolor()[0]).upper() for one in dots}


def test_a_frame_says_generation_and_integrity():
    figures = frames()
    assert len(figures) == len(CLOUDS)
    for number, figure in enumerate(figures):
        said = words(figure)
        assert f"generation {number} of {len(CLOUDS) - 1}" in said
        value = TRAJECTORY.curve("integrity").value[number]
        assert f"integrity {plain(float(value))} |" in said


def test_a_frame_draws_human_text_and_from_1_on_its_generation_too():
    first, *others = frames()
    assert colours_of_dots(first) == {BLUE}
    assert all(colours_of_dots(figure) == {BLUE, VERMILION} for figure in others)


def test_all_frames_have_one_box_and_one_scale():
    figures = frames()
    for axes in zip(*(figure.axes for figure in figures), strict=True):
        assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes}) == 1


def test_the_curve_ends_at_the_generation_and_the_band_is_there():
    for number, figure in enumerate(frames()):
        ax = figure.axes[1]
        (line,) = lines(ax, INK)
        assert list(line.get_xdata()) == list(range(number + 1))
        assert list(line.get_ydata()) == list(TRAJECTORY.curve("integrity").value[: number + 1])
        band = TRAJECTORY.null["integrity"]
        assert stripes(ax) == [pytest.approx((band.low, band.high))]


def test_integrity_that_was_not_measured_is_said():
    scorecards = published()
    for scorecard in scorecards:
        scorecard["metrics"].pop("integrity", None)
    trajectory = Trajectory.from_scorecards(scorecards)
    clouds = {number: POINTS for number in trajectory.generations.tolist()}
    assert all("integrity not measured" in words(one) for one in frames(clouds, trajectory))


def test_a_flat_cloud_is_drawn_without_its_hull():
    flat = {**CLOUDS, 3: np.zeros((30, 3))}
    hulls = [one for one in frames(flat)[3].axes[0].collections if "Poly3D" in type(one).__name__]
    assert len(hulls) == 1  # the human one


def test_the_gif_stands_long_enough_loops_and_has_the_same_bytes_twice():
    made = gif(iter(frames()))
    assert made == gif(iter(frames()))
    image = Image.open(io.BytesIO(made))
    assert image.n_frames == len(CLOUDS)
    assert image.info["loop"] == 0
    times, pictures = [], []
    for number in range(image.n_frames):
        image.seek(number)
        times.append(image.info["duration"])
        pictures.append(np.asarray(image.convert("RGB")))
    assert times == [SLOW_MS, *[FRAME_MS] * (len(CLOUDS) - 2), END_MS]
    assert all((one[0, 0] == 255).all() for one in pictures)  # paper stays white
    assert all((a != b).any() for a, b in pairwise(pictures))


@pytest.mark.parametrize(
    ("clouds", "said"),
    [
        ({0: POINTS}, r"clouds: want generations 0 and on: \[0, 1, 2, 3\], got \[0\]"),
        ({**CLOUDS, 2: POINTS[:, :2]}, r"generation 2 points: want \(n >= 1, 3\), got \(30, 2\)"),
        ({**CLOUDS, 1: POINTS * np.nan}, "generation 1 points: want finite numbers, got NaN"),
    ],
)
def test_clouds_that_cannot_be_drawn_are_refused(clouds, said):
    with pytest.raises(MetricError, match=said):
        frames(clouds)


def test_no_frame_is_refused():
    with pytest.raises(MetricError, match="frames: want at least one, got none"):
        gif(iter(()))
