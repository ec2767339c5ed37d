"""The null bands of an evaluation: by hand, and texts of few words against human text cut alike."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from palimpsest.core.parameters import WorldParams
from palimpsest.core.rng import stream
from palimpsest.core.words import count_words, cut
from palimpsest.corpus.world.generator import World
from palimpsest.evaluation.evaluator import Evaluator, values
from palimpsest.evaluation.human import HumanSide, Texts, human_side
from palimpsest.evaluation.null_bands import bands_of, cut_alike, null_bands, short_texts
from palimpsest.evaluation.plugins import Plugin
from palimpsest.metrics.family import Reference, Sample
from palimpsest.metrics.registry import REGISTRY
from palimpsest.statistics.null_band import Band
from tests.evaluation.generations import TEXTS, reference, side

T_2 = 4.302653
"""Student's t of 2 degrees of freedom that 5 % exceed in absolute value."""
OF_TEXT = {name for name, one in REGISTRY.items() if one.family == "text"}


# --- bands from numbers ---


def test_bands_by_hand():
    rows = [{"drift": 8.0, "truth": 0.3}, {"drift": 10.0, "truth": 0.5}, {"drift": 12.0}]
    bands = bands_of(rows, documents=1000)
    assert list(bands) == ["drift", "truth"]
    # three samples: mean 10, deviation 2
    reach = T_2 * 2 * math.sqrt(4 / 3)
    assert (bands["drift"].mean, bands["drift"].sd) == (10.0, 2.0)
    assert bands["drift"].low == pytest.approx(max(10 - reach, 0.0), abs=1e-5)
    assert bands["drift"].high == pytest.approx(10 + reach, abs=1e-5)
    # two: no wider than a share's range
    assert (bands["truth"].samples, bands["truth"].mean) == (2, pytest.approx(0.4))
    assert (bands["truth"].low, bands["truth"].high) == (0.0, 1.0)


def test_no_deviation_is_finer_than_what_one_text_changes():
    flat = [{"truth": 0.5, "volume": 8.0, "loss": -8.0, "my_own": 0.0}] * 3
    bands = bands_of(flat, documents=20)
    # one of 20 texts of a share; one part in 20 of another metric's size
    assert bands["truth"].sd == pytest.approx(1 / 20)
    assert bands["volume"].sd == bands["loss"].sd == pytest.approx(8 / 20)
    reach = T_2 * math.sqrt(4 / 3) / 20
    assert bands["truth"].high == pytest.approx(0.5 + reach, abs=1e-6)
    # a metric of size 0 has no scale but 1
    assert bands["my_own"].sd == pytest.approx(1 / 20)


def test_samples_that_overlap_have_wider_bands():
    rows = [{"drift": 8.0}, {"drift": 10.0}, {"drift": 12.0}]
    assert bands_of(rows, 1000, widening=1.5)["drift"].sd == pytest.approx(3.0)


def test_a_metric_that_fewer_than_two_samples_have_has_no_band():
    assert bands_of([{"drift": 1.0, "truth": None}, {"drift": None, "truth": None}], 10) == {}
    assert bands_of([], 10) == {}


def test_a_band_reaches_no_further_than_its_metric():
    rows = [{"integrity": 0.5, "loss": 50.0}, {"integrity": 1.5, "loss": -50.0}]
    bands = bands_of(rows, 10)
    assert bands["integrity"].low == 0.0
    assert bands["loss"].high == 100.0
    assert bands["loss"].low < -50.0 < bands["integrity"].high


# --- bands of a human side ---


@pytest.fixture(scope="module")
def evaluator():
    return Evaluator(reference())


def test_every_metric_of_the_null_samples_has_its_band(evaluator):
    human = side(samples=2)
    steps = []
    bands = null_bands(evaluator, human, lambda done, of: steps.append((done, of)))
    assert steps == [(1, 2), (2, 2)]
    by_hand = [values([*evaluator.measure(null.sample()).values()]) for null in human.null]
    for name in ("volume", "distinct_2", "truth", "memorised", "integrity"):
        numbers = [one[name] for one in by_hand]
        size = 1.0 if name in ("distinct_2", "truth", "memorised") else abs(np.mean(numbers))
        sd = max(np.std(numbers, ddof=1), size / TEXTS)
        assert bands[name].samples == 2
        assert bands[name].mean == pytest.approx(np.mean(numbers), abs=1e-12), name
        assert bands[name].sd == pytest.approx(sd, abs=1e-12), name
    ends = [np.exp(one.scored.nll_nats.sum() / one.scored.tokens.sum()) for one in human.null]
    assert bands["perplexity_human"].mean == pytest.approx(np.mean(ends))
    # what needs a model of its own or a generation before it has no band
    assert not {"perplexity_heldout", "perplexity_self", "ngram_lock_in", "crowding"} & set(bands)


def test_fresh_human_samples_read_an_integrity_of_one_by_their_yardstick(evaluator):
    """The yardstick is the mean over these very samples."""
    bands = null_bands(evaluator, side())
    assert bands["integrity"].mean == pytest.approx(1.0)
    assert bands["loss"].mean == pytest.approx(0.0, abs=1e-9)


def test_a_smaller_pool_is_drawn_from_with_the_seed_and_its_bands_are_wider(evaluator):
    first, again, other = (null_bands(evaluator, side(3, 3 * TEXTS, seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    human = side(3, 3 * TEXTS, seed=0)
    numbers = [
        values([evaluator.measure(one.sample())["geometry"]])["volume"] for one in human.null
    ]
    # P = 48, n = 24: √(72 / 24)
    expected = max(math.sqrt(3) * np.std(numbers, ddof=1), np.mean(numbers) / TEXTS)
    assert first["volume"].sd == pytest.approx(expected)


def test_threads_change_no_number(evaluator):
    assert null_bands(evaluator, side(), threads=2) == null_bands(evaluator, side())


def test_metrics_of_one_s_own_have_bands():
    evaluator = Evaluator(reference(), [Plugin("mine:size", lambda texts, **_: len(texts))])
    band = null_bands(evaluator, side())["size"]
    # 24 texts each; the least deviation is one part in 24 of that, 1
    assert (band.mean, band.sd, band.samples) == (24.0, 1.0, 3)
    assert band.high == pytest.approx(24 + T_2 * math.sqrt(4 / 3), abs=1e-5)


# --- texts of few words ---


def test_the_longest_text_is_cut_to_the_longest_length():
    texts = ["a b c", "A, b, c, d, e!", "a", "a b"]
    assert cut_alike(texts, [1, 4, 2, 0]) == ["a b", "A, b, c, d", "", "a"]
    # a text that has fewer words than is wanted stays whole
    assert cut_alike(texts, [9, 9, 1, 9]) == [*texts[:2], "a", "a b"]
    # of two with equally many the first has the shorter length
    assert cut_alike(["a b", "c d"], [2, 1]) == ["a", "c d"]


@dataclass(frozen=True)
class Human:
    """Documents of a world: an evaluator, its human side, and samples that neither has seen."""

    evaluator: Evaluator
    side: HumanSide
    bands: Mapping[str, Band]
    fresh: list[list[str]]

    def measured(self, texts, words=None):
        """The lexical metrics of texts."""
        sample = Sample(texts, points(len(texts)), words=words)
        return self.evaluator.measure(sample)["text"].compute(None)


DOCUMENTS, SAMPLES, FRESH, BUDGET = 250, 8, 4, 5000


def points(count):
    return stream(0, "tests.points").normal(size=(count, 4)).astype(np.float32)


def of_world(count, budget):
    params = WorldParams(
        entities=24, entity_exponent=1.0, category_exponent=0.4, value_exponent=0.7,
        phrasing_exponent=0.8, sentences_least=3, sentences_most=5, reference_share=0.6,
        opener_share=0.06, second_subject_share=0.1,
    )  # fmt: skip
    documents = World(params, seed=0).documents(count * (1 + SAMPLES + FRESH), seed=1)
    size = count * (1 + SAMPLES)
    pool = Texts(documents[:size], points(size), None)
    human = human_side(pool, count, SAMPLES, seed=0, what="the pool")
    evaluator = Evaluator(
        Reference(human.fit.texts, human.fit.embeddings, documents[:9], None, 1.0, budget)
    )
    fresh = [documents[size + count * n : size + count * (n + 1)] for n in range(FRESH)]
    return Human(evaluator, human, null_bands(evaluator, human), fresh)


@pytest.fixture(scope="module")
def world():
    return of_world(DOCUMENTS, BUDGET)


DIVERSITY = ("distinct_2", "repetition_diversity")


def test_human_texts_cut_to_six_words_read_as_human_and_not_as_more_diverse(world):
    """On as many words as they have they repeat less than whole documents, inside texts and among
    them; held against whole documents they would read as a richer language.
    """
    few = [[cut(text, 6) for text in sample] for sample in world.fresh]
    short = short_texts(world.evaluator, world.side, few[0])
    assert short.words == 6 * DOCUMENTS < BUDGET
    read = [world.measured(sample, short.words) for sample in few]
    for name in DIVERSITY:
        numbers = [one[name] for one in read]
        assert min(numbers) > world.bands[name].high, name
        assert max(numbers) <= short.bands[name].high, name
        assert short.bands[name].holds(np.mean(numbers)), name
        assert short.bands[name].p_value(np.mean(numbers)) > 0.05, name


def test_of_short_texts_those_that_repeat_each_other_read_as_collapsed(world):
    """Six words each, as above, but of ten documents over and over."""
    few = [cut(text, 6) for text in world.fresh[0][:10]] * (DOCUMENTS // 10)
    short = short_texts(world.evaluator, world.side, few)
    read = world.measured(few, short.words)
    for name in ("distinct_1", "distinct_2", "entropy_1"):
        assert read[name] < short.bands[name].low, name
        assert short.bands[name].p_value(read[name]) < 0.01, name
    assert read["duplicates"] > world.bands["duplicates"].high


@pytest.mark.parametrize(
    "text",
    ["", "…", "the", "the the the the the the", "the " * 20, "the " * 40],
    ids=["empty", "no word", "one word", "six times", "twenty times", "forty times"],
)
def test_texts_of_no_word_or_of_one_lie_outside_on_the_collapsed_side(world, text):
    texts = [text] * DOCUMENTS
    short = short_texts(world.evaluator, world.side, texts)
    assert (short is None) == (count_words(text) >= BUDGET / DOCUMENTS)
    bands = world.bands if short is None else {**world.bands, **short.bands}
    read = world.measured(texts, short.words if short else None)
    below = ("distinct_1", *DIVERSITY, "distinct_3", "distinct_4", "mtld", "hapax", "entropy_1")
    for name in below:
        assert read[name] < bands[name].low, name
    for name in ("self_bleu_4", "compression_ratio", "duplicates"):
        assert read[name] > bands[name].high, name
    for name in (*below, "self_bleu_4"):
        assert bands[name].p_value(read[name]) < 0.01, name


def test_human_texts_of_as_many_words_as_the_budget_have_no_bands_of_their_own(world):
    words = [count_words(text) for text in world.fresh[0]]
    assert sum(words) > BUDGET
    assert short_texts(world.evaluator, world.side, world.fresh[0]) is None
    exact = ["the " * (BUDGET // DOCUMENTS)] * DOCUMENTS
    assert short_texts(world.evaluator, world.side, exact) is None
    assert short_texts(world.evaluator, world.side, ["the", *exact[1:]]) is not None


def test_bands_of_short_texts_are_those_of_human_texts_cut_alike_on_as_many_words(world):
    """Texts of four to eleven words, in an order that is not that of the human texts' lengths."""
    few = [cut(text, 4 + at % 8) for at, text in enumerate(world.fresh[1])]
    lengths = [4 + at % 8 for at in range(DOCUMENTS)]
    assert [count_words(text) for text in few] == lengths
    short = short_texts(world.evaluator, world.side, few)
    alike = [cut_alike(null.texts, lengths) for null in world.side.null]
    assert all(sorted(map(count_words, one)) == sorted(lengths) for one in alike)
    assert short.words == sum(lengths)
    assert set(short.bands) == OF_TEXT - {"duplicates", "length_mean"}
    numbers = [world.measured(one, sum(lengths))["distinct_2"] for one in alike]
    assert short.bands["distinct_2"].mean == pytest.approx(np.mean(numbers))
    assert short.bands["distinct_2"].samples == SAMPLES


def test_human_text_is_cut_to_no_fewer_than_four_words_a_text(world):
    """Cut to one word a text, as these, it would be as poor as they are: no pair of words."""
    short = short_texts(world.evaluator, world.side, ["the"] * DOCUMENTS)
    assert short.words == DOCUMENTS
    fours = [cut_alike(null.texts, [4] * DOCUMENTS) for null in world.side.null]
    numbers = [world.measured(one, DOCUMENTS)["distinct_2"] for one in fours]
    assert short.bands["distinct_2"].mean == pytest.approx(np.mean(numbers))


def test_a_few_texts_among_empty_ones_are_held_against_as_many_words(world):
    """Eight documents and nothing else: few words repeat less, and that is no diversity."""
    few = [*world.fresh[0][:8], *[""] * (DOCUMENTS - 8)]
    short = short_texts(world.evaluator, world.side, few)
    assert short.words == sum(map(count_words, few))
    read = world.measured(few, short.words)
    for name in ("distinct_1", "distinct_2", "distinct_4"):
        assert read[name] <= short.bands[name].high, name


def test_bands_of_short_texts_are_never_of_more_words_than_the_budget(evaluator):
    """A budget of 100 words: human text that is not cut is measured on these."""
    short = short_texts(evaluator, side(), [""] * TEXTS)
    assert short.words == evaluator.reference.words == 100
    whole = null_bands(evaluator, side())
    assert short.bands == {name: whole[name] for name in short.bands}


def test_bands_of_short_texts_are_widened_where_samples_overlap(world):
    few = [cut(text, 6) for text in world.fresh[0]]
    plain = short_texts(world.evaluator, world.side, few).bands["distinct_2"]
    wide = short_texts(world.evaluator, replace(world.side, widening=2.0), few).bands["distinct_2"]
    assert plain.sd > 1.0 / DOCUMENTS
    assert wide.sd == pytest.approx(2.0 * plain.sd)
    assert wide.mean == plain.mean
