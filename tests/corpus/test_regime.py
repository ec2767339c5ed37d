"""What a generation learns from."""

import pytest

from palimpsest.corpus.regime import RegimeParams, training_set
from palimpsest.errors import CorpusError, ParamsError

RESERVE = [f"human {number}" for number in range(7)]
WRITTEN = ["a", "b", "a"]


def test_replace_learns_from_its_own_text_alone():
    assert training_set(RegimeParams("replace"), 5, WRITTEN, []) == WRITTEN
    assert training_set(RegimeParams("replace"), 1, WRITTEN, RESERVE) == WRITTEN


def test_fresh_learns_from_human_text_that_no_other_generation_saw():
    fresh = RegimeParams("fresh")
    assert training_set(fresh, 1, WRITTEN, RESERVE) == RESERVE[:3]
    assert training_set(fresh, 2, WRITTEN, RESERVE) == RESERVE[3:6]
    assert training_set(fresh, 2, WRITTEN, RESERVE[:6]) == RESERVE[3:6]


def test_a_reserve_that_does_not_reach_says_what_is_missing():
    with pytest.raises(CorpusError) as caught:
        training_set(RegimeParams("fresh"), 3, WRITTEN, RESERVE)
    assert str(caught.value) == (
        "regime.kind: fresh, generation 3: want 9 human documents in reserve, got 7 (2 missing); "
        "raise corpus.reserve or lower generate.documents"
    )


def test_an_unknown_regime():
    with pytest.raises(ParamsError, match=r"regime\.kind: want one of 'replace', 'fresh', got 'mi"):
        RegimeParams("mix")
