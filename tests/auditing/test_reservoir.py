"""Samples of what goes by: uniform, of distinct texts where keys are hashes, small throughout."""

import numpy as np
import pytest
from scipy import stats

from palimpsest.auditing.reservoir import Held, Reservoir
from palimpsest.core.rng import stream

MANY = 400


def keys(count, seed):
    return stream(seed, "tests.reservoir").integers(2**64, size=count, dtype=np.uint64)


def filled(reservoir, numbers, batch):
    for at in range(0, len(numbers), batch):
        texts = [str(at + n) for n in range(len(numbers[at : at + batch]))]
        reservoir.add(numbers[at : at + batch], at, texts)
    return reservoir


@pytest.mark.parametrize("batch", [1, 7, MANY])
def test_the_smallest_keys_stay_whatever_the_batches(batch):
    numbers = keys(MANY, 0)
    order = np.argsort(numbers)[:25].tolist()
    reservoir = filled(Reservoir(25), numbers, batch)
    assert reservoir.held() == [Held(row, str(row)) for row in order]
    assert reservoir.held(3) == reservoir.held()[:3]
    assert len(reservoir._held) == 25


def test_fewer_texts_than_it_holds_are_all_there():
    assert sorted(filled(Reservoir(MANY + 1), keys(MANY, 1), 9).held()) == [
        Held(row, str(row)) for row in range(MANY)
    ]


def test_it_is_never_twice_as_large():
    reservoir, falling = Reservoir(10), np.arange(MANY, 0, -1, dtype=np.uint64)
    for row, key in enumerate(falling):
        reservoir.add(np.array([key]), row, [""])
        assert len(reservoir._held) < 20
    assert [one.row for one in reservoir.held()] == [*range(MANY - 1, MANY - 11, -1)]


def test_equal_keys_are_one_text_the_first():
    reservoir = Reservoir(3)
    reservoir.add(np.array([5, 9, 5, 7, 9], dtype=np.uint64), 0, list("abcde"))
    reservoir.add(np.array([7, 2, 5], dtype=np.uint64), 5, list("fgh"))
    assert reservoir.held() == [Held(6, "g"), Held(0, "a"), Held(3, "d")]


def test_random_keys_sample_uniformly():
    counts = np.zeros(40)
    for seed in range(300):
        for one in filled(Reservoir(8), keys(40, seed), 7).held():
            counts[one.row] += 1
    assert stats.chisquare(counts).pvalue > 1e-3
