"""The instrument: families by hand, and all families of a small generation."""

import numpy as np
import pytest

from palimpsest.errors import MetricError
from palimpsest.instrument import (
    Facts,
    Family,
    Yardstick,
    null_entries,
    values,
    with_intervals,
)
from palimpsest.metrics.likelihood import Written, scored

NUMBERS = np.array([1.0, 2.0, 3.0, 4.0, 10.0, 4.0])

TEXTS = [f"the {animal} {act} by the {place}" for animal in ("fox", "owl", "hen")
         for act in ("sleeps", "waits") for place in ("river", "hill")]  # fmt: skip
EMBEDDINGS = np.random.default_rng(0).normal(size=(12, 8)).astype(np.float32)
FACT = ("fox", "rests", "river")


def mean(rows):
    chosen = NUMBERS if rows is None else NUMBERS[rows]
    return {"mean": float(chosen.mean()), "none": None}


def count(rows):
    return {"count": 6.0 if rows is None else float(len(rows))}


FAMILIES = [Family(mean, 6), Family(count, 6)]


def parse(text):
    status = "true" if "fox sleeps by the river" in text else "unparsable"
    return [(status, *(FACT if status == "true" else (None,) * 3))]


def yardstick(facts=None):
    return Yardstick(TEXTS, EMBEDDINGS, TEXTS, facts, lam=1.0, words=20)


def written(n=12):
    return Written(scored(np.full(n, 2.0), np.full(n, 1.0)), None)


def test_values_by_hand():
    assert values(FAMILIES) == {"mean": 4.0, "none": None, "count": 6.0}
    assert values([]) == {}


def test_without_half_samples_there_is_no_interval():
    assert with_intervals(FAMILIES, 0, seed=1) == {
        "mean": {"value": 4.0, "low": None, "high": None},
        "none": {"value": None, "low": None, "high": None},
        "count": {"value": 6.0, "low": None, "high": None},
    }


def test_intervals_by_hand():
    got = with_intervals(FAMILIES, 1500, seed=1)
    # the mean of 3 of 6 without replacement: s² / 3 x (1 - 3 / 6), s² = 50 / 5
    reach = 1.96 * np.sqrt(10 / 6)
    assert got["mean"]["value"] == 4.0
    assert got["mean"]["low"] == pytest.approx(4 - reach, abs=0.15)
    assert got["mean"]["high"] == pytest.approx(4 + reach, abs=0.15)
    # every half has three items: no spread around the value of all
    assert got["count"] == {"value": 6.0, "low": 6.0, "high": 6.0}
    assert got["none"] == {"value": None, "low": None, "high": None}


def test_the_seed_decides_the_halves():
    one, same, other = (with_intervals(FAMILIES, 20, seed) for seed in (1, 1, 2))
    assert one == same
    assert one["mean"]["low"] != other["mean"]["low"]


def test_null_entries_by_hand():
    cards = [{"a": 1.0, "b": None, "c": None}, {"a": 3.0, "b": 5.0, "c": None}, {"a": 5.0}]
    assert null_entries(cards) == {
        "a": {
            "low": pytest.approx(1.1),
            "high": pytest.approx(4.9),
            "samples": 3,
            "mean": 3.0,
            "sd": 2.0,
        },
        "b": {"low": 5.0, "high": 5.0, "samples": 1, "mean": 5.0, "sd": None},
    }
    assert null_entries([]) == {}


def test_a_null_value_that_is_no_number_is_an_error():
    with pytest.raises(MetricError, match="null sample: want finite values, got NaN or infinity"):
        null_entries([{"a": 1.0}, {"a": float("nan")}])


def test_the_human_sample_measured_against_itself():
    families = yardstick().families(TEXTS, EMBEDDINGS, None, None)
    assert {family.items for family in families} == {12}
    names = [name for family in families for name in family.measure(None)]
    assert len(names) == len(set(names))
    got = values(families)
    assert got["drift"] == pytest.approx(0.0, abs=1e-6)
    assert got["frechet"] == pytest.approx(0.0, abs=1e-3)
    assert got["memorised"] == 0.0  # no text has eight words
    assert "truth" not in got
    assert "perplexity_human" not in got


def test_a_collapsed_generation_reads_worse():
    texts, embeddings = [TEXTS[0]] * 12, np.repeat(EMBEDDINGS[:1], 12, axis=0)
    ruler = yardstick()
    human = values(ruler.families(TEXTS, EMBEDDINGS, None, None))
    collapsed = values(ruler.families(texts, embeddings, None, TEXTS))
    assert collapsed["volume"] == 0.0 < human["volume"]
    assert collapsed["integrity"] < human["integrity"]
    assert collapsed["duplicates"] > human["duplicates"]


def test_likelihoods_and_facts_are_families_of_their_own():
    ruler = yardstick(Facts(parse, {FACT: 2}))
    got = values(ruler.families(TEXTS, EMBEDDINGS, written(), TEXTS))
    assert got["perplexity_human"] == pytest.approx(np.exp(2.0))
    assert got["parsed"] == pytest.approx(1 / 12)
    assert got["truth"] == 1.0
    table = ruler.truth(TEXTS, None)
    assert table is not None
    assert table.measure(None).metrics["parsed"] == got["parsed"]
    assert yardstick().truth(TEXTS, None) is None


def test_a_family_measures_half_samples():
    rows = np.arange(0, 12, 2)
    ruler = yardstick(Facts(parse, {FACT: 2}))
    halved = ruler.families(TEXTS, EMBEDDINGS, written(), TEXTS)
    alone = values(ruler.families(TEXTS[::2], EMBEDDINGS[::2], written(6), TEXTS))
    got = {name: value for family in halved for name, value in family.measure(rows).items()}
    whole = values(halved)
    assert got.keys() == whole.keys() == alone.keys()
    # one of each family that knows no size of its own
    names = ("volume", "effective_rank", "frechet", "length_mean", "memorised", "parsed")
    for name in (*names, "perplexity_human"):
        assert got[name] == pytest.approx(alone[name], rel=1e-4, abs=1e-6), name
    assert [name for name in names if got[name] != whole[name]][:3] == list(names[:3])


def test_coordinates_are_those_of_the_human_basis():
    got = yardstick().coordinates(EMBEDDINGS)
    assert got.shape == (12, 3)
    assert got.mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-6)
    spread = got.std(axis=0)
    assert spread[0] > spread[1] > spread[2] > 0


def test_sizes_that_do_not_agree_are_an_error():
    ruler = yardstick()
    with pytest.raises(MetricError, match="embeddings: want 12 rows, one a text, got 11"):
        ruler.families(TEXTS, EMBEDDINGS[:11], None, None)
    with pytest.raises(MetricError, match="written: want 12 rows, one a text, got 6"):
        ruler.families(TEXTS, EMBEDDINGS, written(6), None)
