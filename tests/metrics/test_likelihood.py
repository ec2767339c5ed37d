"""Each metric of §5: by hand, an invariant, the degenerate case, the error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.metrics import likelihood
from palimpsest.metrics.likelihood import Heldout, Written, perplexity, scored


def heldout(nll, tokens):
    tokens = np.asarray(tokens, dtype=float)
    return Heldout(scored(nll, tokens), tokens * 4, scored(nll, tokens), tokens * 0.5)


def test_perplexity_by_hand_is_pooled():
    # 4 tokens at ln 2 and 1 token at ln 32: exp(9 ln 2 / 5), not the mean of 2 and 32
    texts = scored([4 * np.log(2), np.log(32)], [4, 1])
    assert perplexity(texts) == pytest.approx(2 ** (9 / 5))
    assert perplexity(texts, np.array([1])) == pytest.approx(32)


def test_heldout_metrics_by_hand():
    got = heldout([np.log(2) * 8, 0.0], [4, 4]).compute()
    assert got["perplexity_heldout"] == got["perplexity_tail"] == pytest.approx(2.0)
    assert got["bits_per_byte_heldout"] == pytest.approx(8 / 32)
    assert got["next_token_entropy"] == pytest.approx(0.5)


def test_written_metrics_by_hand():
    human = scored([1.0, 4.0, 9.0, 0.0], [1, 2, 3, 0])
    got = Written(human, scored([1.0, 1.0, 1.0, 0.0], [1, 1, 1, 0])).compute()
    assert got["perplexity_human"] == pytest.approx(np.exp(14 / 6))
    assert got["perplexity_self"] == pytest.approx(np.e)
    assert got["surprise_q50"] == 2.0
    assert got["surprise_q05"] == pytest.approx(1.1)
    assert got["surprise_q95"] == pytest.approx(2.9)
    assert Written(human, None).compute()["perplexity_self"] is None


def test_counts_are_reported():
    texts = scored([1.0], [3])
    counts = likelihood.token_counts(heldout([1.0], [7]), Written(texts, texts))
    expected = {"tokens_heldout": 7, "tokens_tail": 7, "tokens_human": 3, "tokens_self": 3}
    assert counts == expected


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(1, 40)), min_size=2, max_size=10))
def test_merging_texts_changes_no_perplexity(texts):
    nll, tokens = map(np.array, zip(*texts, strict=True))
    whole = perplexity(scored([nll.sum()], [tokens.sum()]))
    assert perplexity(scored(nll, tokens)) == pytest.approx(whole)
    assert whole >= 1


def test_no_token_is_no_good_fit():
    got = heldout([0.0], [0]).compute()
    assert got.pop("next_token_entropy") == 0.0
    assert set(got.values()) == {1e9}
    nothing = scored([0.0, 0.0], [0, 0])
    got = Written(nothing, nothing).compute()
    assert got["perplexity_human"] == got["perplexity_self"] == 1e9
    assert got["surprise_q05"] == got["surprise_q95"] == 0.0
    assert np.isfinite(perplexity(scored([1e6], [1])))


def test_errors():
    with pytest.raises(MetricError, match="want 2 texts, as tokens, got 1"):
        scored([1.0], [1, 2])
    with pytest.raises(MetricError, match="want sums and counts >= 0"):
        scored([-1.0], [1])
    with pytest.raises(MetricError, match="NaN or infinity in row 1"):
        scored([1.0, np.nan], [1, 2])
