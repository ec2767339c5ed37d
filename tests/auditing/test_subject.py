"""Where texts lie: far from the reference, close together."""

import numpy as np
import pytest

from palimpsest.auditing.subject import elsewhere, farthest, most_alike, nearest
from palimpsest.core.rng import stream
from palimpsest.evaluation.human import HumanSide, Texts
from palimpsest.statistics.null_band import Band

COUNT = 50


def cloud(seed, shift=0.0):
    points = stream(seed, "tests.subject").standard_normal((COUNT, 8)) + shift
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def side():
    names = [str(at) for at in range(COUNT)]
    return HumanSide(Texts(names, cloud(1), None), [Texts(names, cloud(2), None)], 1.0)


def band(near):
    spread = 0.15 / np.sqrt(COUNT)
    return Band(near.human - 2 * spread, near.human + 2 * spread, 20, near.human, spread)


def test_another_subject_is_far_from_every_human_text():
    human = nearest(cloud(3), side())
    assert elsewhere(human, band(human), range(COUNT)) == ""
    away = np.zeros((COUNT, 8), np.float32)
    away[:, 0], away[:, 1] = 0.05, -1
    axis = np.zeros((COUNT, 8), np.float32)
    axis[:, 0] = 1
    others = np.zeros((COUNT, 8), np.float32)
    others[:, 0], others[:, 2] = 0.6, 0.8
    only = HumanSide(Texts(["a"] * COUNT, axis, None), [Texts(["b"] * COUNT, others, None)], 1.0)
    near = nearest(away, only)
    assert near.cosines == pytest.approx(np.full(COUNT, 0.05))
    said = elsewhere(near, Band(0.5, 0.7, 20, 0.6, 0.05), range(COUNT))
    assert "(cosine 0.05, of human samples 0.50 to 0.70)" in said


def test_few_sound_texts_say_nothing():
    near = nearest(cloud(4, shift=-9.0), side())
    assert elsewhere(near, band(near), range(9)) == ""


def test_a_text_that_is_nearer_is_not_elsewhere():
    near = nearest(cloud(1), side())  # the fit sample itself: cosine 1
    assert near.cosines == pytest.approx(np.ones(COUNT), abs=1e-6)
    assert elsewhere(near, Band(0.5, 0.7, 20, 0.6, 0.05), range(COUNT)) == ""


def test_the_farthest_are_named_without_those_of_another_fault():
    near = nearest(cloud(5), side())
    order = np.argsort(near.cosines).tolist()
    rows = [100 + at for at in range(COUNT)]
    shown = farthest(near, rows, [f"text {at}" for at in range(COUNT)], {100 + order[0]})
    assert [one.row for one in shown] == [100 + at for at in order[1:6]]
    assert shown[0].note == f"nearest human text: cosine {near.cosines[order[1]]:.2f}"


def test_the_most_alike_are_others_and_no_copies():
    points = np.eye(6, dtype=np.float32)
    points[1] = points[0]  # a copy of text 0 in words, too
    points[3] = (points[2] + 0.1 * points[3]) / np.linalg.norm(points[2] + 0.1 * points[3])
    shown = most_alike(points, range(6), ["a", "a", "b", "c", "d", "e"])
    assert [(one.row, one.note) for one in shown[:2]] == [
        (2, "cosine 1.00 to text 4"),
        (3, "cosine 1.00 to text 3"),
    ]
    assert most_alike(points[:2], range(2), ["a", "a"]) == ()
