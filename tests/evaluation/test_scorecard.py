"""A generation's scorecard, its null bands, and the few numbers that are compared."""

import json

import numpy as np
import pytest

from palimpsest.core.errors import CorpusError, MetricError
from palimpsest.evaluation.evaluator import Evaluator, values
from palimpsest.evaluation.plugins import Plugin
from palimpsest.evaluation.scorecard import (
    SAMPLES,
    generation_metrics,
    null_entries,
    scorecard,
)
from palimpsest.metrics.family import Sample
from tests.evaluation.generations import (
    PARAMS,
    TEXTS,
    generation,
    null_arrays,
    points,
    reference,
    texts,
)


def entry(value):
    return {"value": value, "low": None, "high": None}


@pytest.fixture(scope="module")
def evaluator():
    return Evaluator(reference())


def test_a_scorecard_is_json_and_says_what_it_measured(evaluator):
    made = generation(2)
    result = scorecard(made, evaluator, PARAMS, seed=0)
    assert json.loads(json.dumps(result, allow_nan=False)) == json.loads(json.dumps(result))
    assert (result["generation"], result["documents"], result["custom"]) == (2, TEXTS, [])
    assert result["samples"] == made.texts[:SAMPLES]
    arrays = made.arrays
    pooled = np.exp(arrays["heldout_nll"].sum() / arrays["heldout_tokens"].sum())
    assert result["metrics"]["perplexity_heldout"] == entry(pytest.approx(pooled))
    size = sum(len(text.encode()) for text in made.heldout)
    bits = arrays["heldout_nll"].sum() / np.log(2) / size
    assert result["metrics"]["bits_per_byte_heldout"] == entry(pytest.approx(bits))
    assert result["metrics"]["nc4_agreement"] == entry(0.25)
    assert result["counts"]["tokens_self"] == arrays["self_tokens"].sum()
    assert result["counts"]["sentences"] == 2 * TEXTS
    assert result["counts"]["classes"] == 4
    assert ("fox", "is", "old") in result["untrue"]
    assert result["untrue"] == sorted(result["untrue"])


def test_metrics_of_texts_have_intervals_and_those_of_a_model_none(evaluator):
    half = PARAMS.changed(half_samples=10)
    result = scorecard(generation(), evaluator, half, seed=0)
    again = scorecard(generation(), evaluator, half, seed=0)
    other = scorecard(generation(), evaluator, half, seed=1)
    volume = result["metrics"]["volume"]
    assert volume["low"] < volume["value"] < volume["high"]
    assert result["metrics"]["nc1_cdnv"]["low"] is None
    assert result == again
    assert result["metrics"]["volume"]["low"] != other["metrics"]["volume"]["low"]


def test_generation_0_has_no_author_and_no_generation_before(evaluator):
    result = scorecard(generation(0), evaluator, PARAMS, seed=0)
    assert result["metrics"]["perplexity_self"] == entry(None)
    assert result["metrics"]["ngram_lock_in"] == result["metrics"]["lock_in"] == entry(None)
    assert "tokens_self" not in result["counts"]
    assert result["metrics"]["drift"]["value"] == pytest.approx(0.0, abs=1e-6)


def test_without_a_ledger_nothing_is_true_or_untrue():
    result = scorecard(generation(), Evaluator(reference(with_facts=False)), PARAMS, seed=0)
    assert result["untrue"] == []
    assert not {"truth", "parsed", "lock_in"} & set(result["metrics"])
    assert "sentences" not in result["counts"]


def test_witness_texts_are_judged_with_and_without_a_ledger(evaluator):
    whole, dead = scorecard(generation(), evaluator, PARAMS, seed=0)["witness"]
    assert (whole["prompt"], dead["prompt"]) == ("the fox", "a hen")
    assert (dead["verdict"], dead["reasons"]) == ("DEAD", ["one word over and over"])
    # "the fox sleeps by the river" is a fact, that the owl is old is none: one of two untrue
    assert "1 of 2 statements untrue" in whole["reasons"]
    alone = Evaluator(reference(with_facts=False))
    (whole, _) = scorecard(generation(), alone, PARAMS, seed=0)["witness"]
    assert not any("untrue" in reason for reason in whole["reasons"])


def test_a_witness_is_held_against_human_text_by_its_nats_a_token(evaluator):
    arrays = generation().arrays | {
        "witness_nll": np.array([40.0, 0.0]),
        "witness_tokens": np.array([4, 0]),
    }
    (whole, _) = scorecard(generation(arrays=arrays), evaluator, PARAMS, seed=0)["witness"]
    assert whole["verdict"] == "CRITICAL"
    assert whole["reasons"][0].startswith("far too surprising: 10.00 nats a token, human ")


def test_metrics_of_one_s_own_are_named_and_have_intervals():
    def last(texts, **_):
        return {"fox": sum("fox" in text for text in texts) / len(texts)}

    evaluator = Evaluator(reference(), [Plugin("mine:last", last)])
    result = scorecard(generation(), evaluator, PARAMS.changed(half_samples=10), seed=0)
    assert result["custom"] == ["last_fox"]
    own = result["metrics"]["last_fox"]
    assert own["low"] < own["value"] < own["high"]


@pytest.mark.parametrize("name", ["volume", "crowding"])
def test_a_metric_of_one_s_own_with_a_taken_name_is_refused(name):
    evaluator = Evaluator(reference(), [Plugin(f"mine:{name}", lambda **_: 1.0)])
    with pytest.raises(MetricError, match=f"want a name that no other metric has, got '{name}'"):
        scorecard(generation(), evaluator, PARAMS, seed=0)


def test_two_metrics_of_one_s_own_with_one_name_are_refused():
    plugins = [Plugin("mine:same", lambda **_: 1.0), Plugin("yours:same", lambda **_: 2.0)]
    with pytest.raises(MetricError, match="want a name that no other metric has, got 'same'"):
        scorecard(generation(), Evaluator(reference(), plugins), PARAMS, seed=0)


# --- null bands ---


def bands(pool, size, samples, evaluator, seed=0, **options):
    return null_entries(
        texts(pool, 300), points(pool, 300), null_arrays(pool), size, evaluator, samples, seed,
        **options,
    )  # fmt: skip


def test_null_samples_share_no_text_where_the_pool_has_enough(evaluator):
    steps = []
    entries = bands(40, 20, 2, evaluator, progress=lambda done, of: steps.append((done, of)))
    assert steps == [(1, 2), (2, 2)]
    pool, embeddings = texts(40, 300), points(40, 300)
    by_hand = [
        values([*evaluator.measure(Sample(pool[rows], embeddings[rows])).values()])
        for rows in (slice(0, 20), slice(20, 40))
    ]
    for name in ("volume", "distinct_2", "truth", "memorised"):
        numbers = [one[name] for one in by_hand]
        assert entries[name]["samples"] == 2
        assert entries[name]["mean"] == pytest.approx(np.mean(numbers), abs=1e-12), name
        assert entries[name]["sd"] == pytest.approx(np.std(numbers, ddof=1), abs=1e-12), name
    assert entries == bands(40, 20, 2, evaluator, seed=1)
    arrays = null_arrays(40)
    ends = [
        np.exp(arrays["null_nll"][rows].sum() / arrays["null_tokens"][rows].sum())
        for rows in (slice(0, 20), slice(20, 40))
    ]
    assert entries["perplexity_human"]["mean"] == pytest.approx(np.mean(ends))
    # what needs a model of its own or a generation before it has no band
    assert not {"perplexity_heldout", "perplexity_self", "ngram_lock_in", "crowding"} & set(entries)


def test_a_smaller_pool_is_drawn_from_with_the_seed(evaluator):
    first, again, other = (bands(30, 20, 2, evaluator, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert first["volume"]["sd"] > 0


def test_without_a_pool_there_is_no_band_and_a_small_one_is_refused(evaluator):
    assert bands(0, 20, 2, evaluator) == {}
    wanted = r"corpus\.null_pool: want 0 or at least generate\.documents \(20\), got 19"
    with pytest.raises(CorpusError, match=wanted):
        bands(19, 20, 2, evaluator)


def test_metrics_of_one_s_own_have_bands():
    evaluator = Evaluator(reference(), [Plugin("mine:size", lambda texts, **_: len(texts))])
    assert bands(40, 20, 2, evaluator)["size"] == {
        "low": 20.0, "high": 20.0, "samples": 2, "mean": 20.0, "sd": 0.0,
    }  # fmt: skip


# --- the few numbers that are compared ---


def test_the_numbers_of_a_generation_by_hand():
    result = {
        "metrics": {
            "volume": entry(1 / 3),
            "duplicates": entry(0.0),
            "truth": entry(None),
            "drift": entry(1234567.8),
            "zipf": entry(1.0),
        }
    }
    assert generation_metrics(result) == {
        "volume": 0.333333, "drift": 1234570.0, "duplicates": 0.0, "truth": None,
    }  # fmt: skip
    assert list(generation_metrics(result)) == ["volume", "drift", "duplicates", "truth"]
    assert generation_metrics({"metrics": {}}) == {}
