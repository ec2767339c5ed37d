"""What a generation is trained on."""

import numpy as np
import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import RegimeParams
from palimpsest.core.rng import stream
from palimpsest.corpus.regimes import Sources, empty_texts, training_set

HUMAN = [f"human {number}" for number in range(7)]
WRITTEN = ["a", "b", "a", "c"]
REPLACE = RegimeParams(
    kind="replace",
    match_tokens=True,
    real_fraction=0.5,
    real="fresh",
    keep=0.5,
    criterion="likelihood",
)


def trained_on(kind, generation=1, human=(), pool=(), scores=(), seed=0, **parameters):
    """The training set of a generation under a regime."""
    params = REPLACE.changed(kind=kind, **parameters)
    sources = Sources(WRITTEN, human, pool, scores)
    return training_set(params, generation, sources, stream(seed, "regime", generation))


def test_replace_trains_on_its_own_text_alone():
    assert trained_on("replace", 5) == WRITTEN
    assert trained_on("replace", 1, HUMAN, HUMAN) == WRITTEN


def test_accumulate_trains_on_everything_since_the_human_corpus():
    assert trained_on("accumulate", pool=HUMAN) == HUMAN + WRITTEN
    assert trained_on("accumulate", 2, pool=[*HUMAN, "g1"]) == [*HUMAN, "g1", *WRITTEN]


def test_accumulate_subsample_has_the_size_of_the_human_corpus():
    pool = [*HUMAN, *(f"old {number}" for number in range(20))]
    found = trained_on("accumulate_subsample", 3, HUMAN, pool)
    assert len(found) == len(HUMAN)
    assert set(found) <= {*pool, *WRITTEN}
    assert found == trained_on("accumulate_subsample", 3, HUMAN, pool)
    assert found != trained_on("accumulate_subsample", 3, HUMAN, pool, seed=1)
    # nothing is drawn twice
    assert sorted(trained_on("accumulate_subsample", 1, HUMAN[:4], [])) == sorted(WRITTEN)


def test_accumulate_subsample_draws_every_document_alike():
    pool = [f"pool {number}" for number in range(12)]
    drawn = [trained_on("accumulate_subsample", 1, HUMAN, pool, seed=seed) for seed in range(400)]
    count = np.array([sum(text in found for found in drawn) for text in pool])
    # binomial, 400 draws at 7 / 16: mean 175, standard deviation 9.9
    assert np.all(abs(count - 175) < 5 * 9.9)
    assert abs(count.mean() - 175) < 10


@pytest.mark.parametrize(("share", "own"), [(0.0, 4), (0.25, 3), (0.5, 2), (1.0, 0)])
def test_mix_keeps_the_size_and_the_share(share, own):
    found = trained_on("mix", 1, HUMAN, real_fraction=share)
    assert len(found) == 4
    assert [text for text in found if text in WRITTEN] == WRITTEN[4 - own :]
    assert [text for text in found if text in HUMAN] == HUMAN[: 4 - own]


def test_mix_takes_unseen_or_the_same_human_text():
    assert trained_on("mix", 2, HUMAN)[2:] == HUMAN[2:4]
    assert trained_on("mix", 3, HUMAN)[2:] == HUMAN[4:6]
    assert trained_on("mix", 3, HUMAN, real="fixed")[2:] == HUMAN[:2]
    # all of it human is the control chain
    assert trained_on("mix", 1, HUMAN, real_fraction=1.0) == trained_on("fresh", 1, HUMAN)


def test_fresh_trains_on_human_text_that_no_other_generation_saw():
    assert trained_on("fresh", 1, HUMAN) == HUMAN[:4]
    assert trained_on("fresh", 2, [*HUMAN, "8th"]) == [*HUMAN[4:], "8th"]


def test_filtered_keeps_the_best_share_in_their_old_order():
    scores = [0.1, 0.9, 0.5, 0.9]
    assert trained_on("filtered", scores=scores) == ["b", "c"]
    assert trained_on("filtered", scores=scores, keep=0.75) == ["b", "a", "c"]
    assert trained_on("filtered", scores=scores, keep=1.0) == WRITTEN
    # ties go to the earlier, and something is always kept
    assert trained_on("filtered", scores=[0, 0, 0, 0], keep=0.5) == ["a", "b"]
    assert trained_on("filtered", scores=scores, keep=0.01) == ["b"]


@pytest.mark.parametrize(
    ("kind", "generation", "parameters", "message"),
    [
        (
            "fresh", 2, {},
            "regime.kind: fresh, generation 2: want 8 documents in corpus.reserve, got 7 (1 "
            "missing); raise corpus.reserve or lower generate.documents",
        ),
        (
            "mix", 4, {},
            "regime.kind: mix, generation 4: want 8 documents in corpus.reserve, got 7 (1 "
            "missing); raise corpus.reserve or lower generate.documents",
        ),
        (
            "mix", 9, {"real": "fixed", "human": ["one"]},
            "regime.kind: mix, generation 9: want 2 documents in corpus.train, got 1 (1 "
            "missing); raise corpus.train or lower generate.documents",
        ),
    ],
)  # fmt: skip
def test_human_text_that_does_not_reach_says_what_is_missing(kind, generation, parameters, message):
    with pytest.raises(CorpusError) as caught:
        trained_on(kind, generation, **{"human": HUMAN, **parameters})
    assert str(caught.value) == message


def test_texts_without_a_word_are_counted_and_no_training_text_with_one_is_an_error():
    some = ["a word", *["", " \n", "..."] * 3]
    assert empty_texts(some, some) == ["90 % of the 10 texts that the model wrote have no word"]
    assert empty_texts(["a"] * 19 + [""], ["a"]) == []
    assert empty_texts(["a"] * 9 + [""], ["a"])[0].startswith("10 % of the 10 texts")
    assert empty_texts([""] * 5, ["human"])[0].startswith("100 % of the 5 texts")
    wanted = "the training set: want at least one text with a word in it, got 2 without"
    with pytest.raises(CorpusError, match=wanted):
        empty_texts(["", "?"], ["", "?"])
