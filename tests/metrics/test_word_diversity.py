"""Entropy, MTLD and Zipf's exponent: by hand, and against the papers' procedures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.metrics import word_diversity


def mtld_in_a_loop(sequence):
    """The paper's procedure, word for word."""
    factors, seen, length = 0.0, set(), 0
    for word in sequence:
        seen.add(word)
        length += 1
        if 25 * len(seen) <= 18 * length:
            factors, seen, length = factors + 1, set(), 0
    if length:
        factors += (1 - len(seen) / length) / (1 - 0.72)
    return len(sequence) / factors if factors else float(len(sequence))


def test_zipf_by_hand_and_on_a_known_law():
    # two types, 2:1 → 1 / (1 + 2^-s) = 2/3 → s = 1
    assert word_diversity.zipf(np.array([2, 1])) == pytest.approx(1.0)
    ranks = np.arange(1, 2001)
    assert word_diversity.zipf(np.round(1e7 * ranks**-0.9).astype(int)) == pytest.approx(
        0.9, abs=1e-3
    )
    assert word_diversity.zipf(np.array([5, 5, 5])) == 0.0
    assert (
        word_diversity.zipf(np.array([5])) == word_diversity.zipf(np.array([], dtype=int)) == 10.0
    )


def test_zipf_maximises_the_likelihood():
    optimize = pytest.importorskip("scipy.optimize")
    counts = np.array([40, 22, 9, 9, 5, 1, 1, 1])
    logs = np.log(np.arange(1, len(counts) + 1))

    def loss(s):
        return s * (counts @ logs) + counts.sum() * np.log(np.exp(-s * logs).sum())

    best = optimize.minimize_scalar(loss, bounds=(0, 10), method="bounded", options={"xatol": 1e-9})
    assert word_diversity.zipf(counts) == pytest.approx(best.x, abs=1e-6)


def test_mtld_by_hand():
    # a a → 1/2 ≤ .72: every two words end a factor
    assert word_diversity.mtld(np.zeros(10, dtype=int)) == 2.0
    assert word_diversity.mtld(np.arange(7)) == 7.0
    assert word_diversity.mtld(np.array([], dtype=int)) == 0.0


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200))
def test_mtld_is_the_papers_procedure(sequence):
    expected = (mtld_in_a_loop(sequence) + mtld_in_a_loop(sequence[::-1])) / 2
    assert word_diversity.mtld(np.array(sequence)) == pytest.approx(expected)
