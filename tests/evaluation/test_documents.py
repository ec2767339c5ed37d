"""What is known of each text of a generation."""

import json
from dataclasses import replace

import numpy as np
import pytest

from palimpsest.core.storage import read_rows, write_texts
from palimpsest.evaluation.documents import HOLDERS, document_columns
from tests.evaluation.generations import FACTS, TEXTS, generation, points, reference, texts

LONG = "the {} walked down to the water and stayed there until the sun had gone behind the hill"


def facts_of(made, human=None):
    columns = document_columns(made, human or reference())
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def with_texts(some, **changes):
    """A generation that says this, filled up with what it says anyway."""
    return generation(2, texts=[*some, *texts(TEXTS, 2)[len(some) :]], **changes)


def test_a_row_a_text_as_the_file_of_texts_holds_it(tmp_path):
    made = generation(2)
    columns = document_columns(made, reference())
    write_texts(tmp_path / "documents.jsonl", made.texts, **columns)
    rows = read_rows(tmp_path / "documents.jsonl")
    assert [row["text"] for row in rows] == made.texts
    assert rows == json.loads(json.dumps(rows, allow_nan=False))
    assert document_columns(made, reference()) == columns


def test_likelihood_is_a_token_s_and_none_without_tokens():
    made = generation(2)
    arrays = {name: array.copy() for name, array in made.arrays.items()}
    arrays["human_tokens"][3], arrays["human_nll"][3] = 0, 0.0
    rows = facts_of(replace(made, arrays=arrays))
    assert rows[3]["nats"] is None
    expected = arrays["human_nll"][4] / arrays["human_tokens"][4]
    assert rows[4]["nats"] == pytest.approx(expected, abs=1e-4)


def test_the_nearest_human_text_is_found_whatever_the_length_of_the_embedding():
    human = reference()
    own = points(TEXTS, 2)
    own[5], own[6] = 3 * human.embeddings[7], 0.0
    row = facts_of(generation(2, embeddings=own), human)[5]
    assert (row["nearest"], row["nearest_text"]) == (1.0, human.texts[7])
    unit = human.embeddings / np.linalg.norm(human.embeddings, axis=1, keepdims=True)
    cosines = unit @ (own[4] / np.linalg.norm(own[4]))
    rows = facts_of(generation(2, embeddings=own), human)
    assert rows[4]["nearest"] == pytest.approx(float(cosines.max()), abs=1e-4)
    assert rows[6]["nearest"] == 0.0


def test_a_sample_is_not_held_against_itself():
    human = reference()
    rows = facts_of(generation(0, texts=list(human.texts)), human)
    assert all(row["nearest"] is row["nearest_text"] is None for row in rows)


def test_copies_of_training_text_are_named_with_the_text_that_they_copy():
    human = replace(reference(), training=[*reference().training, LONG.format("heron")])
    near = LONG.format("heron") + " again"
    rows = facts_of(with_texts([LONG.format("heron"), near, LONG.format("goat")[:40]]), human)
    assert (rows[0]["copied"], rows[0]["copied_text"]) == (1.0, LONG.format("heron"))
    assert 0.8 < rows[1]["copied"] < 1
    assert rows[2]["copied"] is rows[2]["copied_text"] is None


def test_a_twin_is_an_earlier_text_equal_or_nearly():
    one = LONG.format("stork")
    rows = facts_of(with_texts([one, "", "", one.upper() + "!", one + " today", LONG[:30]]))
    assert [row["twin"] for row in rows[:6]] == [None, None, 1, 0, 0, None]


def test_texts_without_a_word_repeat_the_first_of_them():
    """As the metric of duplicates counts them: a generation of empty texts is no new text."""
    rows = facts_of(with_texts(["", " ", "", "one word or two"]))
    twins = [row["twin"] for row in rows[:4]]
    assert twins == [None, 0, 0, None]


def test_a_form_of_more_texts_than_are_remembered_still_finds_the_first_ones():
    many = [f"{LONG.format('stork')} {number}" for number in range(HOLDERS + 3)]
    rows = facts_of(with_texts(many))
    twins = [row["twin"] for row in rows[: len(many)]]
    assert twins[0] is None
    assert all(twin is not None and twin < HOLDERS for twin in twins[1:])


def test_a_ledger_counts_the_sentences_and_says_what_it_has_instead():
    said = "the fox sleeps by the moon and near the owl one more bird waits"
    known, value = next(fact[0] for fact in FACTS), None
    assert known == "fox"
    row = facts_of(with_texts([said]))[0]
    assert row["sentences"] == [0, 2, 0, 0]
    instead = [
        v
        for (e, r), v in {(e, r): v for e, r, v in FACTS}.items()
        if (e, r) == ("fox", "sleeps by")
    ]
    assert row["untrue"] == [
        ["false", "fox", "sleeps by", "moon", *instead], ["false", "owl", "is", "old", value],
    ]  # fmt: skip
    short = facts_of(with_texts(["no statement"]))[0]
    assert (short["sentences"], short["untrue"], short["topic"]) == ([0, 0, 0, 1], [], None)


def test_without_a_ledger_nothing_is_said_of_truth():
    rows = facts_of(generation(2), reference(with_facts=False))
    assert not {"sentences", "untrue"} & rows[0].keys()
    assert {row["topic"] for row in rows} == {None}  # 24 human texts have no clusters
