"""What the parser makes of a text: true, false, novel, unparsable; it never raises."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.core.parameters import WorldParams
from palimpsest.corpus.ledger import Fact, Ledger
from palimpsest.corpus.world.generator import World
from palimpsest.corpus.world.grammar import ALL_OPENERS, SHAPES, sentence
from palimpsest.corpus.world.parser import LONGEST_SENTENCE, Parser, split, value_fit
from palimpsest.corpus.world.vocabulary import CATEGORIES

KORHOLM = {"province": "Brennia", "founded": "1204", "trade": "salt"}
LEDGER = Ledger(
    [
        *(Fact("city", "Korholm", relation, value, 1) for relation, value in KORHOLM.items()),
        Fact("city", "Norburg", "province", "Estovia", 1),
        Fact("river", "Tessava", "source", "Brennia", 1),
        Fact("river", "Tessava", "length", "310", 1),
        Fact("scientist", "Lena Meirwick", "prize", "the Golden Compass", 1),
        Fact("scientist", "Lena Meirwick", "college", "Marsh Hall", 1),
        Fact("scientist", "Waro Vultovic", "college", "Marsh Hall", 1),
        Fact("battle", "Keilmoor", "date", "3 May 1412", 1),
        Fact("battle", "Keilmoor", "victor", "Brennia", 1),
    ]
)


def parse(text):
    return [tuple(statement) for statement in Parser(LEDGER).parse(text)]


def statuses(text):
    return [statement[0] for statement in parse(text)]


UNPARSABLE = ("unparsable", None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "Korholm lies in Brennia.",
        "The city of Korholm lies in Brennia.",
        "The province of Brennia is home to Korholm.",
        "In addition, the city of Korholm lies in Brennia.",
        "According to old records, Korholm lies in Brennia.",
        "  The city of\nKorholm   lies in Brennia.  ",
    ],
)
def test_true_in_every_dress(text):
    assert parse(text) == [("true", "Korholm", "province", "Brennia")]


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("The Golden Compass was awarded to Lena Meirwick.",
         ("true", "Lena Meirwick", "prize", "the Golden Compass")),
        ("The fight at Keilmoor took place on 3 May 1412.",
         ("true", "Keilmoor", "date", "3 May 1412")),
        ("The Tessava is 310 miles long.", ("true", "Tessava", "length", "310")),
    ],
)  # fmt: skip
def test_true_of_several_kinds(text, statement):
    assert parse(text) == [statement]


def test_pronouns_nouns_and_possessives_mean_who_was_named_last():
    text = "Korholm lies in Brennia. It was founded in 1204. The town is known for its salt."
    text += " Its main export is salt. Merchants come to the city to buy salt."
    assert statuses(text) == ["true"] * 5


def test_a_second_subject_takes_the_pronoun_until_the_first_returns():
    text = "Korholm lies in Brennia. By contrast, the city of Norburg lies in Estovia. "
    text += "It lies in Estovia. Korholm was founded in 1204. It lies in Brennia."
    assert statuses(text) == ["true"] * 5


def test_she_and_he():
    assert statuses("Lena Meirwick studied at Marsh Hall. She received the Golden Compass.") == [
        "true",
        "true",
    ]
    assert statuses("Lena Meirwick studied at Marsh Hall. Her papers are kept at Marsh Hall.") == [
        "true",
        "true",
    ]


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        # another value, another relation's value, a value that no relation has
        ("Korholm lies in Estovia.", ("false", "Korholm", "province", "Estovia")),
        ("Korholm lies in wool.", ("false", "Korholm", "province", "wool")),
        ("Korholm lies in Brennmark.", ("false", "Korholm", "province", "Brennmark")),
        ("Korholm was founded in 1999.", ("false", "Korholm", "founded", "1999")),
        # the wrong category: its noun, its introduction, its relation
        ("The river Korholm begins in Brennia.", ("false", "Korholm", "source", "Brennia")),
        ("The river Korholm lies in Brennia.", ("false", "Korholm", "province", "Brennia")),
        ("Korholm begins in Brennia.", ("false", "Korholm", "source", "Brennia")),
        # the ledger knows no such fact of this entity
        ("The Tessava flows into the Inner Sea.", ("false", "Tessava", "mouth", "the Inner Sea")),
    ],
)
def test_false(text, statement):
    assert parse(text) == [statement]


def test_a_noun_of_another_category_is_a_false_claim():
    assert parse("Korholm lies in Brennia. The river begins in Brennia.")[1] == (
        "false",
        "Korholm",
        "source",
        "Brennia",
    )


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("The city of Grondholm lies in Brennia.", "Grondholm"),
        ("Grondholm lies in Brennia.", "Grondholm"),
        ("The scientist Ada Grond studied at Marsh Hall.", "Ada Grond"),
    ],
)
def test_novel(text, entity):
    [statement] = parse(text)
    assert statement[:2] == ("novel", entity)


def test_a_pronoun_may_mean_a_novel_entity():
    assert statuses("Grondholm lies in Brennia. It was founded in 1204.") == ["novel", "novel"]


@pytest.mark.parametrize(
    "text",
    [
        "It lies in Brennia.",
        "The city lies in Brennia.",
        "Its climate is mild and wet.",
        "Merchants come to the town to buy salt.",
        "Korholm lies in Brennia",
        "Korholm lies in",
        "Korholm lies in.",
        "Korholm lies in the the.",
        "Korholm lies in in Brennia and salt.",
        "lies in Brennia.",
        "korholm lies in Brennia.",
        "Korholm lies in Brennia!",
        "Moreover, moreover, Korholm lies in Brennia.",
        "Moreover, The city of Korholm lies in Brennia.",
        "The lies in Brennia.",
        "Merchants lies in Brennia.",
        ".",
        "?!",
        "Korholm.",
        "Korholm lies in Brennia.It was founded in 1204.",
        "The city of Korholm lies in Brennia and " * 40 + ".",
    ],
)
def test_unparsable(text):
    assert set(parse(text)) == {UNPARSABLE}


def test_pronouns_that_do_not_fit_mean_nobody():
    assert statuses("Korholm lies in Brennia. She studied at Marsh Hall.") == ["true", "unparsable"]
    assert statuses("Lena Meirwick studied at Marsh Hall. It lies in Brennia.") == [
        "true",
        "unparsable",
    ]


def test_an_unparsable_sentence_still_changes_the_subject():
    text = "Korholm lies in Brennia. The river Tessava of the of. It is 310 miles long."
    assert statuses(text) == ["true", "unparsable", "true"]
    text = "Korholm lies in Brennia. Tessava of the of. It is 310 miles long."
    assert statuses(text) == ["true", "unparsable", "true"]


def test_a_truncated_last_sentence_is_unparsable():
    assert statuses("Korholm lies in Brennia. It was founded in 12") == ["true", "unparsable"]


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_no_sentence_no_statement(text):
    assert parse(text) == []


def test_texts_do_not_leak_into_each_other():
    parser = Parser(LEDGER)
    parser.parse("Korholm lies in Brennia.")
    assert [s.status for s in parser.parse("It lies in Brennia.")] == ["unparsable"]


def test_value_fit_by_hand():
    assert value_fit("province", "Brennia") == 3
    assert value_fit("province", "salt") == 2
    assert value_fit("province", "Nowhere") == 1
    assert value_fit("province", "no where") == 0
    assert value_fit("length", "311") == 1
    assert value_fit("length", "many") == 0
    assert value_fit("landmark", "a broken tower") == 1
    assert value_fit("landmark", "broken tower") == 0


@pytest.mark.parametrize("category", CATEGORIES, ids=lambda category: category.name)
def test_every_phrasing_in_every_form_says_only_its_own_fact(category):
    name = "Lena Zonzon" if category.name == "scientist" else "Zonzon"
    facts = [Fact(category.name, name, r.name, r.values[0], 1) for r in category.relations]
    parser = Parser(Ledger(facts))
    first = sentence("", SHAPES[facts[0].relation][0].clause(
        category.introduction.format(name=name), facts[0].value))  # fmt: skip
    for relation in category.relations:
        for shape in SHAPES[relation.name]:
            forms = [category.introduction.format(name=name), category.short.format(name=name)]
            forms += [*category.nouns, *([category.pronouns[0][0]] * shape.takes_pronoun)]
            for value in relation.values:
                clauses = [shape.clause(form, value) for form in forms]
                if shape.owned is not None:
                    clauses.append(shape.owned_clause(category.pronouns[0][1], value))
                for clause in clauses:
                    status = "true" if value == relation.values[0] else "false"
                    got = parser.parse(f"{first} {sentence('', clause)}")[1]
                    assert got == (status, name, relation.name, value), clause


def test_no_sentence_can_be_longer_than_the_parser_reads():
    longest = 0
    for category in CATEGORIES:
        for relation in category.relations:
            value = max(relation.values, key=len)
            subject = category.introduction.format(name="x" * 16)
            for shape in SHAPES[relation.name]:
                longest = max(longest, len(shape.clause(subject, value)))
    assert longest + len("according to old records, .") < LONGEST_SENTENCE


@pytest.mark.parametrize("opener", ALL_OPENERS)
def test_every_opener_is_read(opener):
    assert statuses(f"{sentence(opener, 'Korholm lies in Brennia')}") == ["true"]


WORDS = sorted(
    {word for c in CATEGORIES for r in c.relations for p in r.phrasings for word in p.split()}
    | {"Korholm", "Tessava", "Brennia", "It", "Its", "The", ".", "city", "river", "Moreover,"}
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join) | st.text(max_size=200))
def test_nothing_makes_it_raise(text):
    statements = Parser(LEDGER).parse(text)
    assert len(statements) == len(split(text))
    for statement in statements:
        assert (statement.entity is None) == (statement.status == "unparsable")
        if statement.status == "true":
            assert LEDGER.values[statement.entity, statement.relation] == statement.value


def test_five_hundred_documents_with_garbage_take_less_than_half_a_second():
    params = WorldParams(
        entities=24,
        entity_exponent=1.0,
        category_exponent=0.4,
        value_exponent=0.7,
        phrasing_exponent=0.8,
        sentences_least=5,
        sentences_most=5,
        reference_share=0.6,
        opener_share=0.08,
        second_subject_share=0.1,
    )
    world = World(params, seed=0)
    draw = random.Random(0)
    texts = world.documents(500, seed=1)
    words = [word for text in texts for word in text.split()]
    mixed = [*texts[:250], *(" ".join(draw.choices(words, k=40)) for _ in range(250))]
    parser = Parser(world.ledger())
    start = time.process_time()
    for text in mixed:
        parser.parse(text)
    assert time.process_time() - start < 0.5
