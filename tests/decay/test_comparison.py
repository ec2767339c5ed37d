"""Chains compared: groups, t-intervals by hand, pairs by seed, false discoveries, variances."""

import math

import numpy as np
import pytest
from scipy import stats

from palimpsest.decay.comparison import (
    Run,
    check_dials,
    differences,
    differing,
    estimate,
    last_common,
    level,
    shared_seeds,
    variance_by_seed,
    variants,
)
from palimpsest.errors import ComparisonError


def run(name, seed=0, kind="replace", generations=None, **more):
    dials = {"seed": seed, "seeds.generate": None, "regime.kind": kind, **more}
    return Run(name, dials, generations or {0: {"x": 1.0}, 1: {"x": float(seed)}})


def at_last(**values):
    return {1: values}


def test_seeds_are_replicates_and_dials_are_variants():
    found = variants([run("a"), run("b", 1), run("c", kind="fresh"), run("d", 2)])
    assert [variant.label for variant in found] == ["regime.kind=replace", "regime.kind=fresh"]
    assert [len(variant.runs) for variant in found] == [3, 1]
    assert found[0].values("x", 1) == {(s,) * 3: float(s) for s in (0, 1, 2)}


def test_a_seed_that_is_null_is_that_of_everything():
    same = run("a", 3, generations=at_last(x=1.0))
    said = run("b", 3, **{"seeds.generate": 3, "generations": at_last(x=1.0)})
    assert same.seeds == said.seeds
    assert len(variants([same, said])[0].runs) == 1
    assert run("c", 3, **{"seeds.generate": 4}).seeds == (3, 4, 3)


def test_labels_name_what_differs_from_the_first_variant():
    found = variants([run("a", k=0), run("b", kind="fresh", k=0), run("c", k=5)])
    assert [v.label for v in found] == ["k=0, regime.kind=replace", "regime.kind=fresh", "k=5"]


def test_labels_leave_out_what_does_nothing_unless_it_is_all_that_differs():
    def mixed(name, kind, share):
        return run(name, kind=kind, **{"regime.real_fraction": share})

    found = variants([mixed("a", "replace", 0.1), mixed("b", "mix", 0.1), mixed("c", "mix", 0.5)])
    assert [v.label for v in found] == [
        "regime.kind=replace",
        "regime.kind=mix",
        "regime.kind=mix, regime.real_fraction=0.5",
    ]
    found = variants([mixed("a", "mix", 0.1), mixed("b", "fresh", 0.1), mixed("c", "fresh", 0.5)])
    assert [v.label for v in found] == [
        "regime.kind=mix, regime.real_fraction=0.1",
        "regime.kind=fresh",
        "regime.kind=fresh, regime.real_fraction=0.5",
    ]
    found = variants([mixed("a", "fresh", 0.1), mixed("b", "fresh", 0.5)])
    assert [v.label for v in found] == ["regime.real_fraction=0.1", "regime.real_fraction=0.5"]


def test_a_seed_that_moves_nothing_makes_no_replicate():
    own = {"seeds.corpus": 5, "seeds.generate": 6, "seeds.finetune": 7}
    same = {"generations": at_last(x=1.0), **own}
    (found,) = variants([run("a", 0, **same), run("b", 1, **same)])
    assert list(found.runs) == [(5, 6, 7)]


def test_shared_seeds_are_named():
    (found,) = variants([run("a", 0), run("b", 0, **{"seeds.generate": 1}), run("c", 1)])
    assert shared_seeds(found) == ["seeds.corpus", "seeds.generate", "seeds.finetune"]
    (found,) = variants([run("a", 0), run("b", 0, **{"seeds.generate": 1})])
    assert shared_seeds(found) == ["seeds.corpus", "seeds.finetune"]
    assert shared_seeds(variants([run("a"), run("b", 1)])[0]) == []
    assert shared_seeds(variants([run("a")])[0]) == []


def test_one_variant_needs_no_label():
    assert variants([run("a"), run("b", 1)])[0].label == "all alike"


def test_labels_are_written_as_in_yaml():
    found = variants([run("a", top=None), run("b", top=True), run("c", top=[1, 2])])
    assert [v.label for v in found] == ["top=null", "top=true", "top=[1, 2]"]


def test_a_dial_that_one_of_them_lacks_differs():
    assert differing([{"a": 1}, {"a": 1, "b": None}]) == ["b"]
    assert differing([{"a": 1}, {"a": 1.0}]) == []
    assert differing([{"a": "5e-4", "b": [1]}, {"a": 0.0005, "b": [1.0]}]) == []
    assert differing([{"a": 1, "b": "1"}, {"a": True, "b": 1}]) == ["a", "b"]
    assert differing([{"a": [1]}, {"a": [1]}]) == []


def test_the_same_chain_twice_counts_once_and_another_is_refused():
    assert len(variants([run("a"), run("b")])[0].runs) == 1
    other = run("b", generations={1: {"x": 9.0}})
    with pytest.raises(ComparisonError, match=r"a, b: want other dials, .* got two chains"):
        variants([run("a"), other])
    with pytest.raises(ComparisonError, match="want at least one chain, got none"):
        variants([])


def test_of_two_lengths_of_a_chain_the_longer_stays():
    short = run("short", generations={0: {"x": 1.0}})
    long = run("long", generations={0: {"x": 1.0}, 1: {"x": 2.0}})
    for order in ([short, long], [long, short]):
        assert [one.name for one in variants(order)[0].runs.values()] == ["long"]


def test_estimate_by_hand_and_as_scipy_has_it():
    one = estimate([1.0, 2.0, 3.0])
    # sd 1, standard error 1/√3, t(0.975, 2) = 4.302653
    assert one.mean == 2.0
    assert one.high - 2.0 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert one.low == pytest.approx(4.0 - one.high)
    assert one.p_value == pytest.approx(stats.ttest_1samp([1.0, 2.0, 3.0], 0.0).pvalue)


def test_one_chain_has_no_interval_and_none_has_nothing():
    assert (estimate([5.0]).mean, estimate([5.0]).low, estimate([5.0]).p_value) == (5.0, None, None)
    assert estimate([]).mean is None


def test_chains_that_are_all_alike_say_nothing_about_variation():
    for values in ([0.0, 0.0], [2.0, 2.0, 2.0], [0.1 + 0.2, 0.3]):
        one = estimate(values)
        assert one.mean == pytest.approx(values[0])
        assert (one.low, one.high, one.p_value, one.chains) == (None, None, None, len(values))


def test_differences_pair_chains_of_the_same_seeds():
    own = [run(f"a{s}", s, generations=at_last(x=10.0 * s + 1 + 2 * s)) for s in (0, 1, 2)]
    theirs = [run(f"b{s}", s, "fresh", at_last(x=10.0 * s)) for s in (0, 1, 3)]
    variant, control = variants([*own, *theirs])
    found = differences(variant, control, ["x"], 1)["x"]
    # seeds 0 and 1 are shared and differ by 1 and 3: sd √2, standard error 1, t(0.975, 1) 12.7062
    assert (found.chains, found.mean) == (2, 2.0)
    assert found.high == pytest.approx(2 + 12.7062, rel=1e-4)
    assert level(variant, "x", 1).chains == 3


def test_sure_is_benjamini_hochberg_over_the_metrics():
    rng = np.random.default_rng(0)
    metrics = [f"noise{i}" for i in range(30)]
    runs = []
    for seed in range(6):
        noise = {name: float(rng.normal()) for name in metrics}
        moved = {name: float(rng.normal()) for name in metrics}
        runs.append(run(f"a{seed}", seed, generations=at_last(**moved, real=5 + rng.normal() / 9)))
        runs.append(run(f"b{seed}", seed, "fresh", at_last(**noise, real=0.0)))
    variant, control = variants(runs)
    found = differences(variant, control, [*metrics, "real"], 1)
    assert found["real"].sure
    below = [name for name in metrics if found[name].p_value < 0.05]
    assert sum(found[name].sure for name in metrics) <= len(below)


def test_undefined_values_count_for_nothing():
    runs = [run("a", 0, generations=at_last(x=None)), run("b", 1, generations=at_last(x=1.0))]
    assert level(variants(runs)[0], "x", 1).chains == 1
    assert level(variants(runs)[0], "y", 1).chains == 0


def test_other_dials_than_the_compared_are_named():
    found = variants([run("a"), run("b", kind="fresh", **{"generate.top_k": 5, "x": 1})])
    with pytest.raises(ComparisonError, match=r"got others too: generate\.top_k, x; leave chains"):
        check_dials(found, ["regime.kind"])
    with pytest.raises(ComparisonError, match="others too: x; "):
        check_dials(found, ["regime", "generate"])
    check_dials(found, ["regime", "generate.top_k", "x"])
    with pytest.raises(ComparisonError, match="--dial: want a dial or a section, got 'nope'"):
        check_dials(found, ["regime", "generate.top_k", "nope"])
    check_dials(found, [])


def test_the_last_generation_that_all_have():
    short, long = at_last(x=1.0), {1: {"x": 1.0}, 2: {"x": 1.0}}
    found = variants([run("a", generations=long), run("b", 1, generations=short)])
    assert last_common(found) == 1
    with pytest.raises(ComparisonError, match="want a generation that all have, got none"):
        last_common(variants([run("a", generations={0: {}}), run("b", 1, generations=short)]))


def test_variance_by_source_by_hand():
    def chain(name, seed, generate, x, kind="replace"):
        dials = {"seed": seed, "seeds.generate": generate, "regime.kind": kind}
        return Run(name, dials, at_last(x=x))

    runs = [chain("a", 0, None, 1.0), chain("b", 0, 7, 3.0), chain("c", 1, None, 5.0)]
    # a and b differ in seeds.generate: variance 2; a and c in everything: 8; b and c in both
    assert variance_by_seed(variants(runs), "x", 1) == {"seed": 8.0, "seeds.generate": 2.0}
    assert variance_by_seed(variants(runs[:1]), "x", 1) == {}
    # a second variant with three values 0, 3, 6 (squares 18, two degrees of freedom): (8 + 18) / 3
    more = [chain(f"f{s}", s, None, 3.0 * s, "fresh") for s in (0, 1, 2)]
    assert variance_by_seed(variants([*runs, *more]), "x", 1)["seed"] == pytest.approx(26 / 3)


def test_a_seed_that_follows_everything_does_not_move_alone():
    # sources 1, 1, 0 and 1, 1, 1: the finetune seed alone
    runs = [
        Run("a", {"seed": 1, "seeds.finetune": 0}, at_last(x=1.0)),
        Run("b", {"seed": 1}, at_last(x=3.0)),
    ]
    assert variance_by_seed(variants(runs), "x", 1) == {"seeds.finetune": 2.0}
