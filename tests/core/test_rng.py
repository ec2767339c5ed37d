"""Random streams: one for each key, the same everywhere, untouched by the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.core.rng import stream, uniforms

KEYS = st.tuples(
    st.integers(-5, 10**12), st.text("a/1", max_size=5), st.integers(0, 99), st.integers(0, 10**6)
)


def test_the_first_numbers_never_change():
    # a run of last year must write the same texts today
    got = stream(0, "generate", 1, 0).random(3)
    assert got.tolist() == [0.410188265755024, 0.28668150323056585, 0.5155546237931387]
    assert stream(0, "generate", 1, 0).integers(0, 100, 4).tolist() == [62, 41, 74, 28]


@pytest.mark.parametrize(
    "other", [(1, "generate", 2, 3), (0, "witness", 2, 3), (0, "generate", 1, 3),
              (0, "generate", 2, 4), (0, "generate", 3, 2)],
)  # fmt: skip
def test_every_part_of_the_key_counts(other):
    one, two = stream(0, "generate", 2, 3).random(1000), stream(*other).random(1000)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.1
    assert not np.intersect1d(one, two).size


@given(KEYS, KEYS)
def test_two_keys_share_no_stream(one, other):
    same = np.array_equal(stream(*one).random(2), stream(*other).random(2))
    assert same == (one == other)


def test_a_row_is_its_items_own():
    rows = uniforms(7, "generate", 2, [0, 1, 2, 3], 6)
    assert rows.shape == (4, 6)
    assert np.array_equal(uniforms(7, "generate", 2, [3, 1], 6), rows[[3, 1]])
    assert np.array_equal(uniforms(7, "generate", 2, iter([2]), 9)[:, :6], rows[[2]])
    assert np.array_equal(rows[3], stream(7, "generate", 2, 3).random(6))
    assert len(np.unique(rows)) == rows.size


def test_numbers_are_uniform():
    rows = uniforms(3, "generate", 1, range(400), 50)
    assert ((rows >= 0) & (rows < 1)).all()
    shares = np.histogram(rows, bins=10, range=(0, 1))[0] / rows.size
    assert shares == pytest.approx([0.1] * 10, abs=0.01)
    # the same column of neighbouring items is as independent as the columns of one
    assert abs(np.corrcoef(rows[:-1, 0], rows[1:, 0])[0, 1]) < 0.15


def test_no_items():
    assert uniforms(0, "generate", 1, [], 5).shape == (0, 5)
