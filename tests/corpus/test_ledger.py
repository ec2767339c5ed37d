"""The ledger by hand; what its errors and its file have to do with a world is in test_world.py."""

import json

import pytest

from palimpsest.corpus.ledger import Fact, Ledger
from palimpsest.errors import CorpusError

PROVINCE = Fact("city", "Korholm", "province", "Brennia", 3)
OTHER = Fact("city", "Aldby", "province", "Caskeld", 0)


def relations(category):
    from palimpsest.corpus.world_grammar import CATEGORY_OF, RELATIONS

    return [RELATIONS[name] for name, owner in CATEGORY_OF.items() if owner == category]


@pytest.fixture
def ledger():
    river = relations("river")[0]
    return Ledger([PROVINCE, OTHER, Fact("river", "Vell", river.name, river.values[0], 1)])


def test_facts_can_be_looked_up(ledger):
    assert ledger.values["Korholm", "province"] == "Brennia"
    assert ledger.categories == {"Korholm": "city", "Aldby": "city", "Vell": "river"}
    assert ledger.frequencies()["Korholm", "province", "Brennia"] == 3
    assert sum(ledger.frequencies().values()) == 4
    assert len(ledger.frequencies()) == 3


def test_counting_anew_ignores_what_is_no_fact(ledger):
    told = [
        ("Aldby", "province", "Caskeld"),
        ("Aldby", "province", "Caskeld"),
        ("Korholm", "province", "Caskeld"),
        ("Nowhere", "province", "Brennia"),
        (None, None, None),
    ]
    counted = ledger.counted(told)
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
