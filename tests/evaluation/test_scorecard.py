"""A generation's scorecard, with its null bands, and the few numbers that are compared."""

import json
from dataclasses import replace

import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.core.words import segmentation
from palimpsest.evaluation import null_bands as bands_module
from palimpsest.evaluation.evaluator import Evaluator
from palimpsest.evaluation.null_bands import null_bands, short_texts
from palimpsest.evaluation.plugins import Plugin
from palimpsest.evaluation.scorecard import SAMPLES, generation_metrics, scorecard
from palimpsest.metrics.registry import REGISTRY
from tests.evaluation.generations import PARAMS, TEXTS, generation, reference, side, texts

SIDE = side()


def entry(value):
    return {"value": value, "low": None, "high": None}


@pytest.fixture(scope="module")
def evaluator():
    return Evaluator(reference())


def test_a_scorecard_is_json_and_says_what_it_measured(evaluator):
    made = generation(2)
    result = scorecard(made, evaluator, SIDE, PARAMS, seed=0)
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
    # each of the 24 texts has 21 words
    assert result["words"] == PARAMS.words == 100
    assert result["segmentation"] == segmentation()


@pytest.mark.parametrize("kind", ["half", "group"])
def test_metrics_of_texts_have_intervals_and_those_of_a_model_none(evaluator, monkeypatch, kind):
    monkeypatch.setitem(REGISTRY, "volume", replace(REGISTRY["volume"], interval=kind))
    half = PARAMS.changed(half_samples=10)
    result = scorecard(generation(), evaluator, SIDE, half, seed=0)
    again = scorecard(generation(), evaluator, SIDE, half, seed=0)
    volume = result["metrics"]["volume"]
    assert volume["low"] < volume["value"] < volume["high"]
    assert result["metrics"]["nc1_cdnv"]["low"] is None
    assert result == again


def test_the_seed_decides_the_subsamples(evaluator, monkeypatch):
    monkeypatch.setitem(REGISTRY, "volume", replace(REGISTRY["volume"], interval="half"))
    half = PARAMS.changed(half_samples=10)
    one, other = (
        scorecard(generation(), evaluator, SIDE, half, seed)["metrics"]["volume"] for seed in (0, 1)
    )
    assert one["value"] == other["value"]
    assert one["low"] != other["low"]


def test_generation_0_has_no_author_and_no_generation_before(evaluator):
    result = scorecard(generation(0), evaluator, SIDE, PARAMS, seed=0)
    assert result["metrics"]["perplexity_self"] == entry(None)
    assert result["metrics"]["ngram_lock_in"] == result["metrics"]["lock_in"] == entry(None)
    assert "tokens_self" not in result["counts"]


def test_generation_0_is_a_human_sample_among_others(evaluator):
    """Nothing is fitted on it but the published score, which is 1 then."""
    result = scorecard(generation(0), evaluator, SIDE, PARAMS.changed(half_samples=10), seed=0)
    metrics = result["metrics"]
    assert metrics["integrity_published"]["value"] == pytest.approx(1.0)
    assert metrics["integrity"]["value"] != pytest.approx(1.0, abs=1e-3)
    for name in ("drift", "frechet", "kl_human"):
        assert metrics[name]["value"] > 1e-3, name
    for name, one in metrics.items():
        if one["value"] is not None:
            assert (one["low"] is None) == (REGISTRY[name].interval == "none"), name


def test_without_a_ledger_nothing_is_true_or_untrue():
    result = scorecard(generation(), Evaluator(reference(with_facts=False)), SIDE, PARAMS, seed=0)
    assert result["untrue"] == []
    assert not {"truth", "parsed", "lock_in"} & set(result["metrics"])
    assert "sentences" not in result["counts"]


def test_witness_texts_are_judged_with_and_without_a_ledger(evaluator):
    whole, dead = scorecard(generation(), evaluator, SIDE, PARAMS, seed=0)["witness"]
    assert (whole["prompt"], dead["prompt"]) == ("the fox", "a hen")
    assert (dead["verdict"], dead["reasons"]) == ("DEAD", ["one word over and over"])
    # "the fox sleeps by the river" is a fact, that the owl is old is none: one of two untrue
    assert "1 of 2 statements untrue" in whole["reasons"]
    alone = Evaluator(reference(with_facts=False))
    (whole, _) = scorecard(generation(), alone, SIDE, PARAMS, seed=0)["witness"]
    assert not any("untrue" in reason for reason in whole["reasons"])


def test_a_witness_is_held_against_human_text_by_its_nats_a_token(evaluator):
    arrays = generation().arrays | {
        "witness_nll": np.array([40.0, 0.0]),
        "witness_tokens": np.array([4, 0]),
    }
    (whole, _) = scorecard(generation(arrays=arrays), evaluator, SIDE, PARAMS, seed=0)["witness"]
    assert whole["verdict"] == "CRITICAL"
    assert whole["reasons"][0].startswith("far too surprising: 10.00 nats a token, human ")


def test_metrics_of_one_s_own_are_named_and_have_intervals():
    def last(texts, **_):
        return {"fox": sum("fox" in text for text in texts) / len(texts)}

    evaluator = Evaluator(reference(), [Plugin("mine:last", last)])
    result = scorecard(generation(), evaluator, SIDE, PARAMS.changed(half_samples=10), seed=0)
    assert result["custom"] == ["last_fox"]
    own = result["metrics"]["last_fox"]
    assert own["low"] < own["value"] < own["high"]


@pytest.mark.parametrize("name", ["volume", "crowding"])
def test_a_metric_of_one_s_own_with_a_taken_name_is_refused(name):
    evaluator = Evaluator(reference(), [Plugin(f"mine:{name}", lambda **_: 1.0)])
    with pytest.raises(MetricError, match=f"want a name that no other metric has, got '{name}'"):
        scorecard(generation(), evaluator, SIDE, PARAMS, seed=0)


def test_two_metrics_of_one_s_own_with_one_name_are_refused():
    plugins = [Plugin("mine:same", lambda **_: 1.0), Plugin("yours:same", lambda **_: 2.0)]
    with pytest.raises(MetricError, match="want a name that no other metric has, got 'same'"):
        scorecard(generation(), Evaluator(reference(), plugins), SIDE, PARAMS, seed=0)


# --- null bands ---

OF_TEXT = {name for name, one in REGISTRY.items() if one.family == "text"}


def plain(bands):
    return {name: band.as_dict() for name, band in bands.items()}


def test_generation_0_has_the_bands_of_all_metrics_and_a_later_one_has_none(evaluator):
    first, later = (scorecard(generation(n), evaluator, SIDE, PARAMS, seed=0) for n in (0, 1))
    assert first["null"] == plain(null_bands(evaluator, SIDE))
    assert set(first["null"]) > OF_TEXT
    assert later["null"] == {}
    again = json.loads(json.dumps(first["null"], allow_nan=False))
    assert again == first["null"]


def test_without_a_human_side_there_are_no_bands():
    alone = Evaluator(replace(reference(), null=()))
    few = generation(texts=["the fox sleeps"] * TEXTS)
    for made in (generation(0), few):
        result = scorecard(made, alone, None, PARAMS, seed=0)
        assert result["null"] == {}
        assert result["metrics"]["integrity"] == result["metrics"]["loss"] == entry(None)
        assert result["metrics"]["volume"]["value"] > 0
    assert result["words"] == 3 * TEXTS


@pytest.mark.parametrize("number", [0, 2])
def test_texts_of_few_words_have_bands_of_their_own(evaluator, monkeypatch, number):
    """Human text cut alike, to three words each, in the place of the bands at the budget."""
    monkeypatch.setattr(bands_module, "LEAST_LENGTH", 3)
    monkeypatch.setattr(bands_module, "LEAST_WORDS", 50)
    few = [" ".join(text.split()[:3]) for text in texts(TEXTS, 5)]
    result = scorecard(generation(number, texts=few), evaluator, SIDE, PARAMS, seed=0)
    short = short_texts(evaluator, SIDE, few)
    whole = plain(null_bands(evaluator, SIDE)) if number == 0 else {}
    assert result["null"] == whole | plain(short.bands)
    assert set(short.bands) == OF_TEXT - {"duplicates", "length_mean"}
    assert result["words"] == short.words == 3 * TEXTS
    # "the fox sleeps": four animals behind "the", four before "sleeps"; two pairs a text
    assert result["metrics"]["distinct_2"]["value"] == pytest.approx(8 / (2 * TEXTS))
    assert result["null"]["distinct_2"]["mean"] == pytest.approx(8 / (2 * TEXTS))


def test_a_generation_is_measured_on_as_many_words_as_its_bands(evaluator, monkeypatch):
    """A human text has 21 words: of a text of 60, as many are measured."""
    monkeypatch.setattr(bands_module, "LEAST_WORDS", 10)
    few = ["the fox " * 30] + [""] * (TEXTS - 1)
    result = scorecard(generation(texts=few), evaluator, SIDE, PARAMS, seed=0)
    assert result["words"] == 21
    assert result["metrics"]["distinct_1"]["value"] == pytest.approx(2 / 21)
    assert result["metrics"]["length_mean"]["value"] == pytest.approx(60 / TEXTS)


def test_progress_is_shown_after_every_family_and_every_null_sample(evaluator):
    steps = []
    made = generation(0)
    scorecard(made, evaluator, SIDE, PARAMS, 0, lambda done, of: steps.append((done, of)))
    assert steps == [*((n, 8) for n in range(1, 9)), (1, 3), (2, 3), (3, 3)]


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
