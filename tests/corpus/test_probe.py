"""The probe set: what ships, a world's own, and what a corpus does not know."""

import re

import numpy as np
import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.ledger import Fact, Ledger
from palimpsest.corpus.probe import (
    KINDS,
    SHIPPED,
    UNRELATED,
    VALUES,
    WORLD_CARRIERS,
    Group,
    Probe,
    corpus_probe,
    ledger_probe,
)
from palimpsest.corpus.world.grammar import CATEGORY_OF, RELATIONS, VOCABULARY

CARRIERS = ("It is {}", "They said {}")


def full_ledger() -> Ledger:
    """An entity for every value of every relation."""
    return Ledger(
        Fact(CATEGORY_OF[name], f"{name} {number}", name, value, 1)
        for name, relation in RELATIONS.items()
        for number, value in enumerate(relation.values)
    )


def test_what_ships_is_whole():
    assert len(SHIPPED.carriers) >= 6
    assert {group.kind for group in SHIPPED.groups} == set(KINDS)
    assert sum(group.kind == "near" for group in SHIPPED.groups) >= 12
    assert all(len(set(group.words)) == len(group.words) > 1 for group in SHIPPED.groups)
    grouped = {word for group in SHIPPED.groups for word in group.words}
    assert grouped.issuperset(word for pair in SHIPPED.unrelated for word in pair)


@pytest.mark.parametrize("probe", [SHIPPED, ledger_probe(full_ledger(), 0)])
def test_unrelated_words_share_no_group(probe):
    assert len(set(probe.unrelated)) == len(probe.unrelated) > 12
    for one, other in probe.unrelated:
        assert one != other
        assert not any({one, other} <= set(group.words) for group in probe.groups)


def test_sentences_by_hand():
    probe = Probe(CARRIERS, (Group("near", ("big", "large")),), (("big", "milk"),))
    assert probe.words == ("big", "large", "milk")
    assert probe.sentences()[:3] == ["It is big", "They said big", "It is large"]
    assert len(probe.sentences()) == 6


def test_arrays_by_hand():
    groups = (Group("near", ("big", "large")), Group("antonym", ("hot", "big")))
    probe = Probe(CARRIERS, groups, (("large", "milk"), ("hot", "milk")))
    states = np.arange(4 * 2 * 3, dtype=np.float32).reshape(8, 3)
    arrays = probe.arrays(states, 5)
    # words in order: big, large, hot, milk; two carriers each
    assert arrays["states"].shape == (4, 2, 3)
    assert arrays["states"][2, 1].tolist() == states[5].tolist()
    assert arrays["kinds"].tolist() == ["near", "antonym"]
    assert arrays["members"].tolist() == [[0, 0], [0, 1], [1, 2], [1, 0]]
    assert arrays["unrelated"].tolist() == [[1, 3], [2, 3]]
    assert arrays["skipped"] == 5


def test_arrays_of_no_word():
    arrays = Probe(CARRIERS, (), ()).arrays(np.zeros((0, 3), dtype=np.float32), 2)
    shapes = {name: array.shape for name, array in arrays.items()}
    assert shapes == {
        "states": (0, 2, 3), "kinds": (0,), "members": (0, 2), "unrelated": (0, 2), "skipped": (),
    }  # fmt: skip


def test_words_that_a_corpus_lacks_are_skipped_and_counted():
    groups = (
        Group("near", ("big", "large", "huge")),
        Group("near", ("road", "street")),
        Group("antonym", ("hot", "cold")),
    )
    probe = Probe(CARRIERS, groups, (("big", "road"), ("hot", "huge")))
    texts = ["A big, large house.", "Hugehuge_huge: the road was\nhot; a hugely coldish streets"]
    known, skipped = probe.known_to(texts)
    assert skipped == 3
    assert known.groups == (Group("near", ("big", "large")),)
    assert known.unrelated == (("big", "road"),)
    assert known.carriers == CARRIERS


def test_a_corpus_that_knows_no_word():
    known, skipped = SHIPPED.known_to([])
    assert skipped == len(SHIPPED.words)
    assert known.words == ()
    assert known.sentences() == []


def test_a_corpus_without_a_ledger_gets_what_ships():
    texts = [" ".join(SHIPPED.words)]
    assert corpus_probe(None, texts, 0) == (SHIPPED, 0)


def test_a_world_is_probed_with_its_own_values():
    probe = ledger_probe(full_ledger(), 0)
    assert {group.kind for group in probe.groups} == {"near"}
    assert all(len(group.words) <= VALUES for group in probe.groups)
    assert len(probe.groups) > 12
    assert len(probe.unrelated) == UNRELATED
    values = {value for relation in RELATIONS.values() for value in relation.values}
    assert values.issuperset(probe.words)


def test_relations_with_a_common_value_are_one_family():
    facts = [
        Fact("city", "a", "province", "Brennia", 1),
        Fact("river", "b", "source", "Brennia", 1),
        Fact("river", "b2", "source", "Caskeld", 1),
        Fact("city", "a", "trade", "wool", 1),
    ]
    probe = ledger_probe(Ledger(facts), 0)
    assert probe.groups == (Group("near", ("Brennia", "Caskeld")),)
    assert probe.unrelated == (("Brennia", "wool"), ("Caskeld", "wool"))


def test_a_ledger_of_one_fact_or_none():
    one = ledger_probe(Ledger([Fact("city", "a", "trade", "wool", 1)]), 0)
    assert one.words == ledger_probe(Ledger([]), 0).words == ()


@pytest.mark.parametrize("seed", range(3))
def test_the_seed_and_nothing_else_decides(seed):
    facts = full_ledger().facts
    assert ledger_probe(Ledger(facts), seed) == ledger_probe(Ledger(facts[::-1]), seed)


def test_two_seeds_differ():
    assert ledger_probe(full_ledger(), 0) != ledger_probe(full_ledger(), 1)


def test_the_world_s_carriers_are_in_the_world_s_words():
    words = {
        word for carrier in WORLD_CARRIERS for word in re.findall("[A-Za-z]+", carrier.lower())
    }
    assert words <= {word.lower() for word in VOCABULARY} | {"it", "in"}


@pytest.mark.parametrize(
    ("carriers", "message"),
    [
        (("It is {}",), "probe: carriers: want at least two, got 1"),
        (("It is {}", "no slot"), "probe: carrier: want {} at its end, got 'no slot'"),
        (("It is {}", "{} and {}"), "probe: carrier: want {} at its end"),
        (("It is {}", "{} is it"), "probe: carrier: want {} at its end"),
    ],
)
def test_wrong_carriers_are_refused(carriers, message):
    with pytest.raises(CorpusError, match=re.escape(message)):
        Probe(carriers, (), ())
