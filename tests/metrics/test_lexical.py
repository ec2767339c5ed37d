"""Each metric of §4: by hand, an invariant, the degenerate case, the error."""

import math
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU

from palimpsest.core.errors import MetricError
from palimpsest.core.rng import stream
from palimpsest.core.words import cut
from palimpsest.metrics import lexical
from palimpsest.metrics.family import Reference, Sample
from palimpsest.statistics.jackknife import delete_group, group_samples

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


def self_bleu(texts):
    """By sacrebleu; a text without words, or alone, adds nothing: 1."""
    bleu = BLEU(effective_order=True, tokenize="none", smooth_method="exp")
    alone = len(texts) < 2
    scores = [
        1.0
        if alone or not text
        else bleu.sentence_score(text, texts[:i] + texts[i + 1 :]).score / 100
        for i, text in enumerate(texts)
    ]
    return np.mean(scores or [1.0])


@settings(deadline=None, max_examples=60)
@given(corpora)
def test_self_bleu_is_sacrebleus(texts):
    got = measured(texts, budget=1000)["self_bleu_4"]
    assert got == pytest.approx(self_bleu(texts), abs=1e-9)


def test_self_bleu_looks_at_no_text_beyond_the_budget():
    """Ten texts of four words; 24 words are six of them, and a seventh is ready for subsamples."""
    texts = [" ".join(f"w{text}.{word}" for word in range(4)) for text in range(10)]
    order = stream(0, "lexical.budget").permutation(10)
    texts[order[6]] = texts[order[0]]
    assert lexical.prepare(texts, HUMAN, budget=24).ready[order[6]] == 4
    assert measured(texts, budget=24)["self_bleu_4"] == 0.0
    assert measured(texts, budget=28)["self_bleu_4"] == pytest.approx(2 / 7)


@settings(deadline=None, max_examples=40)
@given(corpora, st.randoms(use_true_random=False))
def test_order_of_texts_changes_nothing(texts, random):
    shuffled = random.sample(texts, len(texts))
    before, after = measured(texts, budget=1000), measured(shuffled, budget=1000)
    for name in before.keys() - {"mtld", "compression_ratio"}:
        assert after[name] == pytest.approx(before[name]), name


def part_of_the_budget(texts, rows, words):
    """The first words of some texts in the order of the budget, '' for those not reached."""
    parts = dict.fromkeys(rows.tolist(), "")
    for at in stream(0, "lexical.budget").permutation(len(texts)).tolist():
        if at in parts:
            parts[at] = cut(texts[at], words)
            words -= len(parts[at].split())
    return list(parts.values())


def within(text, order):
    """Share of distinct n-grams inside a text."""
    line = text.split()
    grams = [tuple(line[at : at + order]) for at in range(len(line) - order + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0


@settings(deadline=None, max_examples=60)
@example(["", "", "", "", "", "a"])
@given(corpora)
def test_a_half_sample_has_the_metrics_of_its_texts_on_its_share_of_the_words(texts):
    rows = np.arange(0, len(texts), 2)
    if len(rows) < 5:
        rows = np.arange(5)
    part = lexical.prepare(texts, HUMAN, budget=1000).compute(rows)
    # the whole has fewer words than the budget: the share of all words, less one part in 21
    total = sum(len(text.split()) for text in texts)
    share = round(total / 1.05 * (len(rows) / len(texts)))
    cuts = part_of_the_budget(texts, rows, share)
    alone = measured(cuts, budget=1000)
    for name in ("distinct_1", "distinct_2", "distinct_3", "distinct_4", "ttr", "mtld", "hapax",
                 "entropy_1", "entropy_2", "zipf"):  # fmt: skip
        assert part[name] == pytest.approx(alone[name]), name
    whole = [texts[row] for row in rows]
    for name in ("duplicates", "length_mean"):
        assert part[name] == pytest.approx(measured(whole, budget=1000)[name]), name
    reached = [(text, one) for text, one in zip(whole, cuts, strict=True) if one or not text]
    texts_reached = [text for text, _ in reached]
    assert part["self_bleu_4"] == pytest.approx(self_bleu(texts_reached), abs=1e-9)
    product = [np.mean([within(text, n) for text in texts_reached] or [0.0]) for n in (2, 3, 4)]
    assert part["repetition_diversity"] == pytest.approx(np.prod(product))
    raw = "\n".join(one for _, one in reached).encode()
    ratio = len(raw) / len(zlib.compress(raw, 9)) if any(cuts) else 1032.0
    assert part["compression_ratio"] == pytest.approx(ratio)


@settings(deadline=None, max_examples=40)
@given(corpora)
def test_every_value_is_finite_and_in_range(texts):
    got = measured(texts)
    assert all(math.isfinite(value) for value in got.values())
    for name in ("distinct_1", "distinct_4", "repetition_diversity", "self_bleu_4", "hapax"):
        assert 0 <= got[name] <= 1 + 1e-12, name


def words_measured(prepared, rows=None):
    """On how many words texts of one word over and over are measured."""
    return 1 / prepared.compute(rows)["distinct_1"]


def test_the_budget_is_exact_and_takes_no_more():
    texts = ["a b c d e f g h"] * 10
    prepared = lexical.prepare(texts, HUMAN, budget=13)
    # 30 % more are ready for subsamples: 16.9 words
    assert prepared.ready.sum() == len(prepared.grams[1].ids) == 17
    got = prepared.compute()
    assert got["distinct_1"] == pytest.approx(8 / 13)
    # 7 pairs in the whole text and 4 in the cut one, all of them in the first
    assert got["distinct_2"] == pytest.approx(7 / 11)
    assert got["length_mean"] == 8.0
    assert words_measured(lexical.prepare(["a a a"] * 9, HUMAN, budget=13)) == pytest.approx(13)
    assert words_measured(lexical.prepare(["a a a"] * 9, HUMAN, budget=99)) == pytest.approx(27)


def test_a_text_is_cut_where_the_budget_ends():
    """Bytes, too: one text whole and one up to its fifth word, without what follows it."""
    texts = ["One, two; three. Four -- five! Six? Seven... (eight)"] * 10
    raw = f"{cut(texts[0], 5)}\n{texts[0]}"
    assert cut(texts[0], 5) == "One, two; three. Four -- five"
    sizes = {len(zlib.compress(one.encode(), 9)) for one in (raw, "\n".join(raw.split("\n")[::-1]))}
    got = measured(texts, budget=13)["compression_ratio"]
    assert got in [pytest.approx(len(raw) / size) for size in sizes]


# --- subsamples ---


@pytest.mark.parametrize("texts", [60, 120, 200])
@pytest.mark.parametrize("budget", [240, 400])
def test_a_subsample_is_measured_on_its_share_of_the_budget(texts, budget):
    """Whichever texts it lacks: those beyond the budget's end take the place of what is gone."""
    lengths = np.random.default_rng(0).integers(5, 16, size=texts)
    prepared = lexical.prepare(["a " * length for length in lengths], HUMAN, budget)
    assert lengths.sum() > 1.05 * budget
    assert words_measured(prepared) == pytest.approx(budget)
    for rows in group_samples(texts):
        share = round(budget * len(rows) / texts)
        assert words_measured(prepared, rows) == pytest.approx(share)


@pytest.mark.parametrize("total", [100, 200, 209])
def test_a_subsample_of_a_corpus_with_few_words_is_measured_on_its_share_of_all(total):
    """A budget of 200, of which texts without more than 5 % beyond it could not fill a share."""
    lengths = np.full(50, total // 50) + (np.arange(50) < total % 50)
    prepared = lexical.prepare(["a " * length for length in lengths], HUMAN, budget=200)
    assert words_measured(prepared) == pytest.approx(min(total, 200))
    for rows in group_samples(50):
        # the texts' share of the words over 1.05
        share = round(total / 1.05 * len(rows) / 50)
        assert words_measured(prepared, rows) == pytest.approx(share)


def test_a_number_of_words_that_varies_shows_as_no_variance():
    """Whichever group of texts of one word is left out, as many words are the same share."""
    lengths = np.random.default_rng(1).integers(5, 16, size=200)
    prepared = lexical.prepare(["a " * length for length in lengths], HUMAN, budget=1000)
    got = delete_group(prepared.compute, 200)
    for name in ("distinct_1", "ttr", "mtld", "entropy_1", "hapax", "self_bleu_4"):
        assert got[name].low == pytest.approx(got[name].value, rel=1e-12), name
        assert got[name].high == pytest.approx(got[name].value, rel=1e-12), name
    assert got["length_mean"].low < got["length_mean"].value < got["length_mean"].high


def test_texts_that_a_subsample_lacks_are_not_measured():
    texts = ["a b c d", "e f g h"] * 20
    prepared = lexical.prepare(texts, HUMAN, budget=40)
    rows = np.arange(0, 40, 2)
    got = prepared.compute(rows)
    # 20 words, five times the same text
    assert got["distinct_1"] == pytest.approx(4 / 20)
    assert got["duplicates"] == pytest.approx(19 / 20)
    assert got["self_bleu_4"] == 1.0
    assert prepared.compute(np.arange(39))["duplicates"] == pytest.approx(37 / 39)


# --- what a family does ---


def test_a_sample_may_have_a_budget_of_its_own():
    points = np.zeros((6, 2), dtype=np.float32)
    family = lexical.Lexical(Reference(HUMAN, points, [], None, 1.0, words=13))
    texts = ["a a a a"] * 6
    assert words_measured(family.prepare(Sample(texts, points))) == pytest.approx(13)
    assert words_measured(family.prepare(Sample(texts, points, words=7))) == pytest.approx(7)
    assert words_measured(family.prepare(Sample(texts, points, words=99))) == pytest.approx(24)


def test_words_of_scripts_without_spaces_are_counted():
    # "I drink coffee", five words; "the cat eats fish", three
    got = measured(["私はコーヒーを飲む", "แมวกินปลา", "", "", ""], budget=100)
    assert got["length_mean"] == pytest.approx(8 / 5)
    assert got["distinct_1"] == 1.0


def test_two_encodings_of_a_text_are_one_text():
    got = measured(["caf\u00e9 noir", "cafe\u0301 noir", "x", "y", "z"])
    assert got["duplicates"] == pytest.approx(1 / 5)
    # of seven words: café and noir twice each
    assert got["distinct_1"] == pytest.approx(5 / 7)


def test_half_a_character_is_measured():
    got = measured(["one \ud83d two", "\udc00", "three", "four", "five"])
    assert got["length_mean"] == pytest.approx(5 / 5)
    assert all(math.isfinite(value) for value in got.values())


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
