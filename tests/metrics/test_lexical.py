"""Each metric of §4: by hand, an invariant, the degenerate case, the error."""

import math
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU

from palimpsest.core.errors import MetricError
from palimpsest.metrics import lexical

HUMAN = ["a b c d", "e f g h", "a c e g", "b d f h", "a a b b"]
words = st.lists(st.sampled_from("abcdefgh"), max_size=12).map(" ".join)
corpora = st.lists(words, min_size=5, max_size=12)


def measured(texts, human=HUMAN, **options):
    return lexical.lexical_metrics(texts, human, **options)


def test_by_hand():
    got = measured(["The cat sat.", "the cat ran", "A dog", "the cat sat.", ""], budget=100)
    # words: the×3 cat×3 sat×2 ran a dog = 11, 6 types, 3 of them once
    assert got["distinct_1"] == got["ttr"] == pytest.approx(6 / 11)
    # bigrams: the cat ×3, cat sat ×2, cat ran, a dog = 7, 4 types
    assert got["distinct_2"] == pytest.approx(4 / 7)
    assert got["distinct_3"] == pytest.approx(2 / 3)
    assert got["distinct_4"] == 0.0
    assert got["hapax"] == pytest.approx(3 / 6)
    shares = np.array([3, 3, 2, 1, 1, 1]) / 11
    assert got["entropy_1"] == pytest.approx(-(shares * np.log(shares)).sum())
    shares = np.array([3, 2, 1, 1]) / 7
    assert got["entropy_2"] == pytest.approx(-(shares * np.log(shares)).sum())
    assert got["length_mean"] == pytest.approx(11 / 5)
    # "The cat sat." and "the cat sat." are different texts
    assert got["duplicates"] == 0.0
    raw = b"The cat sat.\nthe cat ran\nA dog\nthe cat sat.\n"
    assert got["compression_ratio"] == pytest.approx(len(raw) / len(zlib.compress(raw, 9)))


def test_repetition_diversity_by_hand():
    # within the first: 2-grams aa aa aa → 1/3, 3-grams 1/2, 4-grams 1/1; within the others 1
    got = measured(["a a a a", "a b c d", "e f g h", "b c d e", "f g h a"])
    assert got["repetition_diversity"] == pytest.approx((1 / 3 + 4) / 5 * (1 / 2 + 4) / 5)


def test_duplicates_by_hand():
    assert measured(["x", "x", "y", "x", "z"])["duplicates"] == pytest.approx(2 / 5)


def test_kl_by_hand():
    got = measured(["a"] * 5, human=["b"] * 5)["kl_human"]
    # add one over {a, b}: 6/7, 1/7 against 1/7, 6/7
    assert got == pytest.approx(5 / 7 * math.log(6))


def test_kl_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    own, human = ["a a b", "c", "d a", "b", "a"], HUMAN
    types = sorted({word for text in own + human for word in text.split()})
    count = lambda corpus: np.array([" ".join(corpus).split().count(t) + 1 for t in types])  # noqa: E731
    expected = stats.entropy(count(own), count(human))
    assert measured(own)["kl_human"] == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(corpora)
def test_self_bleu_is_sacrebleus(texts):
    bleu = BLEU(effective_order=True, tokenize="none", smooth_method="exp")
    scores = [
        bleu.sentence_score(text, texts[:i] + texts[i + 1 :]).score / 100 if text else 1.0
        for i, text in enumerate(texts)
    ]
    assert measured(texts, budget=1000)["self_bleu_4"] == pytest.approx(np.mean(scores), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(corpora, st.randoms(use_true_random=False))
def test_order_of_texts_changes_nothing(texts, random):
    shuffled = random.sample(texts, len(texts))
    before, after = measured(texts, budget=1000), measured(shuffled, budget=1000)
    for name in before.keys() - {"mtld", "compression_ratio"}:
        assert after[name] == pytest.approx(before[name]), name


@settings(deadline=None, max_examples=40)
@given(corpora)
def test_a_half_sample_has_the_metrics_of_its_texts(texts):
    rows = np.arange(0, len(texts), 2)
    if len(rows) < 5:
        rows = np.arange(5)
    prepared = lexical.prepare(texts, HUMAN, budget=1000)
    part = prepared.compute(rows)
    alone = measured([texts[row] for row in rows], budget=1000)
    for name in alone.keys() - {"kl_human"}:  # the union vocabulary is the whole's
        assert part[name] == pytest.approx(alone[name]), name


@settings(deadline=None, max_examples=40)
@given(corpora)
def test_every_value_is_finite_and_in_range(texts):
    got = measured(texts)
    assert all(math.isfinite(value) for value in got.values())
    for name in ("distinct_1", "distinct_4", "repetition_diversity", "self_bleu_4", "hapax"):
        assert 0 <= got[name] <= 1 + 1e-12, name


def test_the_budget_is_exact_and_takes_no_more():
    texts = ["a b c d e f g h"] * 10
    prepared = lexical.prepare(texts, HUMAN, budget=13)
    assert len(prepared.grams[1][0]) == 13
    assert prepared.compute()["distinct_1"] == pytest.approx(8 / 13)
    assert prepared.compute()["length_mean"] == 8.0


def test_length_does_not_move_what_is_measured_on_a_budget():
    rng = np.random.default_rng(0)
    texts = [" ".join(map(str, rng.zipf(1.5, 20))) for _ in range(400)]
    long, short = measured(texts, budget=1500), measured(texts[:100], budget=1500)
    assert long["ttr"] == pytest.approx(short["ttr"], rel=0.1)


def test_collapse_is_never_the_best_value():
    one = measured(["the same line of words again"] * 20, budget=1000)
    human = measured([f"line {i} of words {i * 7} again" for i in range(20)], budget=1000)
    for name in ("distinct_1", "distinct_2", "ttr", "mtld", "entropy_1", "entropy_2"):
        assert one[name] < human[name], name
    for name in ("self_bleu_4", "compression_ratio", "duplicates"):
        assert one[name] > human[name], name
    assert one["self_bleu_4"] == 1.0
    assert one["hapax"] == 0.0


def test_empty_texts_have_documented_values():
    got = measured([""] * 6)
    assert got.pop("self_bleu_4") == 1.0
    assert got.pop("zipf") == 10.0
    assert got.pop("compression_ratio") == 1032.0
    assert got.pop("duplicates") == pytest.approx(5 / 6)
    assert got.pop("kl_human") > 0
    assert set(got.values()) == {0.0}


def test_errors():
    with pytest.raises(MetricError, match="generated: want >= 5 texts, got 2"):
        measured(["a", "b"])
    with pytest.raises(MetricError, match="generated: want strings, got int in row 3"):
        measured(["a", "b", "c", 4, "e"])
    with pytest.raises(MetricError, match="human: want a list of texts, got one string"):
        measured(["a"] * 5, human="abcdef")
    with pytest.raises(MetricError, match="budget: want >= 1 word, got 0"):
        measured(["a"] * 5, budget=0)
