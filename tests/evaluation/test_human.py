"""The human side: what is dealt to whom, and what is too small a pool."""

import numpy as np
import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.evaluation.human import Texts, human_side
from palimpsest.metrics.likelihood import scored


def pool(count, with_likelihoods=True):
    """Row i says i everywhere."""
    numbers = np.arange(count, dtype=np.float32)
    likelihoods = scored(numbers, np.full(count, 2)) if with_likelihoods else None
    texts = [f"text {number}" for number in range(count)]
    return Texts(texts, np.stack([numbers, -numbers], axis=1), likelihoods)


def rows_of(texts):
    return [int(text.split()[1]) for text in texts.texts]


def test_texts_keep_what_was_computed_of_them():
    some = pool(9).at(np.array([4, 0, 7]))
    assert some.texts == ["text 4", "text 0", "text 7"]
    assert some.embeddings.tolist() == [[4, -4], [0, 0], [7, -7]]
    assert some.scored.nll_nats.tolist() == [4, 0, 7]
    assert some.scored.tokens.tolist() == [2, 2, 2]
    assert pool(9, with_likelihoods=False).at(np.array([1])).scored is None


def test_texts_are_a_sample_without_an_author():
    some = pool(6)
    sample = some.sample()
    assert (sample.texts, sample.embeddings.tolist()) == (some.texts, some.embeddings.tolist())
    assert sample.written.human is some.scored
    assert sample.written.own is None
    assert (sample.previous, sample.heldout, sample.words) == (None, None, None)
    assert pool(6, with_likelihoods=False).sample().written is None


def test_where_the_pool_has_enough_no_two_samples_share_a_text():
    side = human_side(pool(20), 5, 3, seed=0, what="the pool")
    # the first to fit on, then one sample after the other
    assert rows_of(side.fit) == [0, 1, 2, 3, 4]
    assert [rows_of(sample) for sample in side.null] == [
        [5, 6, 7, 8, 9], [10, 11, 12, 13, 14], [15, 16, 17, 18, 19],
    ]  # fmt: skip
    assert side.widening == 1.0
    for texts in (side.fit, *side.null):
        assert texts.embeddings[:, 0].tolist() == rows_of(texts)
        assert texts.scored.nll_nats.tolist() == rows_of(texts)


@pytest.mark.parametrize("seed", range(5))
def test_samples_of_a_smaller_pool_overlap_but_never_with_the_fit_sample(seed):
    side = human_side(pool(19), 5, 3, seed=seed, what="the pool")
    assert rows_of(side.fit) == [0, 1, 2, 3, 4]
    for sample in side.null:
        rows = rows_of(sample)
        assert len(set(rows)) == 5
        assert set(rows) <= set(range(5, 19))
    # P = 14 left of the pool, n = 5: √((14 + 5) / (14 − 5))
    assert side.widening == pytest.approx((19 / 9) ** 0.5)


def test_the_seed_decides_which_texts_are_drawn():
    one, same, other = (
        [rows_of(null) for null in human_side(pool(15), 5, 4, seed, "the pool").null]
        for seed in (1, 1, 2)
    )
    assert one == same != other
    assert one[0] != one[1]


def test_a_pool_holds_three_samples_at_least():
    assert len(human_side(pool(15), 5, 20, 0, "the pool").null) == 20
    wanted = r"^corpus\.null_pool: want >= 15 texts: a fit sample of 5 and twice as many for null "
    with pytest.raises(CorpusError, match=wanted + "samples, got 14; give more human texts"):
        human_side(pool(14), 5, 20, 0, "corpus.null_pool")
    with pytest.raises(CorpusError, match=r"got 0; give more human texts"):
        human_side(pool(0), 5, 20, 0, "corpus.null_pool")
