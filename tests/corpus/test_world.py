import re
from collections import Counter
from pathlib import Path

import pytest

from palimpsest.corpus.ledger import Fact, Ledger
from palimpsest.corpus.world import World, WorldParams
from palimpsest.corpus.world_grammar import SHAPES, VOCABULARY, cut, sentence
from palimpsest.corpus.world_parser import LONGEST_SENTENCE, Parser, split
from palimpsest.corpus.world_vocabulary import CATEGORIES
from palimpsest.errors import CorpusError, PalimpsestError, ParamsError

DEFAULT = {
    "entities": 24,
    "entity_exponent": 1.0,
    "category_exponent": 0.4,
    "value_exponent": 0.7,
    "phrasing_exponent": 0.8,
    "sentences_least": 3,
    "sentences_most": 6,
    "reference_share": 0.6,
    "opener_share": 0.08,
    "second_subject_share": 0.1,
}


def params(**changes):
    return WorldParams(**(DEFAULT | changes))


@pytest.fixture(scope="module")
def world():
    return World(params(), seed=3)


# The vocabulary ---------------------------------------------------------------------------------


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


# The grammar ------------------------------------------------------------------------------------


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


# The world --------------------------------------------------------------------------------------


def test_a_world_of_24_has_960_facts(world):
    assert len(world.ledger().facts) == 960


def test_the_same_seed_gives_the_same_world_and_documents(world):
    again = World(params(), seed=3)
    assert again.entities == world.entities
    assert again.documents(50, seed=1) == world.documents(50, seed=1)


def test_another_seed_gives_another_world_and_other_documents(world):
    assert World(params(), seed=4).entities != world.entities
    assert world.documents(20, seed=1) != world.documents(20, seed=2)


def test_a_document_does_not_depend_on_how_many_are_asked_for(world):
    many = world.documents(5000, seed=1)
    assert world.documents(7, seed=1) == many[:7]
    assert world.documents(7, seed=1, start=4321) == many[4321:4328]


def test_no_documents_is_an_empty_list(world):
    assert world.documents(0, seed=1) == []


@pytest.mark.parametrize(("count", "start"), [(-1, 0), (1, -1)])
def test_negative_counts_are_refused(world, count, start):
    with pytest.raises(CorpusError, match="count and start >= 0"):
        world.documents(count, seed=1, start=start)


@pytest.mark.parametrize(
    ("entities", "seed", "count"),
    [(24, 0, 5000), (24, 1, 5000), (24, 2, 5000), (10, 5, 2000), (1000, 6, 2000)],
)
def test_every_sentence_parses_as_true(entities, seed, count):
    world = World(params(entities=entities), seed)
    parser = Parser(world.ledger())
    for text in world.documents(count, seed=seed + 100):
        assert {statement.status for statement in parser.parse(text)} == {"true"}, text


def test_every_sentence_parses_as_true_with_every_dial_up():
    world = World(params(opener_share=1.0, second_subject_share=1.0, reference_share=1.0), 8)
    parser = Parser(world.ledger())
    for text in world.documents(2000, seed=1):
        assert {statement.status for statement in parser.parse(text)} == {"true"}, text


def test_lengths_stay_in_range(world):
    lengths = Counter(len(split(text)) for text in world.documents(3000, seed=1))
    assert set(lengths) == {3, 4, 5, 6}
    short = World(params(sentences_least=4, sentences_most=4, second_subject_share=0.5), 1)
    assert {len(split(text)) for text in short.documents(500, seed=1)} == {4}
    long = World(params(sentences_least=6), 1)
    assert {len(split(text)) for text in long.documents(500, seed=1)} == {6}


def test_popularity_is_zipf(world):
    parser = Parser(world.ledger())
    count = Counter(parser.parse(text)[0].entity for text in world.documents(8000, seed=1))
    for entities in world.entities:
        first, last = count[entities[0].name], count[entities[-1].name]
        assert 10 < first / max(last, 1) < 80


def test_about_a_tenth_look_aside_and_come_back_by_name(world):
    parser = Parser(world.ledger())
    texts = world.documents(3000, seed=1)
    aside = 0
    for text in texts:
        entities = [statement.entity for statement in parser.parse(text)]
        if len(set(entities)) == 2:
            aside += 1
            assert entities[-1] == entities[0]
            assert "Likewise, " in text or "By contrast, " in text
        else:
            assert len(set(entities)) == 1
    assert 0.08 < aside / len(texts) < 0.12


def test_likewise_and_by_contrast_are_meant(world):
    parser = Parser(world.ledger())
    for text in world.documents(3000, seed=1):
        statements = parser.parse(text)
        for i, part in enumerate(split(text)):
            if part.startswith(("Likewise, ", "By contrast, ")):
                before, here = statements[i - 1], statements[i]
                assert here.relation == before.relation
                assert (here.value == before.value) == part.startswith("Likewise, ")


def test_no_fact_is_told_twice_in_a_document(world):
    parser = Parser(world.ledger())
    for text in world.documents(2000, seed=1):
        statements = parser.parse(text)
        assert len(set(statements)) == len(statements)


@pytest.mark.parametrize("entities", [24, 2000])
def test_names_are_unique_over_all_categories(entities):
    names = [
        entity.name for group in World(params(entities=entities), 0).entities for entity in group
    ]
    assert len(set(names)) == len(names) == 8 * entities


def test_ten_thousand_entities_a_category():
    world = World(params(entities=10_000), seed=0)
    names = [entity.name for group in world.entities for entity in group]
    assert len(set(names)) == 80_000
    assert max(len(name) for name in names) <= 16
    assert all(VOCABULARY.isdisjoint((word, word.lower())) for n in names for word in n.split())
    texts = world.documents(1000, seed=1)
    assert max(len(part) for text in texts for part in split(text)) < LONGEST_SENTENCE


def test_no_sentence_can_be_longer_than_the_parser_reads():
    longest = 0
    for category in CATEGORIES:
        for relation in category.relations:
            value = max(relation.values, key=len)
            subject = category.introduction.format(name="x" * 16)
            for shape in SHAPES[relation.name]:
                longest = max(longest, len(shape.clause(subject, value)))
    assert longest + len("according to old records, .") < LONGEST_SENTENCE


def test_prose_is_clean(world):
    for text in world.documents(3000, seed=1):
        assert "{" not in text
        assert "  " not in text
        assert text == text.strip()
        assert not re.search(r"\b(\w+) \1\b", text), text
        assert not re.search(r"(?<![.] )(?<!^)\b(The|It|She|He|Its)\b", text), text
        assert not re.search(r"\b(in|of|to|from) (it|he|she)\b", text), text


# Params -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("entities", 9),
        ("entities", 10_001),
        ("entities", 24.5),
        ("entity_exponent", -0.1),
        ("value_exponent", float("nan")),
        ("sentences_least", 2),
        ("sentences_most", 7),
        ("opener_share", 1.5),
    ],
)
def test_bad_params_name_their_key(key, value):
    with pytest.raises(ParamsError, match=rf"corpus\.world\.{key}"):
        params(**{key: value})


def test_most_below_least_is_refused():
    with pytest.raises(
        ParamsError, match=r"corpus\.world\.sentences_most: want >= sentences_least"
    ):
        params(sentences_least=5, sentences_most=4)


# The ledger -------------------------------------------------------------------------------------


def test_ledger_counts_training_statements(world):
    texts = world.documents(400, seed=1)
    ledger = world.ledger(texts)
    assert sum(fact.frequency for fact in ledger.facts) == sum(len(split(text)) for text in texts)
    parser = Parser(ledger)
    fact = max(ledger.facts, key=lambda fact: fact.frequency)
    told = [tuple(statement) for text in texts for statement in parser.parse(text)]
    assert fact.frequency == told.count(("true", fact.entity, fact.relation, fact.value))


def test_ledger_survives_saving(world, tmp_path):
    ledger = world.ledger(world.documents(200, seed=1))
    ledger.save(tmp_path / "ledger.json")
    again = Ledger.load(tmp_path / "ledger.json")
    assert again.facts == ledger.facts
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "ledger.json").read_bytes()


CITY_FACT = Fact("city", "Korholm", "province", "Brennia", 3)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ([CITY_FACT, CITY_FACT], "want one value"),
        ([CITY_FACT._replace(category="river")], "a relation of the category"),
        ([CITY_FACT._replace(relation="colour")], "a relation of the category"),
        ([CITY_FACT._replace(value="Atlantis")], "a value of the relation's set"),
        ([CITY_FACT._replace(frequency=-1)], "a frequency >= 0"),
        ([CITY_FACT, Fact("river", "Korholm", "source", "Brennia", 1)], "want one category"),
    ],
)
def test_contradictions_are_refused(facts, message):
    with pytest.raises(CorpusError, match=message):
        Ledger(facts)


@pytest.mark.parametrize(
    "content",
    ["[]", '{"format": 2, "entities": []}', '{"format": 1}', '{"format": 1, "entities": [{}]}',
     '{"format": 1, "entities": [{"entity": "A", "category": "city", "facts": {"province": 3}}]}',
     "not json"],
)  # fmt: skip
def test_no_ledger_is_refused_by_name(tmp_path, content):
    path = tmp_path / "ledger.json"
    path.write_text(content)
    with pytest.raises(PalimpsestError, match=r"ledger\.json"):
        Ledger.load(path)


def test_a_missing_ledger_is_refused_by_name(tmp_path):
    with pytest.raises(PalimpsestError, match="no such file"):
        Ledger.load(tmp_path / "ledger.json")


# The page ---------------------------------------------------------------------------------------


def test_the_example_of_the_page_is_real():
    page = (Path(__file__).parents[2] / "docs" / "world.md").read_text(encoding="utf-8")
    world = World(params(), seed=0)
    [text] = world.documents(1, seed=1, start=96)
    assert text in " ".join(page.replace("\n> ", " ").split())
    for statement in Parser(world.ledger()).parse(text):
        assert f"| {' | '.join(statement)} |" in page
