"""Each metric of §8: by hand, an invariant, the degenerate case, the error."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.metrics import lock_in
from palimpsest.metrics.lock_in import lock_in_metrics

EIGHT = "one two three four five six seven eight"
OTHER = "a b c d e f g h"
FILL = ["", "short", "", "", ""]


def test_by_hand():
    # EIGHT + nine: two 8-grams, the first is human; OTHER: one novel one, said before
    generated = [EIGHT + " nine", OTHER.upper(), *FILL]
    got = lock_in_metrics(generated, [EIGHT], previous=["x " + OTHER])
    assert got["memorised"] == pytest.approx(1 / 3)
    assert got["novel_ngrams"] == pytest.approx(2 / 3)
    assert got["ngram_lock_in"] == pytest.approx(1 / 2)


def test_ngrams_do_not_cross_texts():
    halves = ["one two three four", "five six seven eight", *FILL]
    assert lock_in_metrics(halves, [EIGHT])["memorised"] == 0.0
    assert len(lock_in.known_ngrams(halves)) == 0


@settings(deadline=None)
@given(st.lists(st.text("ab ", max_size=40), min_size=5, max_size=8))
def test_against_python_tuples(generated):
    def grams(texts):
        for text in texts:
            words = text.split()
            yield from (tuple(words[i : i + 8]) for i in range(len(words) - 7))

    human, previous = generated[::2], ["a b a b a b a b a b", "b b b b b b b b"]
    own, known, said = list(grams(generated)), set(grams(human)), set(grams(previous))
    novel = [gram for gram in own if gram not in known]
    got = lock_in_metrics(generated, human, previous)
    assert got["memorised"] == pytest.approx((len(own) - len(novel)) / max(len(own), 1))
    expected = sum(g in said for g in novel) / max(len(novel), 1) if own else 1.0
    assert got["ngram_lock_in"] == pytest.approx(expected)


def test_hashes_can_be_made_once_and_order_changes_nothing():
    generated = [EIGHT, OTHER, *FILL]
    known = lock_in.known_ngrams([EIGHT])
    assert lock_in_metrics(generated, known) == lock_in_metrics(generated[::-1], [EIGHT])


def test_a_half_sample_has_the_metrics_of_its_texts():
    generated = [EIGHT + " nine", OTHER, *FILL]
    prepared = lock_in.prepare(generated, [EIGHT], [OTHER])
    rows = [0, 2, 3, 4, 5]
    expected = lock_in_metrics([generated[row] for row in rows], [EIGHT], [OTHER])
    assert prepared.compute(rows) == expected


def test_degenerate():
    got = lock_in_metrics([""] * 5, [EIGHT], [OTHER])
    assert got == {"novel_ngrams": 0.0, "ngram_lock_in": 1.0, "memorised": 0.0}
    assert lock_in_metrics([OTHER] * 5, [EIGHT])["ngram_lock_in"] is None
    assert lock_in_metrics([EIGHT] * 5, [EIGHT], [EIGHT])["ngram_lock_in"] == 0.0


def test_errors():
    with pytest.raises(MetricError, match="generated: want >= 5 texts, got 1"):
        lock_in_metrics([EIGHT], [EIGHT])
    with pytest.raises(MetricError, match="previous: want strings, got NoneType in row 0"):
        lock_in_metrics([EIGHT] * 5, [EIGHT], [None])
