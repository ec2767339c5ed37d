import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.metrics.truth import TruthTable, axioms, measure_truth, tail_weights

A1, A2 = ("A", "size", "big"), ("A", "colour", "red")
B1, B2 = ("B", "size", "small"), ("B", "colour", "blue")
FACTS = {A1: 9, A2: 7, B1: 5, B2: 1}
LIE, MYTH = ("A", "size", "small"), ("Z", "size", "big")
NOISE = ("unparsable", None, None, None)


def true(triple):
    return ("true", *triple)


def false(triple):
    return ("false", *triple)


def novel(triple):
    return ("novel", *triple)


# By hand ----------------------------------------------------------------------------------------


def test_by_hand():
    texts = [[true(A1), true(A1), false(LIE)], [true(B1), novel(MYTH), NOISE], [true(B2), NOISE]]
    result = measure_truth(texts, FACTS, previous=[LIE])
    entropy = -(0.6 * math.log(0.6) + 0.4 * math.log(0.4))
    assert result.metrics == pytest.approx(
        {
            "true_share": 4 / 8,
            "false_share": 1 / 8,
            "novel_share": 1 / 8,
            "unparsable_share": 2 / 8,
            "truth": 4 / 6,
            "parsed": 6 / 8,
            "fact_coverage": 3 / 4,
            "tail_coverage": 1.0,  # the rarest quarter is B2
            "entity_entropy": entropy,  # A three times, B twice, Z does not exist
            "entities": 2.0,
            "lock_in": 1 / 2,
        }
    )
    assert result.counts == {
        "sentences_true": 4,
        "sentences_false": 1,
        "sentences_novel": 1,
        "sentences_unparsable": 2,
        "sentences": 8,
        "texts_silent": 0,
        "facts": 4,
        "facts_stated": 3,
        "untrue_distinct": 2,
        "untrue_held": 1,
    }


def test_a_subsample_by_hand():
    texts = [[true(A1)], [false(LIE)], [true(B2), NOISE]]
    table = TruthTable(texts, FACTS, previous=[LIE])
    metrics = table.measure([1, 2]).metrics
    assert metrics["true_share"] == pytest.approx(1 / 3)
    assert metrics["fact_coverage"] == 1 / 4
    assert metrics["lock_in"] == 1.0
    assert table.measure([0]).metrics["lock_in"] is None
    assert table.measure([0, 1, 2]) == table.measure() == measure_truth(texts, FACTS, [LIE])


def test_untrue_statements_are_distinct_and_sorted():
    table = TruthTable([[novel(MYTH), false(LIE)], [false(LIE), NOISE]], FACTS)
    assert table.untrue == [LIE, MYTH]


def test_tail_weights_by_hand():
    assert tail_weights([9, 7, 5, 1]).tolist() == [0, 0, 0, 1]
    # 8 facts: the tail has room for 2; one is rarer than the edge, three share the other place.
    assert tail_weights([0, 1, 1, 1, 5, 6, 7, 8]) == pytest.approx(
        [1, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0]
    )
    assert tail_weights([3]).tolist() == [1]


def test_axioms_by_hand():
    assert axioms([{LIE}, {LIE, MYTH}, {LIE, MYTH}]) == {"axioms": 1, "axiom_age": 3}
    assert axioms([{LIE}, {LIE}, {LIE}, {LIE, MYTH}]) == {"axioms": 1, "axiom_age": 4}
    # A run that broke is over; the age is that of the longest living run, however young.
    assert axioms([{LIE}, {LIE}, {LIE}, {MYTH}]) == {"axioms": 0, "axiom_age": 1}
    assert axioms([{LIE}, {LIE}, set(), {LIE}]) == {"axioms": 0, "axiom_age": 1}


def test_axioms_take_the_lists_of_a_scorecard():
    assert axioms([[list(LIE)]] * 3) == {"axioms": 1, "axiom_age": 3}


def test_lock_in_takes_the_lists_of_a_scorecard():
    assert measure_truth([[false(LIE)]], FACTS, [list(LIE)]).metrics["lock_in"] == 1.0


# Invariants -------------------------------------------------------------------------------------

SENTENCES = st.sampled_from(
    [true(A1), true(A2), true(B1), true(B2), false(LIE), novel(MYTH), NOISE]
)
TEXTS = st.lists(st.lists(SENTENCES, max_size=6), max_size=12)


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.randoms(use_true_random=False))
def test_order_of_texts_sentences_and_facts_does_not_matter(texts, draw):
    shuffled = [draw.sample(text, len(text)) for text in draw.sample(texts, len(texts))]
    facts = dict(draw.sample(list(FACTS.items()), len(FACTS)))
    one = measure_truth(texts, FACTS, [LIE])
    other = measure_truth(shuffled, facts, [LIE])
    assert one.counts == other.counts
    assert one.metrics == pytest.approx(other.metrics)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_shares_add_to_one_and_nothing_leaves_its_range(texts):
    metrics = measure_truth(texts, FACTS, [MYTH]).metrics
    shares = [metrics[f"{name}_share"] for name in ("true", "false", "novel", "unparsable")]
    assert sum(shares) == pytest.approx(1)
    for name, value in metrics.items():
        if name not in ("entities", "entity_entropy", "lock_in"):
            assert 0 <= value <= 1
    assert metrics["lock_in"] is None or 0 <= metrics["lock_in"] <= 1
    assert 0 <= metrics["entity_entropy"] <= math.log(max(metrics["entities"], 1)) + 1e-12


@settings(max_examples=60, deadline=None)
@given(TEXTS.filter(bool), st.data())
def test_a_subsample_is_what_its_texts_alone_would_be(texts, data):
    rows = data.draw(st.lists(st.sampled_from(range(len(texts))), unique=True, min_size=1))
    chosen = [texts[i] for i in rows]
    one = TruthTable(texts, FACTS, [LIE]).measure(rows)
    other = measure_truth(chosen, FACTS, [LIE])
    assert one.counts == other.counts
    assert one.metrics == pytest.approx(other.metrics)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_the_tail_is_a_quarter_and_prefers_the_rare(frequencies):
    weights = tail_weights(frequencies)
    assert weights.sum() == pytest.approx(math.ceil(len(frequencies) / 4))
    order = np.argsort(frequencies, kind="stable")
    assert (np.diff(weights[order]) <= 1e-12).all()


# Degenerate: collapse never reads as perfection --------------------------------------------------


@pytest.mark.parametrize("texts", [[], [[]], [[], []], [[NOISE]], [[NOISE] * 9] * 3])
def test_nothing_said_reads_as_nothing_known(texts):
    metrics = measure_truth(texts, FACTS, [LIE]).metrics
    assert metrics["unparsable_share"] == 1.0
    for name in ("true_share", "false_share", "novel_share", "truth", "parsed"):
        assert metrics[name] == 0.0
    for name in ("fact_coverage", "tail_coverage", "entity_entropy", "entities"):
        assert metrics[name] == 0.0
    assert metrics["lock_in"] is None


def test_silent_texts_count_against_the_generation():
    result = measure_truth([[true(A1)], [], [], []], FACTS)
    assert result.metrics["parsed"] == 1 / 4
    assert result.metrics["true_share"] == 1 / 4
    assert result.counts["texts_silent"] == 3


def test_one_fact_for_ever_is_true_but_covers_nothing():
    metrics = measure_truth([[true(A1)] * 5] * 100, FACTS).metrics
    assert metrics["truth"] == 1.0
    assert metrics["fact_coverage"] == 1 / 4
    assert metrics["tail_coverage"] == 0.0
    assert metrics["entity_entropy"] == 0.0
    assert metrics["entities"] == 1.0


def test_only_inventions():
    metrics = measure_truth([[novel(MYTH)]], FACTS, [MYTH]).metrics
    assert metrics["truth"] == 0.0
    assert metrics["parsed"] == 1.0
    assert metrics["entities"] == 0.0
    assert metrics["lock_in"] == 1.0


def test_without_a_previous_generation_lock_in_is_undefined():
    assert measure_truth([[false(LIE)]], FACTS).metrics["lock_in"] is None


def test_with_nothing_held_lock_in_is_zero():
    assert measure_truth([[false(LIE)]], FACTS, []).metrics["lock_in"] == 0.0


def test_no_generations_no_axioms():
    assert axioms([]) == {"axioms": 0, "axiom_age": 0}
    assert axioms([set(), set(), set()]) == {"axioms": 0, "axiom_age": 0}


# Errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "facts", "message"),
    [
        ([[true(A1)]], {}, "facts: want a ledger with facts, got none"),
        ([[true(A1)]], {A1: -1}, "frequencies >= 0"),
        ([[("maybe", *A1)]], FACTS, "a status of true, false, novel, unparsable, got 'maybe'"),
        ([[("silent", None, None, None)]], FACTS, "got 'silent'"),
        ([[("false", "A", None, "x")]], FACTS, "want entity, relation, value"),
        ([[("true", *LIE)]], FACTS, "want a fact of the ledger"),
    ],
)
def test_errors(texts, facts, message):
    with pytest.raises(MetricError, match=message):
        measure_truth(texts, facts)


@pytest.mark.parametrize("rows", [[1], [-1]])
def test_positions_that_are_not_there_are_refused(rows):
    with pytest.raises(MetricError, match="positions below 1"):
        TruthTable([[true(A1)]], FACTS).measure(rows)


def test_no_frequencies_are_refused():
    with pytest.raises(MetricError, match="frequencies >= 0"):
        tail_weights([])
