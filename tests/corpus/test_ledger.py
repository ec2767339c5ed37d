"""The ledger by hand and of a world, its file, and what contradicts itself."""

import json

import pytest

from palimpsest.core.errors import CorpusError, PalimpsestError
from palimpsest.core.parameters import WorldParams
from palimpsest.corpus.ledger import Fact, Ledger
from palimpsest.corpus.world.generator import World
from palimpsest.corpus.world.grammar import CATEGORY_OF, RELATIONS
from palimpsest.corpus.world.parser import Parser, split
from tests.tiny import tiny_params

PROVINCE = Fact("city", "Korholm", "province", "Brennia", 3)
OTHER = Fact("city", "Aldby", "province", "Caskeld", 0)


def relations(category):
    """The relations of a category, in the grammar's order."""
    return [RELATIONS[name] for name, owner in CATEGORY_OF.items() if owner == category]


@pytest.fixture
def ledger():
    river = relations("river")[0]
    return Ledger([PROVINCE, OTHER, Fact("river", "Vell", river.name, river.values[0], 1)])


@pytest.fixture(scope="module")
def world():
    params = {**tiny_params()["corpus"]["world"], "entities": 24, "sentences_most": 6}
    return World(WorldParams.of(params), seed=3)


def test_facts_can_be_looked_up(ledger):
    assert ledger.values["Korholm", "province"] == "Brennia"
    assert ledger.categories == {"Korholm": "city", "Aldby": "city", "Vell": "river"}
    assert ledger.frequencies()["Korholm", "province", "Brennia"] == 3
    assert sum(ledger.frequencies().values()) == 4
    assert len(ledger.frequencies()) == 3


def test_counting_anew_ignores_what_is_no_fact(ledger):
    statements = [
        ("Aldby", "province", "Caskeld"),
        ("Aldby", "province", "Caskeld"),
        ("Korholm", "province", "Caskeld"),
        ("Nowhere", "province", "Brennia"),
        (None, None, None),
    ]
    counted = ledger.counted(statements)
    assert [fact.frequency for fact in counted.facts] == [0, 2, 0]
    assert [fact[:4] for fact in counted.facts] == [fact[:4] for fact in ledger.facts]
    assert ledger.facts[0].frequency == 3


def test_the_file_by_hand(tmp_path):
    Ledger([PROVINCE, OTHER]).save(tmp_path / "ledger.json")
    assert json.loads((tmp_path / "ledger.json").read_text()) == {
        "format": 1,
        "entities": [
            {"category": "city", "entity": "Korholm", "facts": {"province": ["Brennia", 3]}},
            {"category": "city", "entity": "Aldby", "facts": {"province": ["Caskeld", 0]}},
        ],
    }
    assert Ledger.load(tmp_path / "ledger.json").facts == (PROVINCE, OTHER)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"province": ["Brennia", "many"]}, "want entities with facts, got ValueError"),
        ({"province": ["Brennia"]}, "want entities with facts, got ValueError"),
        ([1], "want entities with facts, got AttributeError"),
        ({"province": ["Atlantis", 1]}, "Korholm, province: want a value of the relation's set"),
    ],
)
def test_a_file_that_is_no_ledger(facts, message, tmp_path):
    content = {
        "format": 1,
        "entities": [{"category": "city", "entity": "Korholm", "facts": facts}],
    }
    (tmp_path / "ledger.json").write_text(json.dumps(content))
    with pytest.raises(CorpusError, match=message):
        Ledger.load(tmp_path / "ledger.json")


def test_an_empty_ledger_holds_nothing(tmp_path):
    Ledger([]).save(tmp_path / "ledger.json")
    assert Ledger.load(tmp_path / "ledger.json").facts == ()


def test_ledger_counts_training_statements(world):
    texts = world.documents(400, seed=1)
    ledger = world.ledger(texts)
    assert sum(fact.frequency for fact in ledger.facts) == sum(len(split(text)) for text in texts)
    parser = Parser(ledger)
    fact = max(ledger.facts, key=lambda fact: fact.frequency)
    stated = [tuple(statement) for text in texts for statement in parser.parse(text)]
    assert fact.frequency == stated.count(("true", fact.entity, fact.relation, fact.value))


def test_ledger_survives_saving(world, tmp_path):
    ledger = world.ledger(world.documents(200, seed=1))
    ledger.save(tmp_path / "ledger.json")
    again = Ledger.load(tmp_path / "ledger.json")
    assert again.facts == ledger.facts
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "ledger.json").read_bytes()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ([PROVINCE, PROVINCE], "want one value"),
        ([PROVINCE._replace(category="river")], "a relation of the category"),
        ([PROVINCE._replace(relation="colour")], "a relation of the category"),
        ([PROVINCE._replace(value="Atlantis")], "a value of the relation's set"),
        ([PROVINCE._replace(frequency=-1)], "a frequency >= 0"),
        ([PROVINCE, Fact("river", "Korholm", "source", "Brennia", 1)], "want one category"),
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
