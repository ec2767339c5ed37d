"""The evaluator: made-up measurements by hand, and all families of a small generation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.evaluation.evaluator import Evaluator, values, with_intervals
from palimpsest.evaluation.plugins import Plugin
from palimpsest.metrics.family import Facts, Reference, Sample
from palimpsest.metrics.likelihood import Heldout, Written, scored

NUMBERS = np.array([1.0, 2.0, 3.0, 4.0, 10.0, 4.0])

TEXTS = [f"the {animal} {act} by the {place}" for animal in ("fox", "owl", "hen")
         for act in ("sleeps", "waits") for place in ("river", "hill")]  # fmt: skip
EMBEDDINGS = np.random.default_rng(0).normal(size=(12, 8)).astype(np.float32)
FACT = ("fox", "rests", "river")


@dataclass(frozen=True)
class Measured:
    """A measurement of six items."""

    compute: Callable
    count: int = 6


def mean(rows):
    chosen = NUMBERS if rows is None else NUMBERS[rows]
    return {"mean": float(chosen.mean()), "none": None}


def size(rows):
    return {"size": 6.0 if rows is None else float(len(rows))}


MEASUREMENTS = [Measured(mean), Measured(size)]


def parse(text):
    status = "true" if "fox sleeps by the river" in text else "unparsable"
    return [(status, *(FACT if status == "true" else (None,) * 3))]


def evaluator(facts=None, plugins=()):
    return Evaluator(Reference(TEXTS, EMBEDDINGS, TEXTS, facts, lam=1.0, words=20), plugins)


def measured(sample, facts=None):
    """All values of a sample."""
    return values([*evaluator(facts).measure(sample).values()])


def written(n=12):
    return Written(scored(np.full(n, 2.0), np.full(n, 1.0)), None)


def test_values_by_hand():
    assert values(MEASUREMENTS) == {"mean": 4.0, "none": None, "size": 6.0}
    assert values([]) == {}


def test_without_half_samples_there_is_no_interval():
    assert with_intervals(MEASUREMENTS, 0, seed=1) == {
        "mean": {"value": 4.0, "low": None, "high": None},
        "none": {"value": None, "low": None, "high": None},
        "size": {"value": 6.0, "low": None, "high": None},
    }


def test_intervals_by_hand():
    got = with_intervals(MEASUREMENTS, 1500, seed=1)
    # the mean of 3 of 6 without replacement: s² / 3 x (1 - 3 / 6), s² = 50 / 5
    reach = 1.96 * np.sqrt(10 / 6)
    assert got["mean"]["value"] == 4.0
    assert got["mean"]["low"] == pytest.approx(4 - reach, abs=0.15)
    assert got["mean"]["high"] == pytest.approx(4 + reach, abs=0.15)
    # every half has three items: no spread around the value of all
    assert got["size"] == {"value": 6.0, "low": 6.0, "high": 6.0}
    assert got["none"] == {"value": None, "low": None, "high": None}


def test_the_seed_decides_the_halves():
    one, same, other = (with_intervals(MEASUREMENTS, 20, seed) for seed in (1, 1, 2))
    assert one == same
    assert one["mean"]["low"] != other["mean"]["low"]


def test_progress_is_shown_after_every_measurement():
    steps = []
    with_intervals(MEASUREMENTS, 3, 0, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]


@pytest.mark.parametrize("half_samples", [0, 5])
def test_two_metrics_of_one_name_are_an_error(half_samples):
    twice = [Measured(mean), Measured(mean)]
    with pytest.raises(MetricError, match="want a name that no other metric has, got 'mean'"):
        with_intervals(twice, half_samples, seed=0)
    with pytest.raises(MetricError, match="want a name that no other metric has, got 'mean'"):
        values(twice)


def test_the_human_sample_measured_against_itself():
    families = evaluator().measure(Sample(TEXTS, EMBEDDINGS))
    assert list(families) == ["geometry", "spectrum", "distribution", "text", "lock_in"]
    assert {family.count for family in families.values()} == {12}
    got = values([*families.values()])
    assert got["drift"] == pytest.approx(0.0, abs=1e-6)
    assert got["frechet"] == pytest.approx(0.0, abs=1e-3)
    assert got["memorised"] == 0.0  # no text has eight words
    assert "truth" not in got
    assert "perplexity_human" not in got


def test_a_collapsed_generation_reads_worse():
    texts, embeddings = [TEXTS[0]] * 12, np.repeat(EMBEDDINGS[:1], 12, axis=0)
    human = measured(Sample(TEXTS, EMBEDDINGS))
    collapsed = measured(Sample(texts, embeddings, previous=TEXTS))
    assert collapsed["volume"] == 0.0 < human["volume"]
    assert collapsed["integrity"] < human["integrity"]
    assert collapsed["duplicates"] > human["duplicates"]


def test_likelihoods_and_facts_are_families_of_their_own():
    sample = Sample(TEXTS, EMBEDDINGS, written(), TEXTS)
    got = measured(sample, Facts(parse, {FACT: 2}))
    assert got["perplexity_human"] == pytest.approx(np.exp(2.0))
    assert got["parsed"] == pytest.approx(1 / 12)
    assert got["truth"] == 1.0
    table = evaluator(Facts(parse, {FACT: 2})).measure(sample)["truth"]
    assert table.measure(None).metrics["parsed"] == got["parsed"]
    assert "truth" not in evaluator().measure(sample)


def test_held_out_texts_are_a_family_of_their_own_count():
    part = scored(np.full(4, 3.0), np.full(4, 2.0))
    heldout = Heldout(part, np.full(4, 8.0), part, np.full(4, 1.0))
    family = evaluator().measure(Sample(TEXTS, EMBEDDINGS, heldout=heldout))["heldout"]
    assert family.count == 4
    assert values([family])["perplexity_heldout"] == pytest.approx(np.exp(1.5))


def test_a_family_measures_half_samples():
    rows, facts = np.arange(0, 12, 2), Facts(parse, {FACT: 2})
    families = [*evaluator(facts).measure(Sample(TEXTS, EMBEDDINGS, written(), TEXTS)).values()]
    alone = measured(Sample(TEXTS[::2], EMBEDDINGS[::2], written(6), TEXTS), facts)
    got = {name: value for family in families for name, value in family.compute(rows).items()}
    whole = values(families)
    assert got.keys() == whole.keys() == alone.keys()
    # one of each family that knows no size of its own
    names = ("volume", "effective_rank", "frechet", "length_mean", "memorised", "parsed")
    for name in (*names, "perplexity_human"):
        assert got[name] == pytest.approx(alone[name], rel=1e-4, abs=1e-6), name
    assert [name for name in names if got[name] != whole[name]][:3] == list(names[:3])


def test_metrics_that_stand_alone_are_measured_apart():
    def gap(texts, human_texts, **_):
        return len(texts) - len(human_texts)

    human, sample = evaluator(plugins=[Plugin("mine:gap", gap)]), Sample(TEXTS[:7], EMBEDDINGS[:7])
    (one,) = human.measure_plugins(sample)
    assert one.count == 7
    assert one.compute() == {"gap": -5.0}
    assert one.compute(np.arange(3)) == {"gap": -9.0}
    assert "gap" not in values([*human.measure(sample).values()])


def test_coordinates_are_those_of_the_human_basis():
    got = evaluator().coordinates(EMBEDDINGS)
    assert got.shape == (12, 3)
    assert got.mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-6)
    spread = got.std(axis=0)
    assert spread[0] > spread[1] > spread[2] > 0


def test_sizes_that_do_not_agree_are_an_error():
    human = evaluator()
    with pytest.raises(MetricError, match="embeddings: want 12 rows, one a text, got 11"):
        human.measure(Sample(TEXTS, EMBEDDINGS[:11]))
    with pytest.raises(MetricError, match="written: want 12 texts, as the other sums, got 6"):
        human.measure(Sample(TEXTS, EMBEDDINGS, written(6)))
