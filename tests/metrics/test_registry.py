"""The registry: every metric of a scorecard, its bounds, directions and aliases; a new metric.

That docs/metrics.md says the same is for `test_reference.py`.
"""

import importlib
import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from scipy.stats import spearmanr

from palimpsest.auditing.measure import audit
from palimpsest.auditing.verdict import DEFAULTS, AuditVerdict
from palimpsest.evaluation.evaluator import Evaluator, values
from palimpsest.evaluation.null_bands import null_bands
from palimpsest.evaluation.scorecard import generation_metrics, scorecard
from palimpsest.metrics.family import Sample
from palimpsest.metrics.registry import (
    FAMILIES,
    PLACES,
    REGISTRY,
    Direction,
    Evidence,
    Metric,
    metric,
    shown_in,
)
from palimpsest.report import audit as audit_report
from palimpsest.report.audit_page import page as audit_page
from palimpsest.report.curve_files import curve_files
from palimpsest.report.page import render
from palimpsest.report.reproduction import Origin
from palimpsest.trajectory.curves import Trajectory, with_axioms
from palimpsest.trajectory.summary import summarise
from tests.auditing.corpora import encode, human
from tests.evaluation.generations import (
    OF_A_ROW,
    PARAMS,
    TEXTS,
    generation,
    points,
    reference,
    side,
    texts,
)

FAR = (-9.0, -9.0, -9.0, 9.0, 9.0, 9.0)
"""An embedding whose cosine to the nearest of the human texts is 0.37; a generation's is 0.74."""


@pytest.fixture(scope="module")
def measured():
    """A scorecard with everything that can be measured, intervals included."""
    params = PARAMS.changed(half_samples=10)
    made = scorecard(generation(), Evaluator(reference()), None, params, seed=0)
    return with_axioms([made])[0]["metrics"]


def collapsed():
    """A generation of one word, said over and over; its model has one mean for all classes."""
    made = generation()
    arrays = {name: np.zeros_like(array) for name, array in made.arrays.items()}
    classes = made.classes | {name: np.ones((4, 3)) for name in ("means", "weights")}
    classes |= {"agreed": np.array(0), "word_rows": np.ones((5, 3))}
    return replace(
        made,
        texts=["the " * 20] * TEXTS,
        embeddings=np.repeat(made.embeddings[:1], TEXTS, axis=0),
        arrays=arrays,
        classes=classes,
        probe=made.probe | {"states": np.ones((6, 2, 3))},
    )


def test_a_scorecard_holds_every_metric_of_the_registry_and_no_other(measured):
    assert set(measured) == set(REGISTRY)
    alone = scorecard(generation(), Evaluator(reference()), None, PARAMS, seed=0)
    assert set(alone["metrics"]) == set(REGISTRY) - OF_A_ROW


def test_an_interval_is_there_where_the_registry_says_so(measured):
    for name, entry in measured.items():
        assert entry["value"] is not None, name
        assert (entry["low"] is None) == (REGISTRY[name].interval == "none"), name


@pytest.mark.parametrize("made", [generation(0), generation(1), generation(2), collapsed()])
def test_every_value_lies_within_its_bounds(made):
    first = {name: array for name, array in generation().arrays.items() if "heldout" in name}
    made = replace(made, first_arrays=first)
    for name, entry in scorecard(made, Evaluator(reference()), None, PARAMS, 0)["metrics"].items():
        value, one = entry["value"], REGISTRY[name]
        if value is not None:
            slack = 1e-6 * max(1.0, abs(value))
            assert one.low - slack <= value <= one.high + slack, (name, value)


@pytest.mark.parametrize("one", REGISTRY.values(), ids=[*REGISTRY])
def test_every_entry_is_whole(one):
    assert REGISTRY[one.name] is one
    assert one.family in FAMILIES
    assert one.direction in get_args(Direction)
    assert one.evidence in get_args(Evidence)
    assert one.interval in ("half", "group", "none")
    assert one.low < one.high
    assert math.isfinite(one.low) or one.name in ("loss", "mmd2")
    assert set(one.shown.split()) <= set(PLACES)
    for words in (one.label, one.definition, one.degenerate, one.source, one.code):
        assert words.strip() == words != ""
    assert one.range_text


def test_labels_differ():
    labels = [one.label for one in REGISTRY.values()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("code", sorted({one.code for one in REGISTRY.values()}))
def test_the_code_it_names_is_there(code):
    module, name = code.split(":")
    assert callable(getattr(importlib.import_module(f"palimpsest.{module}"), name))


def test_an_alias_names_a_metric_that_is_none_itself():
    aliases = {name: one.alias_of for name, one in REGISTRY.items() if one.alias_of is not None}
    assert set(aliases.values()) <= set(REGISTRY) - set(aliases)
    assert aliases["loss"] == aliases["ainex"] == aliases["integrity_published"] == "integrity"
    for name, other in aliases.items():
        assert REGISTRY[name].family == REGISTRY[other].family
        assert (REGISTRY[name].direction == "none") == (REGISTRY[other].direction == "none"), name


SENSE = {
    "ainex": 1, "loss": -1, "drift_relative": 1, "ttr": 1, "bits_per_byte_heldout": 1,
    "unparsable_share": -1, "novel_ngrams": -1, "integrity_published": 1,
}  # fmt: skip
"""Whether an alias rises or falls where its metric rises."""
IN_ANOTHER_BASIS = "integrity_published"
"""The one that is no function of its metric: it is told in generation 0's basis."""


def test_an_alias_says_the_same_as_its_metric():
    """Over generations, of which each has one more empty text and more new words in the others."""
    evaluator = Evaluator(reference())
    rows = []
    for number in range(1, 7):
        made = generation(number)
        kept = [
            " ".join([text, *(f"new{number}{at}{k}" for k in range(number))])
            for at, text in enumerate(made.texts[number:])
        ]
        made = replace(made, texts=[""] * number + kept)
        metrics = scorecard(made, evaluator, None, PARAMS, 0)["metrics"]
        rows.append({name: entry["value"] for name, entry in metrics.items()})
    assert set(SENSE) == {name for name, one in REGISTRY.items() if one.alias_of is not None}
    for name, sense in SENSE.items():
        if name == IN_ANOTHER_BASIS:
            continue
        own, other = ([row[key] for row in rows] for key in (name, REGISTRY[name].alias_of))
        assert len(set(other)) > 3, name
        assert spearmanr(own, other).statistic == pytest.approx(sense), name
        sides = {REGISTRY[name].direction, REGISTRY[REGISTRY[name].alias_of].direction}
        assert sides == {"none"} or len(sides) == (1 if sense > 0 else 2), name


def test_the_published_integrity_falls_where_integrity_does():
    """Over generations of which each takes less room; both are told as shares of human text."""
    assert REGISTRY[IN_ANOTHER_BASIS].alias_of == "integrity"
    evaluator = Evaluator(reference())
    rows = []
    for number in range(1, 7):
        made = generation(number, embeddings=points(TEXTS, number) * 0.7**number)
        metrics = scorecard(made, evaluator, None, PARAMS, 0)["metrics"]
        rows.append([metrics[name]["value"] for name in ("integrity", IN_ANOTHER_BASIS)])
    integrity, published = np.array(rows).T
    assert (np.diff(integrity) < 0).all()
    assert (np.diff(published) < 0).all()
    assert REGISTRY[IN_ANOTHER_BASIS].direction == REGISTRY["integrity"].direction == "down"


def test_directions():
    def of(name):
        return metric(name).direction, metric(name).evidence

    assert of("volume") == ("down", "room")
    assert of("drift") == ("up", "distance")
    assert of("recall") == ("down", "reach")
    assert of("no such metric") == ("none", "other")
    assert {one.direction for one in REGISTRY.values()} == {"down", "up", "none"}
    assert {one.evidence for one in REGISTRY.values()} == set(get_args(Evidence))


def test_collapse_moves_every_metric_to_the_side_that_is_named():
    """One untrue word over and over, far from human texts, as the generation before wrote it; the
    models find it likely, and human text unlikely.
    """
    gone, whole = collapsed(), generation(previous=texts(2, 0))
    arrays = dict(whole.arrays)
    for name, factor in (("human", 0.5), ("self", 0.5), ("heldout", 2), ("heldout_rare", 2)):
        arrays[f"{name}_nll"] = factor * arrays[f"{name}_nll"]
    arrays["heldout_entropy"] = 0.5 * arrays["heldout_entropy"]
    away = np.tile(FAR, (TEXTS, 1)).astype(np.float32)
    gone = replace(gone, arrays=arrays, embeddings=away, previous=gone.texts)
    before, after = (
        scorecard(made, Evaluator(reference()), None, PARAMS, 0)["metrics"]
        for made in (whole, gone)
    )
    still = set()
    for name, one in REGISTRY.items():
        if one.direction == "none" or name in OF_A_ROW:
            continue
        change = after[name]["value"] - before[name]["value"]
        assert change >= 0 if one.direction == "up" else change <= 0, name
        if change == 0:
            still.add(name)
    # every sentence is read, and none has an invented entity
    assert still == {"parsed", "unparsable_share", "novel_share"}


def test_a_metric_that_is_not_there_has_no_direction_and_its_own_name():
    one = metric("my_own_metric")
    assert (one.name, one.label, one.direction, one.alias_of) == (
        "my_own_metric", "my own metric", "none", None,
    )  # fmt: skip
    assert (one.low, one.high, one.shown) == (-math.inf, math.inf, "")


def test_which_metrics_are_evidence_of_their_own():
    alone = {name for name, one in REGISTRY.items() if not one.own_evidence}
    aliases = {name for name, one in REGISTRY.items() if one.alias_of is not None}
    # how much variance the human basis has says nothing of a generation's texts
    assert alone == aliases | {"explained"}
    assert REGISTRY["integrity"].own_evidence
    assert metric("my_own_metric").own_evidence


def test_which_metrics_are_shares():
    for name in ("precision", "duplicates", "truth", "distinct_2", "nc4_agreement"):
        assert REGISTRY[name].is_share, name
    # a share of human text's may be above 1, a cosine below 0
    for name in ("integrity", "density", "nearest_human", "entropy_1", "zipf", "my_own_metric"):
        assert not metric(name).is_share, name


def test_where_metrics_are_shown():
    assert shown_in("breadth") == [
        "spread", "effective_rank", "recall", "coverage", "vendi", "distinct_2", "distinct_4",
    ]  # fmt: skip
    assert shown_in("generation") == [
        "volume", "drift", "dispersion", "compression", "outlier", "integrity", "distinct_2",
        "duplicates", "perplexity_heldout", "truth", "parsed", "fact_coverage",
    ]  # fmt: skip
    assert shown_in("nowhere") == []
    assert all(shown_in(place) for place in PLACES)


def test_ranges_in_words():
    assert REGISTRY["precision"].range_text == "0 to 1"
    assert REGISTRY["frechet"].range_text == "≥ 0, 0 when equal"
    assert REGISTRY["drift"].range_text == "≥ 0"


# --- one metric more: a function and an entry ---


def narrowness(texts, embeddings, human_texts, human_embeddings):
    """Mean squared length of the centred embeddings over that of the human ones."""
    own, theirs = (float(one.var(axis=0).sum()) for one in (embeddings, human_embeddings))
    return own / theirs


@pytest.fixture
def one_more(monkeypatch):
    """Adds a metric as a contributor does, and takes it away again."""
    entry = Metric(
        "narrowness", "geometry", "down", "room", 0, math.inf, "narrowness", "", "variance / human",
        "0", "here", "tests:narrowness", shown="table plot generation", function=narrowness,
    )  # fmt: skip
    monkeypatch.setitem(REGISTRY, entry.name, entry)
    return entry


def chain_of(generations):
    """The scorecards of a chain whose embeddings shrink, with the null bands of its human side."""
    human = side(samples=10)
    evaluator = Evaluator(reference(human=human))
    return [
        scorecard(
            replace(generation(number), embeddings=points(TEXTS, number) * 0.3**number),
            evaluator, human, PARAMS.changed(half_samples=10), seed=0,
        )
        for number in range(generations)
    ]  # fmt: skip


def test_a_new_metric_is_measured(one_more):
    human = side(samples=2)
    evaluator = Evaluator(reference(human=human))
    own = 0.5 * human.fit.embeddings
    sample = Sample(texts(TEXTS, 0), own)
    assert values(evaluator.measure_plugins(sample)) == {"narrowness": pytest.approx(0.25)}
    band = null_bands(evaluator, human)["narrowness"]
    theirs = human.fit.embeddings.var(axis=0).sum()
    expected = [one.embeddings.var(axis=0).sum() / theirs for one in human.null]
    assert band.mean == pytest.approx(np.mean(expected))
    assert band.samples == 2


def test_a_new_metric_is_in_scorecard_curve_alarm_page_and_curve_files(one_more):
    scorecards = chain_of(4)
    own = [one["metrics"]["narrowness"] for one in scorecards]
    fit = side(samples=10).fit.embeddings.var(axis=0).sum()
    assert own[0]["value"] == pytest.approx(points(TEXTS, 0).var(axis=0).sum() / fit)
    assert all(entry["low"] < entry["value"] < entry["high"] for entry in own)
    assert set(scorecards[0]["metrics"]) == set(REGISTRY) - OF_A_ROW
    assert generation_metrics(scorecards[3])["narrowness"] == float(f"{own[3]['value']:.6g}")
    trajectory = Trajectory.from_scorecards(scorecards)
    assert trajectory.curve("narrowness").value.tolist() == [entry["value"] for entry in own]
    summary = summarise(trajectory)
    (alarm,) = [one for one in summary.alarms if one.metric == "narrowness"]
    assert (alarm.generation, alarm.side) == (2, "below")
    lines = curve_files(trajectory, scorecards)["narrowness.csv"].splitlines()
    assert lines[0].startswith("generation,value,low,high,null_low,null_high")
    assert lines[4].split(",")[:2] == ["3", str(own[3]["value"])]
    page = render(summary, scorecards, Origin())
    assert page.count("<code>narrowness</code>") == 1  # the table of every metric
    assert page.count("<th>narrowness</th>") == 1  # a column of the chief table
    alarm = ">narrowness</span></th><td>g02</td><td>–</td><td>below</td>"
    assert page.count(alarm) == 2  # among the first that warn, and among all
    assert page.count('{"name":"narrowness"') == 1  # a chart


def test_a_new_metric_takes_part_in_an_audit(one_more):
    params = DEFAULTS.changed(half_samples=10, null_samples=10)
    result = audit(human(100, 3, topics=[4]), human(300, 1), encode, params=params)
    (own,) = [one for one in result.findings if one.metric == "narrowness"]
    assert (own.place, own.counts) == ("below", "collapse")
    assert own.band.low >= 0  # the entry's bound
    assert result.verdict is AuditVerdict.COLLAPSED
    assert "narrowness" in audit_report.text(result)
    assert audit_report.as_dict(result)["metrics"]["narrowness"]["counts"] == "collapse"
    assert "<code>narrowness</code>" in audit_page(result, "one topic", "all topics")


def test_without_its_entry_it_is_nowhere():
    assert "narrowness" not in chain_of(1)[0]["metrics"]
