"""Phrasings become clauses and clauses sentences, by hand."""

from palimpsest.corpus.world.grammar import cut, sentence


def test_a_phrasing_is_cut_at_its_slots():
    shape = cut("merchants come to {O} to buy {V}")
    assert shape.clause("the town", "salt") == "merchants come to the town to buy salt"
    assert not shape.takes_pronoun
    assert shape.owned is None


def test_a_phrasing_of_of_has_a_possessive_form():
    shape = cut("the usual lifespan of {O} is {V} years")
    assert shape.owned_clause("its", "12") == "its usual lifespan is 12 years"


def test_value_first_phrasings_keep_their_order():
    shape = cut("{V} led the troops in {O}")
    assert shape.clause("the battle", "Orla Venn") == "Orla Venn led the troops in the battle"


def test_a_phrasing_that_owns_its_value_has_no_possessive_form():
    assert cut("the army of {V} triumphed in {O}").owned is None


def test_sentence_has_a_capital_and_a_full_stop():
    assert sentence("", "the town lies in Brennia") == "The town lies in Brennia."
    assert sentence("moreover, ", "it lies in Brennia") == "Moreover, it lies in Brennia."
