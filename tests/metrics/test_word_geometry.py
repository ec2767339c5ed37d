"""Each metric of §6's word geometry: by hand, an invariant, the degenerate case, the error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.metrics import word_geometry as words

seeds = st.integers(0, 2**31)
ROWS = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])


def states(seed=0, count=6, carriers=4, dims=5, noise=0.1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 1, dims)) + noise * rng.normal(size=(count, carriers, dims))


def test_rows_by_hand():
    assert words.crowding(ROWS) == pytest.approx(0.5**0.5)
    assert words.entanglement(ROWS) == pytest.approx((0 + 2 * 0.5**0.5) / 3)


def test_gap_by_hand():
    # one carrier: synonyms at 45°, unrelated at 90° and 45°
    gap = words.synonym_gap(ROWS[:, None], [[0, 2]], [[0, 1], [1, 2]])
    assert gap == pytest.approx(0.5**0.5 - (0 + 0.5**0.5) / 2)


def test_separation_by_hand():
    # word 0 lies at 0 1 2, word 1 at 3 10 2: left out in turn, 0: .., 1: 2 fails
    lines = np.array([[[0.0], [1.0], [2.0]], [[3.0], [10.0], [2.0]]])
    # centroids of word 0 without each carrier: 1.5, 1, .5; of word 1: 6, 2.5, 6.5
    # word 0 is nearer its own at 0 and 2, at 1 too; word 1 at 3? |3−6| > |3−1.5|, 10 yes, 2 no
    assert words.synonym_separation(lines, [[0, 1]]) == pytest.approx(4 / 6)


def test_against_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics.pairwise")
    rows = np.random.default_rng(0).normal(size=(30, 4)) + 0.5
    cosines = metrics.cosine_similarity(rows)
    pairs = cosines[np.triu_indices(30, 1)]
    assert words.entanglement(rows) == pytest.approx(pairs.mean(), abs=1e-9)
    np.fill_diagonal(cosines, -1)
    assert words.crowding(rows) == pytest.approx(cosines.max(axis=1).mean(), abs=1e-9)


def test_separation_against_scikit_learn():
    neighbors = pytest.importorskip("sklearn.neighbors")
    cloud, right = states(1, noise=1.5), 0
    for carrier in range(4):
        rest = np.delete(cloud, carrier, axis=1)
        model = neighbors.NearestCentroid().fit(rest.reshape(-1, 5), np.repeat(np.arange(6), 3))
        right += (model.predict(cloud[:, carrier]) == np.arange(6)).sum()
    assert words.synonym_separation(cloud, [range(6)]) == pytest.approx(right / 24)


@settings(deadline=None, max_examples=25)
@given(seeds, st.floats(0.01, 100))
def test_turning_and_scaling_change_nothing(seed, scale):
    cloud = states(seed)
    turn = scale * np.linalg.qr(np.random.default_rng(seed).normal(size=(5, 5)))[0]
    rows = cloud[:, 0]
    assert words.crowding(rows @ turn) == pytest.approx(words.crowding(rows))
    assert words.entanglement(rows @ turn) == pytest.approx(words.entanglement(rows))
    groups, unrelated = [[0, 1], [2, 3]], [[0, 4], [1, 5]]
    before = words.synonym_gap(cloud, groups, unrelated)
    assert words.synonym_gap(cloud @ turn, groups, unrelated) == pytest.approx(before)
    before = words.synonym_separation(cloud, groups)
    assert words.synonym_separation(cloud @ turn, groups) == before


def test_tiles_change_nothing(monkeypatch):
    rows = states(2, 40)[:, 0]
    whole = words.crowding(rows)
    monkeypatch.setattr(words, "TILE", 7)
    assert words.crowding(rows) == pytest.approx(whole)


@pytest.mark.parametrize("value", [0.0, 1 / 7])
def test_equal_words_are_the_worst(value):
    rows, cloud = np.full((6, 5), value), np.full((6, 4, 5), value)
    assert words.crowding(rows) == pytest.approx(1)
    assert words.entanglement(rows) == pytest.approx(1)
    assert words.synonym_gap(cloud, [[0, 1]], [[2, 3]]) == pytest.approx(0)
    assert words.synonym_separation(cloud, [[0, 1], [2, 3]]) == 0.0


def test_nothing_to_compare_is_no_success():
    assert words.synonym_gap(states(), [[0]], [[1, 2]]) == 0.0
    assert words.synonym_gap(states(), [[0, 1]], []) == 0.0
    assert words.synonym_separation(states(), [[0], []]) == 0.0


def test_errors():
    with pytest.raises(MetricError, match=r"rows: want >= 2 words, got 1"):
        words.crowding([[1.0, 2.0]])
    with pytest.raises(MetricError, match=r"states: want 3 axes"):
        words.synonym_gap(ROWS, [[0, 1]], [[0, 2]])
    with pytest.raises(MetricError, match=r"states: want at least two carriers, got 1"):
        words.synonym_separation(ROWS[:, None], [[0, 1]])
    with pytest.raises(MetricError, match=r"unrelated: want positions 0 to 5"):
        words.synonym_gap(states(), [[0, 1]], [[0, 6]])
    with pytest.raises(MetricError, match=r"groups: want positions 0 to 5"):
        words.synonym_separation(states(), [[-1, 1]])
