"""The words of the world: forty relations, clean phrasings."""

import re

from palimpsest.corpus.world.vocabulary import CATEGORIES


def test_eight_categories_of_five_relations_make_forty_facts_an_entity_slot():
    assert len(CATEGORIES) == 8
    assert [len(category.relations) for category in CATEGORIES] == [5] * 8
    names = [relation.name for category in CATEGORIES for relation in category.relations]
    assert len(set(names)) == 40


def test_vocabulary_is_well_formed():
    for category in CATEGORIES:
        for relation in category.relations:
            assert len(set(relation.values)) == len(relation.values) >= 8
            assert len(set(relation.phrasings)) == len(relation.phrasings) >= 3
            for phrasing in relation.phrasings:
                assert phrasing.count("{V}") == 1
                assert phrasing.count("{S}") + phrasing.count("{O}") == 1
                assert not phrasing.endswith(".")
                assert phrasing[0].islower() or phrasing[0] == "{"


def test_no_article_clashes_with_the_value_behind_it():
    for category in CATEGORIES:
        for relation in category.relations:
            for phrasing in relation.phrasings:
                for value in relation.values:
                    text = phrasing.replace("{V}", value)
                    assert not re.search(r"\ba [aeiou]", text), text
                    assert not re.search(r"\ban [^aeiou]", text), text
                    assert not re.search(r"\b(a|an|the) (a|an|the|two)\b", text), text
