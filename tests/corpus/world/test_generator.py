"""The world: the same for the same seed, every sentence true, popularity as Zipf has it."""

import re
from collections import Counter

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import WorldParams
from palimpsest.corpus.world.generator import World
from palimpsest.corpus.world.grammar import VOCABULARY
from palimpsest.corpus.world.parser import LONGEST_SENTENCE, Parser, split
from tests.tiny import ROOT

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
    """Section ``corpus.world`` with some values changed."""
    return WorldParams.of(DEFAULT | changes, "corpus.world")


@pytest.fixture(scope="module")
def world():
    return World(params(), seed=3)


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


def test_every_sentence_parses_as_true_with_every_share_at_its_highest():
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


def test_no_fact_is_stated_twice_in_a_document(world):
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


def test_prose_is_clean(world):
    for text in world.documents(3000, seed=1):
        assert "{" not in text
        assert "  " not in text
        assert text == text.strip()
        assert not re.search(r"\b(\w+) \1\b", text), text
        assert not re.search(r"(?<![.] )(?<!^)\b(The|It|She|He|Its)\b", text), text
        assert not re.search(r"\b(in|of|to|from) (it|he|she)\b", text), text


def test_the_example_of_the_page_is_real():
    page = (ROOT / "docs" / "world.md").read_text(encoding="utf-8")
    world = World(params(), seed=0)
    [text] = world.documents(1, seed=1, start=96)
    assert text in " ".join(page.replace("\n> ", " ").split())
    for statement in Parser(world.ledger()).parse(text):
        assert f"| {' | '.join(statement)} |" in page
