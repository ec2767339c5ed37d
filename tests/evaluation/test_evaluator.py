"""The evaluator: made-up measurements by hand, and all families of a small generation."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.evaluation.evaluator import Evaluator, values, with_intervals
from palimpsest.evaluation.plugins import Plugin
from palimpsest.metrics.family import Facts, Reference, Sample
from palimpsest.metrics.likelihood import Heldout, Written, scored
from palimpsest.metrics.registry import REGISTRY, metric

NUMBERS = np.array([1.0, 2.0, 3.0, 4.0, 10.0, 4.0])

TEXTS = [f"the {animal} {act} by the {place}" for animal in ("fox", "owl", "hen")
         for act in ("sleeps", "waits") for place in ("river", "hill")]  # fmt: skip
EMBEDDINGS = np.random.default_rng(0).normal(size=(12, 8)).astype(np.float32)
NULL = [np.random.default_rng(seed).normal(size=(12, 8)).astype(np.float32) for seed in (1, 2)]
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


def positive(rows):
    chosen = NUMBERS if rows is None else NUMBERS[rows]
    return {"positive": float((chosen > 3).mean())}


MEASUREMENTS = [Measured(mean), Measured(size)]


@pytest.fixture
def kinds(monkeypatch):
    """Names the kind of interval that metrics have, as an entry of the registry does."""

    def set_kinds(**by_name):
        for name, kind in by_name.items():
            bounds = {"low": 0, "high": 1} if name == "positive" else {}
            entry = replace(metric(name), interval=kind, **bounds)
            monkeypatch.setitem(REGISTRY, name, entry)

    return set_kinds


def parse(text):
    status = "true" if "fox sleeps by the river" in text else "unparsable"
    return [(status, *(FACT if status == "true" else (None,) * 3))]


def evaluator(facts=None, plugins=()):
    human = Reference(TEXTS, EMBEDDINGS, TEXTS, facts, lam=1.0, words=20, null=NULL)
    return Evaluator(human, plugins)


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


def test_intervals_by_hand(kinds):
    kinds(mean="half", none="half", size="half")
    got = with_intervals(MEASUREMENTS, 1500, seed=1)
    # the mean of 3 of 6 without replacement: s² / 3 x (1 - 3 / 6), s² = 50 / 5
    reach = 1.96 * np.sqrt(10 / 6)
    assert got["mean"]["value"] == 4.0
    assert got["mean"]["low"] == pytest.approx(4 - reach, abs=0.15)
    assert got["mean"]["high"] == pytest.approx(4 + reach, abs=0.15)
    # every half has three items: no spread around the value of all
    assert got["size"] == {"value": 6.0, "low": 6.0, "high": 6.0}
    assert got["none"] == {"value": None, "low": None, "high": None}


@pytest.mark.parametrize("half_samples", [1, 50])
def test_intervals_of_groups_by_hand(kinds, half_samples):
    """Six items are six groups: the delete-one jackknife, s/√n for a mean, t of 5 degrees."""
    kinds(mean="group", none="group", size="group")
    got = with_intervals(MEASUREMENTS, half_samples, seed=1)
    reach = 2.570582 * np.sqrt(10 / 6)
    assert got["mean"]["low"] == pytest.approx(4 - reach, rel=1e-6)
    assert got["mean"]["high"] == pytest.approx(4 + reach, rel=1e-6)
    assert got["size"] == {"value": 6.0, "low": 6.0, "high": 6.0}
    assert got["none"] == {"value": None, "low": None, "high": None}


def test_each_metric_has_the_kind_of_interval_that_the_registry_names(kinds):
    def three(rows):
        same = mean(rows)["mean"]
        return {"mean": same, "as_group": same, "without": same}

    kinds(mean="half", as_group="group", without="none")
    got = with_intervals([Measured(three)], 200, seed=3)
    kinds(mean="group")
    as_group = with_intervals([Measured(mean)], 200, seed=3)
    kinds(mean="half")
    as_half = with_intervals([Measured(mean)], 200, seed=3)
    assert got["mean"] == as_half["mean"] != as_group["mean"] == got["as_group"]
    assert got["without"] == {"value": 4.0, "low": None, "high": None}


def test_a_metric_that_the_registry_does_not_know_has_an_interval_of_groups(kinds):
    unknown = with_intervals(MEASUREMENTS, 7, seed=1)
    kinds(mean="group", none="group", size="group")
    assert unknown == with_intervals(MEASUREMENTS, 7, seed=1)
    assert unknown["mean"]["low"] < 4.0


def test_the_interval_of_a_share_lies_in_its_range_by_hand(kinds):
    """Three of six: SE² of the mean is 0.3/6 = 0.05, the margin m = 2.570582 √0.05. Wilson's with
    z²/trials = m²/(1/4): the centre stays 1/2, the reach is m/√(1 + 4 m²) by algebra.
    """
    kinds(positive="group")
    got = with_intervals([Measured(positive)], 5, seed=1)["positive"]
    values = (NUMBERS > 3).astype(float)
    assert values.sum() == 3
    margin = 2.570582 * np.sqrt(values.var(ddof=1) / 6)
    reach = margin / np.sqrt(1 + 4 * margin**2)
    assert got["value"] == 0.5
    assert (got["low"], got["high"]) == pytest.approx((0.5 - reach, 0.5 + reach), rel=1e-6)
    assert got["low"] > 0


def test_a_share_of_none_has_an_interval(kinds):
    kinds(positive="group")
    got = with_intervals([Measured(lambda rows: {"positive": 0.0})], 5, seed=1)["positive"]
    # Wilson's for 0 of 6
    assert got == {"value": 0.0, "low": 0.0, "high": pytest.approx(1.96**2 / (6 + 1.96**2))}


def test_no_interval_holds_what_the_metric_cannot_be(monkeypatch):
    """The mean of one 6 among zeros is 1, its error as large: an integrity is never below 0."""
    monkeypatch.setitem(REGISTRY, "integrity", replace(metric("integrity"), interval="group"))
    numbers = np.where(NUMBERS[0] == NUMBERS, 6.0, 0.0)
    measurements = [Measured(lambda rows: {"integrity": float(numbers[rows].mean())})]
    got = with_intervals(measurements, 5, seed=1)["integrity"]
    assert got["low"] == 0.0
    assert got["high"] == pytest.approx(1 + 2.570582)


def test_the_seed_decides_the_halves(kinds):
    kinds(mean="half")
    one, same, other = (with_intervals(MEASUREMENTS, 20, seed) for seed in (1, 1, 2))
    assert one == same
    assert one["mean"]["low"] != other["mean"]["low"]


def test_threads_change_no_number(kinds):
    kinds(mean="half", size="group")
    one, two = (with_intervals(MEASUREMENTS, 20, 1, threads) for threads in (1, 2))
    assert one == two


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
