"""What a generation learns from."""

from dataclasses import replace

import numpy as np
import pytest

from palimpsest.corpus.regime import RegimeParams, Sources, training_set
from palimpsest.errors import CorpusError, ParamsError
from palimpsest.randomness import stream

HUMAN = [f"human {number}" for number in range(7)]
WRITTEN = ["a", "b", "a", "c"]
REPLACE = RegimeParams("replace", True, 0.5, "fresh", 0.5, "likelihood")


def learned(kind, generation=1, human=(), pool=(), scores=(), seed=0, **dials):
    params = replace(REPLACE, kind=kind, **dials)
    sources = Sources(WRITTEN, human, pool, scores)
    return training_set(params, generation, sources, stream(seed, "regime", generation))


def test_replace_learns_from_its_own_text_alone():
    assert learned("replace", 5) == WRITTEN
    assert learned("replace", 1, HUMAN, HUMAN) == WRITTEN


def test_accumulate_learns_from_everything_since_the_human_corpus():
    assert learned("accumulate", pool=HUMAN) == HUMAN + WRITTEN
    assert learned("accumulate", 2, pool=[*HUMAN, "g1"]) == [*HUMAN, "g1", *WRITTEN]


def test_accumulate_subsample_has_the_size_of_the_human_corpus():
    pool = [*HUMAN, *(f"old {number}" for number in range(20))]
    found = learned("accumulate_subsample", 3, HUMAN, pool)
    assert len(found) == len(HUMAN)
    assert set(found) <= {*pool, *WRITTEN}
    assert found == learned("accumulate_subsample", 3, HUMAN, pool)
    assert found != learned("accumulate_subsample", 3, HUMAN, pool, seed=1)
    # nothing is drawn twice
    assert sorted(learned("accumulate_subsample", 1, HUMAN[:4], [])) == sorted(WRITTEN)


def test_accumulate_subsample_draws_every_document_alike():
    pool = [f"pool {number}" for number in range(12)]
    drawn = [learned("accumulate_subsample", 1, HUMAN, pool, seed=seed) for seed in range(400)]
    count = np.array([sum(text in found for found in drawn) for text in pool])
    # binomial, 400 draws at 7 / 16: mean 175, standard deviation 9.9
    assert np.all(abs(count - 175) < 5 * 9.9)
    assert abs(count.mean() - 175) < 10


@pytest.mark.parametrize(("share", "own"), [(0.0, 4), (0.25, 3), (0.5, 2), (1.0, 0)])
def test_mix_keeps_the_size_and_the_share(share, own):
    found = learned("mix", 1, HUMAN, real_fraction=share)
    assert len(found) == 4
    assert [text for text in found if text in WRITTEN] == WRITTEN[4 - own :]
    assert [text for text in found if text in HUMAN] == HUMAN[: 4 - own]


def test_mix_takes_unseen_or_the_same_human_text():
    assert learned("mix", 2, HUMAN)[2:] == HUMAN[2:4]
    assert learned("mix", 3, HUMAN)[2:] == HUMAN[4:6]
    assert learned("mix", 3, HUMAN, real="fixed")[2:] == HUMAN[:2]
    # all of it human is the null lineage
    assert learned("mix", 1, HUMAN, real_fraction=1.0) == learned("fresh", 1, HUMAN)


def test_fresh_learns_from_human_text_that_no_other_generation_saw():
    assert learned("fresh", 1, HUMAN) == HUMAN[:4]
    assert learned("fresh", 2, [*HUMAN, "8th"]) == [*HUMAN[4:], "8th"]


def test_filtered_keeps_the_best_share_in_their_old_order():
    scores = [0.1, 0.9, 0.5, 0.9]
    assert learned("filtered", scores=scores) == ["b", "c"]
    assert learned("filtered", scores=scores, keep=0.75) == ["b", "a", "c"]
    assert learned("filtered", scores=scores, keep=1.0) == WRITTEN
    # ties go to the earlier, and something is always kept
    assert learned("filtered", scores=[0, 0, 0, 0], keep=0.5) == ["a", "b"]
    assert learned("filtered", scores=scores, keep=0.01) == ["b"]


def test_which_part_of_the_human_corpus_a_regime_needs():
    wanted = {
        "replace": None, "accumulate": None, "accumulate_subsample": "train", "mix": "reserve",
        "fresh": "reserve", "filtered": None,
    }  # fmt: skip
    assert {kind: replace(REPLACE, kind=kind).humans for kind in wanted} == wanted
    assert replace(REPLACE, kind="mix", real="fixed").humans == "train"


@pytest.mark.parametrize(
    ("kind", "generation", "dials", "message"),
    [
        (
            "fresh", 2, {},
            "regime.kind: fresh, generation 2: want 8 human documents in reserve, got 7 (1 "
            "missing); raise corpus.reserve or lower generate.documents",
        ),
        (
            "mix", 4, {},
            "regime.kind: mix, generation 4: want 8 human documents in reserve, got 7 (1 "
            "missing); raise corpus.reserve or lower generate.documents",
        ),
        (
            "mix", 9, {"real": "fixed", "human": ["one"]},
            "regime.kind: mix, generation 9: want 2 human documents in train, got 1 (1 "
            "missing); raise corpus.train or lower generate.documents",
        ),
    ],
)  # fmt: skip
def test_human_text_that_does_not_reach_says_what_is_missing(kind, generation, dials, message):
    with pytest.raises(CorpusError) as caught:
        learned(kind, generation, **{"human": HUMAN, **dials})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("dial", "value", "message"),
    [
        ("kind", "mixed", r"regime\.kind: want one of 'replace', 'accumulate', .*got 'mixed'"),
        ("real_fraction", 1.5, r"regime\.real_fraction: want >= 0 and <= 1, got 1.5"),
        ("real_fraction", -0.1, r"regime\.real_fraction: want >= 0 and <= 1, got -0.1"),
        ("keep", 0.0, r"regime\.keep: want > 0 and <= 1, got 0.0"),
        ("keep", float("nan"), r"regime\.keep: want a finite number, got nan"),
        ("criterion", "beauty", r"regime\.criterion: want one of 'likelihood', .*got 'beauty'"),
    ],
)
def test_dials_out_of_range(dial, value, message):
    with pytest.raises(ParamsError, match=message):
        replace(REPLACE, **{dial: value})
