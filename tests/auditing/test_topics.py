"""Lost topics are found, fair samples are not accused, and ground of one's own is no loss."""

import numpy as np
import pytest

from palimpsest.auditing.facts import LEVEL
from palimpsest.auditing.topics import find_missing
from palimpsest.core.rng import stream

TOPICS, WIDTH = 10, 32


def texts_of(topics, number, seed):
    """Embeddings of texts about some of ten topics, and the topic of each."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(TOPICS, WIDTH))
    about = rng.choice(topics, number)
    points = centres[about] + 0.6 * rng.normal(size=(number, WIDTH))
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit.astype(np.float32), about


def missing(candidate, reference, about, seed=0):
    names = [f"about {topic}" for topic in about]
    return find_missing(candidate, reference, names, range(len(names)), seed)


def test_a_lost_fifth_of_the_topics_is_found_and_named():
    reference, about = texts_of(range(TOPICS), 600, 0)
    found = missing(texts_of(range(2, TOPICS), 200, 1)[0], reference, about)
    assert found.holds
    assert found.p_value < LEVEL
    lost = float(np.isin(about, (0, 1)).mean())
    assert found.share == pytest.approx(lost, abs=0.05)
    assert found.high < found.share
    assert found.low <= found.expected <= found.high
    assert {one.text for one in found.examples} <= {"about 0", "about 1"}
    assert all(one.of == "reference" for one in found.examples)
    assert [about[one.row] in (0, 1) for one in found.examples] == [True] * 5


def test_of_fair_samples_hardly_one_in_a_thousand_leaves_something_out():
    """200 pairs: the p-value is uniform, so that .05 is met by 10 of them, by 22 in 1 of 2,000."""
    below = held = 0
    for seed in range(200):
        every, about = texts_of(range(TOPICS), 160, 1000 + seed)
        found = missing(every[:40], every[40:], about[40:], seed)
        below += found.p_value <= 0.05
        held += found.holds
    assert held <= 1
    assert below <= 22


def test_other_ground_is_no_loss():
    reference, about = texts_of(range(8), 600, 0)
    elsewhere = missing(texts_of(range(2, TOPICS), 200, 1)[0], reference, about)
    assert elsewhere.p_value < LEVEL
    assert elsewhere.own > 0.1
    assert not elsewhere.holds


def test_the_same_seed_gives_the_same_answer_and_rotations_change_nothing():
    reference, about = texts_of(range(TOPICS), 150, 0)
    candidate = texts_of(range(5), 50, 1)[0]
    turn = np.linalg.qr(stream(0, "a turn").normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)
    first = missing(candidate, reference, about)
    assert first == missing(candidate, reference, about)
    turned = missing(candidate @ turn, reference @ turn, about)
    assert turned.share == pytest.approx(first.share, abs=0.02)


def test_degenerate_sides():
    reference, about = texts_of(range(TOPICS), 60, 0)
    few = texts_of(range(TOPICS), 20, 1)[0]
    assert missing(few[:0], reference, about) is None
    assert missing(few, reference[:0], about[:0]) is None
    assert missing(few[:5], reference, about) is None  # five texts have no neighbourhoods
    one = np.ones((20, WIDTH), dtype=np.float32)
    point = missing(one, reference, about)
    assert point.holds or point.own > 0  # a single point: everything is left out, or it is apart
    same = missing(one, np.ones((60, WIDTH), dtype=np.float32), [0] * 60)
    assert not same.holds
